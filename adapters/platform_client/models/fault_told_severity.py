from typing import Literal

FaultToldSeverity = Literal["error", "warning"]

FAULT_TOLD_SEVERITY_VALUES: set[FaultToldSeverity] = {
    "error",
    "warning",
}


def check_fault_told_severity(value: str) -> FaultToldSeverity:
    if value in FAULT_TOLD_SEVERITY_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {FAULT_TOLD_SEVERITY_VALUES!r}")
