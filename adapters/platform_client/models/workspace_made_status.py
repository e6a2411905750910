from typing import Literal

WorkspaceMadeStatus = Literal["active", "deleting", "suspended"]

WORKSPACE_MADE_STATUS_VALUES: set[WorkspaceMadeStatus] = {
    "active",
    "deleting",
    "suspended",
}


def check_workspace_made_status(value: str) -> WorkspaceMadeStatus:
    if value in WORKSPACE_MADE_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {WORKSPACE_MADE_STATUS_VALUES!r}")
