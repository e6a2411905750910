from typing import Literal

KeyShownRole = Literal["admin", "member", "operator", "owner", "viewer"]

KEY_SHOWN_ROLE_VALUES: set[KeyShownRole] = {
    "admin",
    "member",
    "operator",
    "owner",
    "viewer",
}


def check_key_shown_role(value: str) -> KeyShownRole:
    if value in KEY_SHOWN_ROLE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {KEY_SHOWN_ROLE_VALUES!r}")
