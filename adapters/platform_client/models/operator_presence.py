from typing import Literal

OperatorPresence = Literal["available", "away", "busy"]

OPERATOR_PRESENCE_VALUES: set[OperatorPresence] = {
    "available",
    "away",
    "busy",
}


def check_operator_presence(value: str) -> OperatorPresence:
    if value in OPERATOR_PRESENCE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {OPERATOR_PRESENCE_VALUES!r}")
