from typing import Literal

NewCallReason = Literal[
    "call_back", "confirm", "custom", "follow_up", "insurance", "missing", "rebook", "reschedule"
]

NEW_CALL_REASON_VALUES: set[NewCallReason] = {
    "call_back",
    "confirm",
    "custom",
    "follow_up",
    "insurance",
    "missing",
    "rebook",
    "reschedule",
}


def check_new_call_reason(value: str) -> NewCallReason:
    if value in NEW_CALL_REASON_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {NEW_CALL_REASON_VALUES!r}")
