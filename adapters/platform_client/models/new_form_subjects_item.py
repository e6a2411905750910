from typing import Literal

NewFormSubjectsItem = Literal[
    "address",
    "allergies",
    "birth-date",
    "consent-calls",
    "consent-texts",
    "coverage",
    "email",
    "emergency-contact",
    "guardian",
    "language",
    "medications",
    "pharmacy",
    "phone",
    "reason",
]

NEW_FORM_SUBJECTS_ITEM_VALUES: set[NewFormSubjectsItem] = {
    "address",
    "allergies",
    "birth-date",
    "consent-calls",
    "consent-texts",
    "coverage",
    "email",
    "emergency-contact",
    "guardian",
    "language",
    "medications",
    "pharmacy",
    "phone",
    "reason",
}


def check_new_form_subjects_item(value: str) -> NewFormSubjectsItem:
    if value in NEW_FORM_SUBJECTS_ITEM_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {NEW_FORM_SUBJECTS_ITEM_VALUES!r}")
