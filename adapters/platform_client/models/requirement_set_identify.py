from typing import Literal

RequirementSetIdentify = Literal["birth-date", "none"]

REQUIREMENT_SET_IDENTIFY_VALUES: set[RequirementSetIdentify] = {
    "birth-date",
    "none",
}


def check_requirement_set_identify(value: str) -> RequirementSetIdentify:
    if value in REQUIREMENT_SET_IDENTIFY_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {REQUIREMENT_SET_IDENTIFY_VALUES!r}")
