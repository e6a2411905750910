from typing import Literal

FormStatus = Literal[
    "completed", "expired", "in-progress", "locked", "nothing-missing", "ready", "revoked", "sent"
]

FORM_STATUS_VALUES: set[FormStatus] = {
    "completed",
    "expired",
    "in-progress",
    "locked",
    "nothing-missing",
    "ready",
    "revoked",
    "sent",
}


def check_form_status(value: str) -> FormStatus:
    if value in FORM_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {FORM_STATUS_VALUES!r}")
