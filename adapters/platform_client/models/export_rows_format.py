from typing import Literal

ExportRowsFormat = Literal["csv", "parquet"]

EXPORT_ROWS_FORMAT_VALUES: set[ExportRowsFormat] = {
    "csv",
    "parquet",
}


def check_export_rows_format(value: str) -> ExportRowsFormat:
    if value in EXPORT_ROWS_FORMAT_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {EXPORT_ROWS_FORMAT_VALUES!r}")
