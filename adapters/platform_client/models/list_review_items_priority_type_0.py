from typing import Literal

ListReviewItemsPriorityType0 = Literal["asap", "routine", "stat", "urgent"]

LIST_REVIEW_ITEMS_PRIORITY_TYPE_0_VALUES: set[ListReviewItemsPriorityType0] = {
    "asap",
    "routine",
    "stat",
    "urgent",
}


def check_list_review_items_priority_type_0(value: str) -> ListReviewItemsPriorityType0:
    if value in LIST_REVIEW_ITEMS_PRIORITY_TYPE_0_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {LIST_REVIEW_ITEMS_PRIORITY_TYPE_0_VALUES!r}"
    )
