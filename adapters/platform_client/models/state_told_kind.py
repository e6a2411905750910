from typing import Literal

StateToldKind = Literal["action", "annotation", "data_collection", "decision"]

STATE_TOLD_KIND_VALUES: set[StateToldKind] = {
    "action",
    "annotation",
    "data_collection",
    "decision",
}


def check_state_told_kind(value: str) -> StateToldKind:
    if value in STATE_TOLD_KIND_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {STATE_TOLD_KIND_VALUES!r}")
