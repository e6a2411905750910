from typing import Literal

DifferenceToldKind = Literal["added", "changed", "removed"]

DIFFERENCE_TOLD_KIND_VALUES: set[DifferenceToldKind] = {
    "added",
    "changed",
    "removed",
}


def check_difference_told_kind(value: str) -> DifferenceToldKind:
    if value in DIFFERENCE_TOLD_KIND_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {DIFFERENCE_TOLD_KIND_VALUES!r}")
