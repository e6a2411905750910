from typing import Literal

ConcurrentStartBlockPer = Literal["location", "practice", "practitioner"]

CONCURRENT_START_BLOCK_PER_VALUES: set[ConcurrentStartBlockPer] = {
    "location",
    "practice",
    "practitioner",
}


def check_concurrent_start_block_per(value: str) -> ConcurrentStartBlockPer:
    if value in CONCURRENT_START_BLOCK_PER_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CONCURRENT_START_BLOCK_PER_VALUES!r}")
