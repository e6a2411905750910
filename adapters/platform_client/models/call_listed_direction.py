from typing import Literal

CallListedDirection = Literal["inbound", "outbound"]

CALL_LISTED_DIRECTION_VALUES: set[CallListedDirection] = {
    "inbound",
    "outbound",
}


def check_call_listed_direction(value: str) -> CallListedDirection:
    if value in CALL_LISTED_DIRECTION_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CALL_LISTED_DIRECTION_VALUES!r}")
