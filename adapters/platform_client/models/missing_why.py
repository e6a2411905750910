from typing import Literal

MissingWhy = Literal["expired", "missing", "old", "unverified"]

MISSING_WHY_VALUES: set[MissingWhy] = {
    "expired",
    "missing",
    "old",
    "unverified",
}


def check_missing_why(value: str) -> MissingWhy:
    if value in MISSING_WHY_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {MISSING_WHY_VALUES!r}")
