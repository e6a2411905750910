"""For each concept of a release: its parents and children, and what is above and below it."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterator

from fhirserver.kernel.json import JsonObject
from fhirserver.storage.sqlite.releases import closure
from fhirserver.storage.sqlite.releases.hierarchy import Links, topological, tree_ends
from fhirserver.storage.sqlite.releases.packing import pack, pack_list, pack_runs, runs_of, unpack_list
from fhirserver.storage.sqlite.releases.reach import Reach

_AT_ONCE = 10_000
_ABOVE = "INSERT INTO place (number, end, parents, children, above) VALUES (?, ?, ?, ?, ?)"
_BELOW = "UPDATE place SET below = ? WHERE number = ?"


def keep_links(connection: sqlite3.Connection, parents: Links) -> None:
    """Put the numbers' parents beside the rows, for the steps that follow."""
    connection.execute("CREATE TABLE rows.upward (name TEXT PRIMARY KEY, numbers BLOB NOT NULL)")
    for name, held in (("starts", parents.starts), ("others", parents.others)):
        connection.execute("INSERT INTO rows.upward VALUES (?, ?)", (name, pack_list(held)))


def _links(connection: sqlite3.Connection) -> Links:
    held = {
        name: unpack_list(numbers)
        for name, numbers in connection.execute("SELECT name, numbers FROM rows.upward")
    }
    return Links(held["starts"], held["others"])


def link_above(connection: sqlite3.Connection, _: JsonObject) -> Iterator[tuple[int, int]]:
    """Parents, children, the end of the run below, and all that is above each concept."""
    parents = _links(connection)
    children = parents.reversed()
    order, ends, size = topological(parents, children), tree_ends(parents), len(parents)
    rows: list[tuple[object, ...]] = []
    dense = False
    for count, (at, above) in enumerate(closure.ancestors(parents, children, order)):
        dense = dense or above is None
        rows.append((at, ends[at], *_near(parents[at], children[at]), _far(parents.count(at), above)))
        if len(rows) == _AT_ONCE:
            _write(connection, _ABOVE, rows)
            yield count, size
    _write(connection, _ABOVE, rows)
    for name, neighbours in (("root", parents), ("leaf", children)):
        bare = (at for at in range(size) if not neighbours.count(at))
        connection.execute("INSERT INTO flag VALUES (?, ?)", (name, pack_runs([*runs_of(bare)])))
    if dense:
        parts = Reach.build(parents, children, order, ends).parts()
        connection.executemany(
            "INSERT INTO graph VALUES (?, ?)", ((name, pack_list(numbers)) for name, numbers in parts)
        )


def _near(parents: array[int], children: array[int]) -> tuple[bytes | None, bytes | None]:
    return pack_list(parents) if parents else None, pack(children) if children else None


def _far(parents: int, above: array[int] | None) -> bytes | None:
    if above is None:
        return b""
    return pack(above) if len(above) > parents else None


def link_below(connection: sqlite3.Connection, _: JsonObject) -> Iterator[tuple[int, int]]:
    """Of concepts that have others below them beyond their own run: all runs."""
    parents = _links(connection)
    children = parents.reversed()
    order, ends = topological(parents, children), tree_ends(parents)
    rows: list[tuple[object, ...]] = []
    for count, (at, bounds) in enumerate(closure.descendants(parents, children, order, ends)):
        rows.append((b"" if bounds is None else pack(bounds), at))
        if len(rows) == _AT_ONCE:
            _write(connection, _BELOW, rows)
            yield count, len(parents)
    _write(connection, _BELOW, rows)


def _write(connection: sqlite3.Connection, statement: str, rows: list[tuple[object, ...]]) -> None:
    connection.executemany(statement, rows)
    rows.clear()
