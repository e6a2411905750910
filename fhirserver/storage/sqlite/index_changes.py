"""Old and new index values to the rows that go and the rows that come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from fhirserver.search.values import IndexValue
from fhirserver.storage.sqlite.index_tables import Number, Table, row_of
from fhirserver.storage.sqlite.index_timeline import TIMELINE, timeline_rows

Rows: TypeAlias = dict[Table, list[tuple[Any, ...]]]
Change: TypeAlias = tuple[int, str, Sequence[IndexValue], Sequence[IndexValue]]
"""Number and type of a resource, old values, new values."""


def changes(number: Number, all_changes: Iterable[Change]) -> tuple[Rows, Rows]:
    """Rows to delete and rows to insert, by table."""
    gone: Rows = {}
    fresh: Rows = {}
    for pk, type_name, old, new in all_changes:
        before, after = set(old), set(new)
        _collect(number, pk, type_name, before - after, gone)
        _collect(number, pk, type_name, after - before, fresh)
        charted = set(timeline_rows(number, type_name, pk, old))
        charts = set(timeline_rows(number, type_name, pk, new))
        if charted != charts:
            gone.setdefault(TIMELINE, []).extend(charted - charts)
            fresh.setdefault(TIMELINE, []).extend(charts - charted)
    return gone, fresh


def _collect(number: Number, pk: int, type_name: str, values: Iterable[IndexValue], into: Rows) -> None:
    for value in values:
        table, row = row_of(number, type_name, pk, value)
        into.setdefault(table, []).append(row)


def merged(all_changes: Iterable[Change]) -> Iterable[Change]:
    """One change per resource: from its first old values to its last new ones."""
    found: dict[int, Change] = {}
    for pk, type_name, old, new in all_changes:
        first = found.get(pk)
        found[pk] = (pk, type_name, old if first is None else first[2], new)
    return found.values()
