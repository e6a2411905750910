from typing import Literal

CallActionDisposition = Literal["", "call_back", "no_action", "resolved", "sent_to_emergency"]

CALL_ACTION_DISPOSITION_VALUES: set[CallActionDisposition] = {
    "",
    "call_back",
    "no_action",
    "resolved",
    "sent_to_emergency",
}


def check_call_action_disposition(value: str) -> CallActionDisposition:
    if value in CALL_ACTION_DISPOSITION_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CALL_ACTION_DISPOSITION_VALUES!r}")
