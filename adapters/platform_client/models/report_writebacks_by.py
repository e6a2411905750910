from typing import Literal

ReportWritebacksBy = Literal["", "day", "sink"]

REPORT_WRITEBACKS_BY_VALUES: set[ReportWritebacksBy] = {
    "",
    "day",
    "sink",
}


def check_report_writebacks_by(value: str) -> ReportWritebacksBy:
    if value in REPORT_WRITEBACKS_BY_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {REPORT_WRITEBACKS_BY_VALUES!r}")
