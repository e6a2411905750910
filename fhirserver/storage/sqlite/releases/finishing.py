"""Making a release out of the rows of an import: in steps, each committed; a killed process goes on behind the last."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import TypeAlias

from fhirserver.kernel.json import JsonObject, dumps
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.storage.sqlite.releases import schema
from fhirserver.storage.sqlite.releases.filling import fill_concepts, fill_properties
from fhirserver.storage.sqlite.releases.hierarchy import (
    Circle,
    Links,
    depth_first,
    inverse,
    renumbered,
    topological,
)
from fhirserver.storage.sqlite.releases.linking import keep_links, link_above, link_below
from fhirserver.storage.sqlite.releases.words import fill_words, merge_words, sort_exact

Step: TypeAlias = tuple[str, int, int]
"""``(step, done, of)``."""
Work: TypeAlias = Callable[[sqlite3.Connection, JsonObject], Iterator[tuple[int, int]]]

_LINK = """
CREATE TABLE IF NOT EXISTS rows.link AS
SELECT CASE typeof(r.owner) WHEN 'integer' THEN r.owner ELSE c.row END AS row, p.row AS parent, r.rowid AS at
FROM rows.parent r JOIN rows.code p ON p.code = r.parent LEFT JOIN rows.code c ON c.code = r.owner"""
_OWNERLESS = """
SELECT r.owner FROM rows.{table} r WHERE typeof(r.owner) = 'text'
AND NOT EXISTS (SELECT 1 FROM rows.code c WHERE c.code = r.owner) LIMIT 1"""


class Finishing:
    """Runs the steps that are not done yet."""

    def __init__(self, connection: sqlite3.Connection, url: str, version: str):
        self._connection, self._url, self._version = connection, url, version

    def run(self, header: JsonObject) -> Iterator[Step]:
        steps: tuple[tuple[str, Work], ...] = (
            ("sorting codes", _sort_codes),
            ("ordering the hierarchy", _order),
            ("writing concepts", fill_concepts),
            ("indexing properties", fill_properties),
            ("indexing codes", _index_codes),
            ("linking ancestors", link_above),
            ("linking descendants", link_below),
            ("indexing words", fill_words),
            ("merging words", merge_words),
            ("sorting names", sort_exact),
        )
        done = {name for (name,) in self._connection.execute("SELECT name FROM step")}
        for name, work in steps:
            if name not in done:
                yield from self._run(name, work, header)
        self._describe(header)

    def _run(self, name: str, work: Work, header: JsonObject) -> Iterator[Step]:
        yield name, 0, 1
        self._connection.execute("BEGIN")
        try:
            for at, of in work(self._connection, header):
                yield name, at, of
            self._connection.execute("INSERT INTO step VALUES (?)", (name,))
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        yield name, 1, 1

    def _describe(self, header: JsonObject) -> None:
        """The header; a release without it was never finished."""
        execute = self._connection.execute
        size = execute("SELECT count(*) FROM concept").fetchone()[0]
        told = {name: value for name, value in header.items() if name != "concept"}
        told |= {"url": self._url, "version": self._version, "count": size}
        execute("BEGIN")
        execute("DELETE FROM about")
        row = (schema.FORMAT, self._url, self._version, size, dumps(told))
        execute("INSERT INTO about VALUES (?, ?, ?, ?, ?)", row)
        execute("COMMIT")


def _sort_codes(connection: sqlite3.Connection, header: JsonObject) -> Iterator[tuple[int, int]]:
    execute = connection.execute
    execute("CREATE TABLE rows.code (code TEXT PRIMARY KEY, row INTEGER NOT NULL) WITHOUT ROWID")
    try:
        execute("INSERT INTO rows.code SELECT code, row FROM rows.concept ORDER BY code, row")
    except sqlite3.IntegrityError:
        twice = execute("SELECT code FROM rows.concept GROUP BY code HAVING count(*) > 1 LIMIT 1").fetchone()
        raise _wrong(f"The code {twice[0]} is there twice") from None
    for table in ("property", "designation", *(("parent",) if _is_whole(header) else ())):
        owner = execute(_OWNERLESS.format(table=table)).fetchone()
        if owner:
            raise _wrong(f"The code {owner[0]} has a {table} and is no concept")
        yield 1, 1


def _is_whole(header: JsonObject) -> bool:
    """Whether every code that is spoken of must be there: a fragment may name parents that it leaves out."""
    return bool(header.get("content", "complete") == "complete")


def _order(connection: sqlite3.Connection, header: JsonObject) -> Iterator[tuple[int, int]]:
    """Number the concepts: ``rows.numbered`` says which row has a number, ``rows.upward`` what is right above it."""
    execute = connection.execute
    if _is_whole(header):
        _check_parents(connection)
    execute(_LINK)
    size = execute("SELECT count(*) FROM rows.concept").fetchone()[0]
    parents = Links.of(
        size, execute("SELECT row - 1, parent - 1 FROM rows.link WHERE row IS NOT NULL ORDER BY row, at")
    )
    yield 1, 4
    try:
        topological(parents, parents.reversed())
    except Circle as circle:
        code = execute("SELECT code FROM rows.concept WHERE row = ?", (circle.row + 1,)).fetchone()[0]
        raise _wrong(f"The hierarchy runs in a circle: the code {code} is above itself") from None
    yield 2, 4
    order = depth_first(parents)
    execute("CREATE TABLE rows.numbered (row INTEGER PRIMARY KEY, number INTEGER NOT NULL)")
    numbers = inverse(order)
    connection.executemany(
        "INSERT INTO rows.numbered VALUES (?, ?)", ((row + 1, number) for row, number in enumerate(numbers))
    )
    execute("CREATE TABLE rows.listed (number INTEGER PRIMARY KEY, row INTEGER NOT NULL)")
    connection.executemany(
        "INSERT INTO rows.listed VALUES (?, ?)", ((n, row + 1) for n, row in enumerate(order))
    )
    yield 3, 4
    keep_links(connection, renumbered(parents, order))


def _check_parents(connection: sqlite3.Connection) -> None:
    lost = connection.execute(
        "SELECT parent FROM rows.parent r WHERE NOT EXISTS (SELECT 1 FROM rows.code c WHERE c.code = r.parent) LIMIT 1"
    ).fetchone()
    if lost:
        raise _wrong(f"The code {lost[0]} is a parent and no concept")


def _index_codes(connection: sqlite3.Connection, header: JsonObject) -> Iterator[tuple[int, int]]:
    yield 0, 2
    connection.execute("CREATE UNIQUE INDEX concept_code ON concept (code)")
    yield 1, 2
    if header.get("caseSensitive") is False:
        connection.create_function("folded", 1, str.casefold, deterministic=True)
        connection.execute(
            "INSERT OR IGNORE INTO folded SELECT folded(code), number FROM concept ORDER BY 1, 2"
        )


def _wrong(why: str) -> Refusal:
    return refuse(Category.UNPROCESSABLE, "invalid", why)
