from typing import Literal

PresenceStatedState = Literal["available", "away", "busy"]

PRESENCE_STATED_STATE_VALUES: set[PresenceStatedState] = {
    "available",
    "away",
    "busy",
}


def check_presence_stated_state(value: str) -> PresenceStatedState:
    if value in PRESENCE_STATED_STATE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {PRESENCE_STATED_STATE_VALUES!r}")
