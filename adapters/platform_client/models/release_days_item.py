from typing import Literal

ReleaseDaysItem = Literal["fri", "mon", "sat", "sun", "thu", "tue", "wed"]

RELEASE_DAYS_ITEM_VALUES: set[ReleaseDaysItem] = {
    "fri",
    "mon",
    "sat",
    "sun",
    "thu",
    "tue",
    "wed",
}


def check_release_days_item(value: str) -> ReleaseDaysItem:
    if value in RELEASE_DAYS_ITEM_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {RELEASE_DAYS_ITEM_VALUES!r}")
