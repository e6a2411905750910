"""Old and new index values to the rows that go and the rows that come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from fhirserver.search.values import IndexValue
from fhirserver.storage.sqlite.index_tables import ROWS, Numbers, Table
from fhirserver.storage.sqlite.index_timeline import TIMELINE, timeline_rows

Rows: TypeAlias = dict[Table, list[tuple[Any, ...]]]
Change: TypeAlias = tuple[int, str, Sequence[IndexValue], Sequence[IndexValue]]
"""Number and type of a resource, old values, new values."""

_Collected: TypeAlias = defaultdict[type, list[tuple[Any, ...]]]
"""Rows by class of value: every create passes here, and a class is quicker to find than a table."""


def changes(numbers: Numbers, all_changes: Iterable[Change]) -> tuple[Rows, Rows]:
    """Rows to delete and rows to insert, by table."""
    gone: _Collected = defaultdict(list)
    fresh: _Collected = defaultdict(list)
    charts: tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]] = [], []
    for pk, type_name, old, new in all_changes:
        if old:
            before, after = set(old), set(new)
            _collect(numbers, pk, type_name, before - after, gone)
            _collect(numbers, pk, type_name, after - before, fresh)
            _move(numbers, (pk, type_name, old, new), charts)
        else:
            _collect(numbers, pk, type_name, new, fresh)
            charts[1].extend(timeline_rows(numbers, type_name, pk, new))
    return _by_table(gone, charts[0]), _by_table(fresh, charts[1])


def _move(
    numbers: Numbers, change: Change, charts: tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]
) -> None:
    pk, type_name, old, new = change
    before = set(timeline_rows(numbers, type_name, pk, old))
    after = set(timeline_rows(numbers, type_name, pk, new))
    charts[0].extend(before - after)
    charts[1].extend(after - before)


def _collect(
    numbers: Numbers, pk: int, type_name: str, values: Iterable[IndexValue], into: _Collected
) -> None:
    params = numbers.params(type_name)
    for value in values:
        kind = type(value)
        into[kind].append(ROWS[kind][1](numbers, params[value[0]], pk, value))


def _by_table(collected: _Collected, charts: list[tuple[Any, ...]]) -> Rows:
    found = {ROWS[kind][0]: rows for kind, rows in collected.items()}
    return {**found, TIMELINE: charts} if charts else found


def merged(all_changes: Iterable[Change]) -> Iterable[Change]:
    """One change per resource: from its first old values to its last new ones."""
    found: dict[int, Change] = {}
    for pk, type_name, old, new in all_changes:
        first = found.get(pk)
        found[pk] = (pk, type_name, old if first is None else first[2], new)
    return found.values()
