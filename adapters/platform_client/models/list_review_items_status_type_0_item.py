from typing import Literal

ListReviewItemsStatusType0Item = Literal["accepted", "cancelled", "completed", "in-progress", "requested"]

LIST_REVIEW_ITEMS_STATUS_TYPE_0_ITEM_VALUES: set[ListReviewItemsStatusType0Item] = {
    "accepted",
    "cancelled",
    "completed",
    "in-progress",
    "requested",
}


def check_list_review_items_status_type_0_item(value: str) -> ListReviewItemsStatusType0Item:
    if value in LIST_REVIEW_ITEMS_STATUS_TYPE_0_ITEM_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {LIST_REVIEW_ITEMS_STATUS_TYPE_0_ITEM_VALUES!r}"
    )
