from typing import Literal

WeeklyHoursDaysItem = Literal["fri", "mon", "sat", "sun", "thu", "tue", "wed"]

WEEKLY_HOURS_DAYS_ITEM_VALUES: set[WeeklyHoursDaysItem] = {
    "fri",
    "mon",
    "sat",
    "sun",
    "thu",
    "tue",
    "wed",
}


def check_weekly_hours_days_item(value: str) -> WeeklyHoursDaysItem:
    if value in WEEKLY_HOURS_DAYS_ITEM_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {WEEKLY_HOURS_DAYS_ITEM_VALUES!r}")
