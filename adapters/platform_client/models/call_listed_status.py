from typing import Literal

CallListedStatus = Literal[
    "completed", "entered-in-error", "in-progress", "not-done", "on-hold", "preparation", "stopped", "unknown"
]

CALL_LISTED_STATUS_VALUES: set[CallListedStatus] = {
    "completed",
    "entered-in-error",
    "in-progress",
    "not-done",
    "on-hold",
    "preparation",
    "stopped",
    "unknown",
}


def check_call_listed_status(value: str) -> CallListedStatus:
    if value in CALL_LISTED_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CALL_LISTED_STATUS_VALUES!r}")
