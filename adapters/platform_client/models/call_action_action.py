from typing import Literal

CallActionAction = Literal["guide", "hand_back", "listen", "say", "take_over", "wrap_up"]

CALL_ACTION_ACTION_VALUES: set[CallActionAction] = {
    "guide",
    "hand_back",
    "listen",
    "say",
    "take_over",
    "wrap_up",
}


def check_call_action_action(value: str) -> CallActionAction:
    if value in CALL_ACTION_ACTION_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CALL_ACTION_ACTION_VALUES!r}")
