from typing import Literal

ListCallsStatusType0 = Literal[
    "completed", "entered-in-error", "in-progress", "not-done", "on-hold", "preparation", "stopped", "unknown"
]

LIST_CALLS_STATUS_TYPE_0_VALUES: set[ListCallsStatusType0] = {
    "completed",
    "entered-in-error",
    "in-progress",
    "not-done",
    "on-hold",
    "preparation",
    "stopped",
    "unknown",
}


def check_list_calls_status_type_0(value: str) -> ListCallsStatusType0:
    if value in LIST_CALLS_STATUS_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {LIST_CALLS_STATUS_TYPE_0_VALUES!r}")
