from typing import Literal

WorkspaceChangeStatusType0 = Literal["active", "suspended"]

WORKSPACE_CHANGE_STATUS_TYPE_0_VALUES: set[WorkspaceChangeStatusType0] = {
    "active",
    "suspended",
}


def check_workspace_change_status_type_0(value: str) -> WorkspaceChangeStatusType0:
    if value in WORKSPACE_CHANGE_STATUS_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {WORKSPACE_CHANGE_STATUS_TYPE_0_VALUES!r}")
