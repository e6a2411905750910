from typing import Literal

SessionGridDaysItem = Literal["fri", "mon", "sat", "sun", "thu", "tue", "wed"]

SESSION_GRID_DAYS_ITEM_VALUES: set[SessionGridDaysItem] = {
    "fri",
    "mon",
    "sat",
    "sun",
    "thu",
    "tue",
    "wed",
}


def check_session_grid_days_item(value: str) -> SessionGridDaysItem:
    if value in SESSION_GRID_DAYS_ITEM_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {SESSION_GRID_DAYS_ITEM_VALUES!r}")
