from typing import Literal

PatientKindDaysItem = Literal["fri", "mon", "sat", "sun", "thu", "tue", "wed"]

PATIENT_KIND_DAYS_ITEM_VALUES: set[PatientKindDaysItem] = {
    "fri",
    "mon",
    "sat",
    "sun",
    "thu",
    "tue",
    "wed",
}


def check_patient_kind_days_item(value: str) -> PatientKindDaysItem:
    if value in PATIENT_KIND_DAYS_ITEM_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {PATIENT_KIND_DAYS_ITEM_VALUES!r}")
