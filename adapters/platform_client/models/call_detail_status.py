from typing import Literal

CallDetailStatus = Literal[
    "completed", "entered-in-error", "in-progress", "not-done", "on-hold", "preparation", "stopped", "unknown"
]

CALL_DETAIL_STATUS_VALUES: set[CallDetailStatus] = {
    "completed",
    "entered-in-error",
    "in-progress",
    "not-done",
    "on-hold",
    "preparation",
    "stopped",
    "unknown",
}


def check_call_detail_status(value: str) -> CallDetailStatus:
    if value in CALL_DETAIL_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CALL_DETAIL_STATUS_VALUES!r}")
