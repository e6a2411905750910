from typing import Literal

BlockOverlapByItem = Literal["patient", "practitioner"]

BLOCK_OVERLAP_BY_ITEM_VALUES: set[BlockOverlapByItem] = {
    "patient",
    "practitioner",
}


def check_block_overlap_by_item(value: str) -> BlockOverlapByItem:
    if value in BLOCK_OVERLAP_BY_ITEM_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {BLOCK_OVERLAP_BY_ITEM_VALUES!r}")
