"""The search index of the SQLite storage. https://hl7.org/fhir/R4/search.html"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, Final

from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.storage import Page, Version
from fhirserver.search import cursor
from fhirserver.search.expression import Cursor, Expression, Query
from fhirserver.search.match import Place, in_order
from fhirserver.search.sphere import distance
from fhirserver.search.values import IndexValue
from fhirserver.search.words import has_phrase
from fhirserver.storage.sqlite import index_plan as plan
from fhirserver.storage.sqlite import index_words
from fhirserver.storage.sqlite.index_changes import Change, changes, merged
from fhirserver.storage.sqlite.index_render import Rendering, Source
from fhirserver.storage.sqlite.index_tables import (
    BY_KIND,
    TOKEN,
    URI,
    Numbers,
    Table,
    param_name,
    system_name,
)
from fhirserver.storage.sqlite.index_timeline import TIMELINE, Chart, chart, read_chart
from fhirserver.storage.sqlite.names import Names

_TABLES: Final = (*BY_KIND.values(), TIMELINE)

VALUE_TABLES: Final = tuple(table.name for table in _TABLES)
"""The tables of values; each has the resource's number."""

TABLES: Final = (*VALUE_TABLES, *index_words.TABLES)
"""The tables to empty for a rebuild."""

SCHEMA: Final = (
    "".join(table.schema for table in _TABLES)
    + "CREATE INDEX IF NOT EXISTS resource_live ON resource (type) WHERE deleted = 0;\n"
)
"""Tables and indexes; needs the tables ``resource`` and ``name``."""

_AT_ONCE: Final = 8
_INSERTS: Final = {table: (table.insert(), table.insert(_AT_ONCE)) for table in _TABLES}

_LONGEST = 40_000
"""Characters of SQL; SQLite would take seconds to plan more, or refuse it."""

# The inner statement has a LIMIT and the join is in written order, so its order is kept.
_WITH_CONTENT = """
SELECT p.*, r.id, r.version, r.position, r.recorded, r.content
FROM ({page}) p CROSS JOIN resource r ON r.pk = p.pk
"""

_CODES: Final = f"""
WITH RECURSIVE used (code) AS (
SELECT min(code) FROM {TOKEN.name} WHERE param = ?
UNION ALL SELECT (SELECT min(t.code) FROM {TOKEN.name} t WHERE t.param = ? AND t.code > used.code) FROM used
WHERE used.code IS NOT NULL)
SELECT code FROM used WHERE code <> ''
"""  # noqa: S608 - fixed names


