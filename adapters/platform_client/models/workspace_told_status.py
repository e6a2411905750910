from typing import Literal

WorkspaceToldStatus = Literal["active", "deleting", "suspended"]

WORKSPACE_TOLD_STATUS_VALUES: set[WorkspaceToldStatus] = {
    "active",
    "deleting",
    "suspended",
}


def check_workspace_told_status(value: str) -> WorkspaceToldStatus:
    if value in WORKSPACE_TOLD_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {WORKSPACE_TOLD_STATUS_VALUES!r}")
