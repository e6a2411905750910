from typing import Literal

RequirementSetToldIdentify = Literal["birth-date", "none"]

REQUIREMENT_SET_TOLD_IDENTIFY_VALUES: set[RequirementSetToldIdentify] = {
    "birth-date",
    "none",
}


def check_requirement_set_told_identify(value: str) -> RequirementSetToldIdentify:
    if value in REQUIREMENT_SET_TOLD_IDENTIFY_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {REQUIREMENT_SET_TOLD_IDENTIFY_VALUES!r}")
