from typing import Literal

PatientKindPatients = Literal["established", "new"]

PATIENT_KIND_PATIENTS_VALUES: set[PatientKindPatients] = {
    "established",
    "new",
}


def check_patient_kind_patients(value: str) -> PatientKindPatients:
    if value in PATIENT_KIND_PATIENTS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {PATIENT_KIND_PATIENTS_VALUES!r}")
