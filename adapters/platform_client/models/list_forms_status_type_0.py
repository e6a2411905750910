from typing import Literal

ListFormsStatusType0 = Literal[
    "completed", "expired", "in-progress", "locked", "nothing-missing", "ready", "revoked", "sent"
]

LIST_FORMS_STATUS_TYPE_0_VALUES: set[ListFormsStatusType0] = {
    "completed",
    "expired",
    "in-progress",
    "locked",
    "nothing-missing",
    "ready",
    "revoked",
    "sent",
}


def check_list_forms_status_type_0(value: str) -> ListFormsStatusType0:
    if value in LIST_FORMS_STATUS_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {LIST_FORMS_STATUS_TYPE_0_VALUES!r}")
