from typing import Literal

PresenceToldState = Literal["available", "away", "busy"]

PRESENCE_TOLD_STATE_VALUES: set[PresenceToldState] = {
    "available",
    "away",
    "busy",
}


def check_presence_told_state(value: str) -> PresenceToldState:
    if value in PRESENCE_TOLD_STATE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {PRESENCE_TOLD_STATE_VALUES!r}")
