from typing import Literal

RequirementSubject = Literal[
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

REQUIREMENT_SUBJECT_VALUES: set[RequirementSubject] = {
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


def check_requirement_subject(value: str) -> RequirementSubject:
    if value in REQUIREMENT_SUBJECT_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {REQUIREMENT_SUBJECT_VALUES!r}")
