from typing import Literal

ListReviewItemsOrder = Literal["newest", "oldest", "priority"]

LIST_REVIEW_ITEMS_ORDER_VALUES: set[ListReviewItemsOrder] = {
    "newest",
    "oldest",
    "priority",
}


def check_list_review_items_order(value: str) -> ListReviewItemsOrder:
    if value in LIST_REVIEW_ITEMS_ORDER_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {LIST_REVIEW_ITEMS_ORDER_VALUES!r}")
