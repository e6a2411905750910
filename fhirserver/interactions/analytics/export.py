"""Rows as tables for other programs: CSV (RFC 4180), and Parquet where pyarrow is installed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from fhirserver.interactions.analytics.metrics import Selection, selected
from fhirserver.interactions.analytics.rows import COUNTS, MEMBER, NUMBERS, WRITEBACK, Rows
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse

CONVERSATIONS, WRITEBACKS, CAMPAIGNS = "conversations", "writebacks", "campaigns"
_TEXTS: Final = {
    CONVERSATIONS: ("day", "channel", "direction", "agent", "campaign", "status", "outcome", "started"),
    WRITEBACKS: ("day", "sink", "status", "asked"),
    CAMPAIGNS: ("day", "campaign", "status", "outcome"),
}
_YES_NO: Final = {CONVERSATIONS: ("escalated", "person"), WRITEBACKS: (), CAMPAIGNS: ()}
_NUMBERS: Final = {CONVERSATIONS: NUMBERS, WRITEBACKS: ("delay",), CAMPAIGNS: ()}
_COUNTED: Final = {CONVERSATIONS: COUNTS, WRITEBACKS: (), CAMPAIGNS: ()}
_RESOURCE: Final = {
    CONVERSATIONS: "Communication",
    WRITEBACKS: "Task",
    CAMPAIGNS: "CommunicationRequest",
}
_LOT: Final = 10_000
"""Rows of a group in a Parquet file."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""With what a spreadsheet begins to compute."""


def columns(table: str) -> list[str]:
    """The columns of a table, the reference of the FHIR resource first."""
    return ["resource", *_TEXTS[table], *_YES_NO[table], *_NUMBERS[table], *_COUNTED[table]]


def records(rows: Rows, table: str, selection: Selection) -> Iterator[dict[str, Any]]:
    """The rows of a table, in order of time; None where something was not measured."""
    return (_record(table, id, row) for id, row in _chosen(rows, table, selection))


def _chosen(rows: Rows, table: str, selection: Selection) -> Iterator[tuple[str, JsonObject]]:
    if table == CONVERSATIONS:
        return selected(rows, selection)
    return selection.within(rows, WRITEBACK if table == WRITEBACKS else MEMBER)


def _record(table: str, id: str, row: JsonObject) -> dict[str, Any]:
    return {
        "resource": f"{_RESOURCE[table]}/{id}",
        **{name: str(row.get(name, "")) for name in _TEXTS[table]},
        **{name: bool(row.get(name)) for name in _YES_NO[table]},
        **{name: _number(row.get(name)) for name in _NUMBERS[table]},
        **{name: int(row.get(name, 0)) for name in _COUNTED[table]},
    }


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def as_csv(rows: Rows, table: str, selection: Selection) -> bytes:
    """With a head line. What a spreadsheet would take for a formula is quoted."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns(table), lineterminator="\r\n")
    writer.writeheader()
    for record in records(rows, table, selection):
        writer.writerow({name: _plain(value) for name, value in record.items()})
    return text.getvalue().encode()


def _plain(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def as_parquet(rows: Rows, table: str, selection: Selection) -> bytes:
    """Typed columns. Refuses (409) where pyarrow is not installed."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        text = "Parquet needs pyarrow: install it with pip install 'credence[analytics]', or ask for CSV"
        raise refuse(Category.CONFLICT, "not-supported", text, "format") from None
    types = {
        **dict.fromkeys(("resource", *_TEXTS[table]), pyarrow.string()),
        **dict.fromkeys(_YES_NO[table], pyarrow.bool_()),
        **dict.fromkeys(_NUMBERS[table], pyarrow.float64()),
        **dict.fromkeys(_COUNTED[table], pyarrow.int64()),
    }
    schema = pyarrow.schema([(name, types[name]) for name in columns(table)])
    written = io.BytesIO()
    found = records(rows, table, selection)
    with parquet.ParquetWriter(written, schema) as writer:
        while lot := list(islice(found, _LOT)):
            writer.write_table(pyarrow.Table.from_pylist(lot, schema))
    return written.getvalue()
