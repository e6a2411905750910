from typing import Literal

ExportRowsTable = Literal["campaigns", "conversations", "writebacks"]

EXPORT_ROWS_TABLE_VALUES: set[ExportRowsTable] = {
    "campaigns",
    "conversations",
    "writebacks",
}


def check_export_rows_table(value: str) -> ExportRowsTable:
    if value in EXPORT_ROWS_TABLE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {EXPORT_ROWS_TABLE_VALUES!r}")