class SearchIndex:
    """Index rows and searches on one connection.

    Make a new one after a rollback: it remembers the numbers of names.
    """

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection
        self._names = Names(connection)
        self._numbers_given = Numbers(self._names.number)
        self._traced: list[tuple[str, Sequence[Any]]] | None = None
        connection.create_function("has_phrase", 3, has_phrase, deterministic=True)
        connection.create_function("sphere_distance", 4, distance, deterministic=True)

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection it reads on: for other reads that may be long."""
        return self._connection

    # writing

    def update_many(self, rows: Iterable[Change]) -> None:
        """Write the difference of old and new values of each (number, type, old, new).

        ``old`` is what is written now, empty for a new resource; ``new`` is empty for a deleted one. The same
        resource may come more than once, in order.
        """
        gone, fresh = changes(self._numbers_given, merged(rows))
        for table, deleted in gone.items():
            self._connection.executemany(table.delete, deleted)
        for table, inserted in fresh.items():
            _insert(self._connection, table, sorted(inserted))

    def update(self, pk: int, type: str, old: Sequence[IndexValue], new: Sequence[IndexValue]) -> None:
        """As :meth:`update_many`, for one resource."""
        self.update_many([(pk, type, old, new)])

    def replace(self, pk: int, type: str, codes: frozenset[str], values: Sequence[IndexValue]) -> None:
        """Make the rows of one resource under ``codes``, derived parameters included, those of ``values``."""
        gone = [number for code in sorted(codes) for number in self._numbers(type, code)]
        for table in BY_KIND.values():
            text = f"DELETE FROM {table.name} WHERE pk = ? AND param = ?"  # noqa: S608
            self._connection.executemany(text, [(pk, number) for number in gone])
        self.update(pk, type, (), [value for value in values if value.param.partition(":")[0] in codes])

    def _numbers(self, type: str, code: str) -> list[int]:
        found = [number for _, number in self._names.starting(param_name(type, f"{code}:"))]
        own = self._names.find(param_name(type, code))
        return [*found, own] if own else found

    # reading

    def params(self) -> set[tuple[str, str]]:
        """Resource types with the params that index values were ever stored under."""
        names = (name.split("?", 1) for name, _ in self._names.starting("") if " " not in name)
        return {(parts[0], parts[1]) for parts in names if len(parts) == 2}

    def explain(self, query: Query) -> list[str]:
        """The statements that answer a query and SQLite's plan for each; what is bound is not told."""
        traced: list[tuple[str, Sequence[Any]]] = []
        self._traced = traced
        try:
            self.search(query)
        finally:
            self._traced = None
        lines: list[str] = []
        for text, bound in traced:
            steps = self._connection.execute(f"EXPLAIN QUERY PLAN {text}", bound).fetchall()
            lines += [" ".join(text.split()), *(f"  {step[3]}" for step in steps)]
        return lines

    def search(self, query: Query) -> Page:
        """One page of current resources, and the cursor that continues it, "" at the end."""
        if query.count == 0:
            return Page([])
        if not query.type:
            return self._of_types(query)
        found = self._found(query, query.count + 1)
        following = ""
        if len(found) > query.count:
            found.pop()
            following = cursor.encode(Cursor(tuple(found[-1][1:-5]), found[-1][0]))
        return Page([_version(query.type, *row[-5:]) for row in found], following)

    def _of_types(self, query: Query) -> Page:
        """A page of each type, put together: one that has nothing costs next to nothing."""
        rows: dict[Place, tuple[str, Any]] = {}
        for single in self._singles(query):
            for row in self._found(single, query.count + 1):
                rows[tuple(row[1:-5]), row[0]] = single.type, row
        places = in_order(query.sort, rows)
        kept = places[: query.count]
        versions = [_version(type, *row[-5:]) for type, row in map(rows.__getitem__, kept)]
        return Page(versions, cursor.encode(Cursor(*kept[-1])) if len(places) > len(kept) else "")

    def _singles(self, query: Query) -> Iterator[Query]:
        """The query on each of its types that were ever stored."""
        for type, where in query.by_type():
            if self._names.find(type):
                yield replace(query, type=type, where=where, types=(), wheres=())

    def count(self, query: Query) -> int:
        """How many current resources match, on all pages together."""
        if not query.type:
            return sum(map(self.count, self._singles(query)))
        rendering = Rendering.begin(self._names.find)
        charted = chart(rendering, query, plan.conjuncts(query.where))
        source, others, _ = self._source(rendering, query, charted)
        statement = plan.total(rendering, query, source or self._everything(query), others)
        return int(self._run(statement)[0][0])

    def in_use(self, type: str, param: str) -> list[tuple[str, str]]:
        """The distinct (system, code) of a token parameter, ("", uri) of a uri parameter."""
        bound = (self._names.find(param_name(type, param)),)
        tokens = f"SELECT DISTINCT system, code FROM {TOKEN.name} WHERE param = ?"  # noqa: S608
        uris = f"SELECT DISTINCT 0, uri FROM {URI.name} WHERE param = ?"  # noqa: S608
        rows = [*self._execute(tokens, bound), *self._execute(uris, bound)]
        return sorted(
            (self._names.name(row[0])[len(system_name("")) :] if row[0] else "", row[1]) for row in rows
        )

    def codes_in_use(self, type: str, param: str) -> list[str]:
        """The distinct codes of a token parameter: one seek for each, however many resources there are."""
        return [row[0] for row in self._execute(_CODES, (self._names.find(param_name(type, param)),) * 2)]

    def _found(self, query: Query, limit: int) -> list[Any]:
        rendering = Rendering.begin(self._names.find)
        charted = chart(rendering, query, plan.conjuncts(query.where))
        if charted is not None and charted.by_date:
            return self._page(plan.Statement(*read_chart(rendering, query, charted, limit)))
        source, others, narrow = self._source(rendering, query, charted)
        if not query.sort:
            if source is not None and not (narrow or source.ordered):
                source, others = None, plan.conjuncts(query.where)
            return self._page(plan.stream(rendering, query, source or self._everything(query), others, limit))
        if len(query.sort) > 1 or (source is not None and narrow):
            return self._page(plan.gather(rendering, query, source or self._everything(query), others, limit))
        return self._walk(rendering, query, limit)

    def _walk(self, rendering: Rendering, query: Query, limit: int) -> list[Any]:
        """In the order of one key; when those with a value are at their end, those without."""
        type_number, tests = self._names.find(query.type), plan.conjuncts(query.where)
        found: list[Any] = []
        if query.cursor is None or query.cursor.keys[0] is not None:
            found = self._page(plan.walk(rendering, query, type_number, tests, limit))
        if len(found) < limit and query.sort[0].kind not in ("id", "updated"):
            statement = plan.without_value(rendering, query, type_number, tests, limit - len(found))
            found += self._page(statement)
        return found

    def _everything(self, query: Query) -> Source:
        return plan.all_of(self._names.find(query.type), "d")

    def _source(
        self, rendering: Rendering, query: Query, charted: Chart | None
    ) -> tuple[Source | None, tuple[Expression, ...], bool]:
        """The narrowest source, the predicates left to test, and whether it is narrow."""
        if charted is not None:
            return charted.source._replace(ordered=False), charted.others, True
        of = plan.conjuncts(query.where)
        found = [(s, e) for e in of if (s := rendering.source(query.type, e)) is not None]
        if not found:
            return None, of, False
        if len(found) == 1 and found[0][0].ordered and not query.sort:
            return found[0][0], plan.rest(of, found[0][1]), True
        best, fewest = found[0], plan.MANY + 1
        for candidate in sorted(found, key=lambda pair: pair[0].rank):
            rows = self._run(plan.estimate(candidate[0]))[0][0]
            if rows < fewest:
                best, fewest = candidate, rows
            if fewest <= 100:
                break
        return best[0], plan.rest(of, best[1]), fewest < plan.MANY

    def _page(self, statement: plan.Statement) -> list[Any]:
        """Number, sort values, id, version, position, recorded and content of each."""
        return self._execute(_WITH_CONTENT.format(page=statement.text), statement.bound)

    def _run(self, statement: plan.Statement) -> list[Any]:
        return self._execute(statement.text, statement.bound)

    def _execute(self, text: str, bound: Sequence[Any]) -> list[Any]:
        if len(text) > _LONGEST:
            problem = "The search has too many parameters or alternatives"
            raise refuse(Category.INVALID, "too-costly", problem)
        if self._traced is not None:
            self._traced.append((text, bound))
        return self._connection.execute(text, bound).fetchall()

    # rebuilding

    def dump(self) -> Iterator[bytes]:
        """Every row of every table, names instead of numbers, in one fixed order."""
        for table in _TABLES:
            yield from sorted(self._dumped(table))

    def _dumped(self, table: Table) -> Iterator[bytes]:
        numbered = [at for at, column in enumerate(table.columns) if _is_number_of_name(column)]
        for row in self._connection.execute(f"SELECT {', '.join(table.columns)} FROM {table.name}"):  # noqa: S608
            named = list(row)
            for at in numbered:
                named[at] = self._names.name(row[at]) if row[at] else ""
            yield repr((table.name, *named)).encode()


def _insert(connection: sqlite3.Connection, table: Table, rows: list[tuple[Any, ...]]) -> None:
    """Insert rows, several with each statement: that takes a third less time than one by one."""
    one, several = _INSERTS[table]
    whole = len(rows) - len(rows) % _AT_ONCE
    for first in range(0, whole, _AT_ONCE):
        connection.execute(several, tuple(chain.from_iterable(rows[first : first + _AT_ONCE])))
    if whole < len(rows):
        connection.executemany(one, rows[whole:])


def _version(type_name: str, id: str, version: int, position: int, recorded: str, content: bytes) -> Version:
    return Version(type_name, id, version, position, recorded, False, content)


def _is_number_of_name(column: str) -> bool:
    return column.rstrip("123") in ("param", "system", "type", "i")
