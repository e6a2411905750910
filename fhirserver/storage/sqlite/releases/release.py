"""A release open for reading: one file that never changes, mapped into memory: all processes share its pages."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from urllib.parse import quote

from fhirserver.kernel.json import Json, JsonObject, loads
from fhirserver.ports.releases import Runs
from fhirserver.ports.terminology import Concept, Designation
from fhirserver.storage.sqlite.releases import schema, words
from fhirserver.storage.sqlite.releases.packing import runs_of, unpack, unpack_list, unpack_runs
from fhirserver.storage.sqlite.releases.reach import Reach

_AT_ONCE = 500
_MAPPED = 1 << 40
_CONCEPT = "SELECT number, code, display, definition, flags, status, more FROM concept WHERE number"
_FEW = 32
"""More values than these are looked for in one pass over all values of the property."""


class OtherFormat(ValueError):
    """The file is no release that this version reads."""


class SqliteRelease:
    """A :class:`fhirserver.ports.releases.Release`. Raises :class:`OtherFormat`, and ``OSError`` where it is gone."""

    def __init__(self, path: Path):
        self.path, self._local = path, threading.local()
        self._first = self._local.connection = _open(path)
        try:
            told = self._first.execute("SELECT format, url, version, size, header FROM about").fetchone()
        except sqlite3.DatabaseError as error:
            raise OtherFormat(f"{path}: {error}") from None
        if told is None or told[0] != schema.FORMAT:
            raise OtherFormat(f"{path}: written by another version; import it again")
        self.url: str = told[1]
        self.version: str = told[2]
        self.size: int = told[3]
        self.header: JsonObject = loads(told[4])
        self._language: str = self.header.get("language", "")
        self._folds_case = self.header.get("caseSensitive") is False

    @property
    def _connection(self) -> sqlite3.Connection:
        """One for each thread. The file may have been replaced since: then all go on with the first."""
        held: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if held is None:
            try:
                held = _open(self.path)
            except sqlite3.OperationalError:
                held = self._first
            self._local.connection = held
        return held

    def close(self) -> None:
        """For tests and tools: a server keeps its releases open."""
        self._first.close()

    def _row(self, statement: str, *values: object) -> tuple[Json, ...] | None:
        found: tuple[Json, ...] | None = self._connection.execute(statement, values).fetchone()
        return found

    # Concepts

    def number(self, code: str) -> int | None:
        found = self._row("SELECT number FROM concept WHERE code = ?", code)
        if found is None and self._folds_case:
            found = self._row("SELECT number FROM folded WHERE code = ?", code.casefold())
        return None if found is None else int(found[0])

    def concepts(self, numbers: Iterable[int]) -> Iterator[Concept]:
        for row in self._rows(_CONCEPT, numbers):
            yield self._concept(row)

    def codes(self, numbers: Iterable[int]) -> Iterator[str]:
        for row in self._rows("SELECT number, code FROM concept WHERE number", numbers):
            yield row[1]

    def _rows(self, statement: str, numbers: Iterable[int]) -> Iterator[tuple[Json, ...]]:
        """The row of each number, in their order; looked up some at a time."""
        waiting, wanted = iter(numbers), 1
        while asked := [*islice(waiting, wanted)]:
            if len(asked) == 1:
                found = self._row(f"{statement} = ?", asked[0])
                if found:
                    yield found
            else:
                marks = ",".join("?" * len(asked))
                rows = self._connection.execute(f"{statement} IN ({marks})", asked).fetchall()
                by_number = {row[0]: row for row in rows}
                yield from (by_number[number] for number in asked if number in by_number)
            wanted = min(_AT_ONCE, wanted * 8)

    def _concept(self, row: tuple[Json, ...]) -> Concept:
        _, code, display, definition, flags, status, more = row
        spoken, properties, extensions = loads(more) if more else ((), (), None)
        return Concept(
            system=self.url,
            code=code,
            display=display,
            definition=definition,
            designations=tuple(
                Designation(value, language, self._spoken(use), tuple(self._spoken(further) or ()))
                for value, language, use, further in spoken
            ),
            abstract=bool(flags & schema.ABSTRACT),
            inactive=bool(flags & schema.INACTIVE),
            version=self.version,
            language=self._language,
            status=status,
            properties=tuple(self._property(*held) for held in properties),
            extensions=tuple(extensions or ()),
        )

    def _spoken(self, said: Json) -> Json:
        return self._said[said] if isinstance(said, int) else said

    @cached_property
    def _said(self) -> dict[int, Json]:
        """What many designations say alike, by its number."""
        return {id: loads(json) for id, json in self._first.execute("SELECT id, json FROM said")}

    @cached_property
    def _names(self) -> dict[int, str]:
        return dict(self._first.execute("SELECT id, name FROM name"))

    @cached_property
    def _name_ids(self) -> dict[str, int]:
        return {name: id for id, name in self._names.items()}

    def _property(self, name: int, type: int, value: str, _: int) -> JsonObject:
        kind = schema.TYPES[type]
        return {"code": self._names[name], f"value{kind[0].upper()}{kind[1:]}": _typed(kind, value)}

    # The hierarchy

    def parents(self, number: int) -> Sequence[int]:
        found = self._row("SELECT parents FROM place WHERE number = ?", number)
        return unpack_list(found[0]) if found and found[0] else ()

    def children(self, number: int) -> Sequence[int]:
        found = self._row("SELECT children FROM place WHERE number = ?", number)
        return [*unpack(found[0])] if found and found[0] else ()

    def is_below(self, number: int, other: int) -> bool:
        if number == other:
            return True
        found = self._row(
            "SELECT (SELECT end FROM place WHERE number = ?), above, parents FROM place WHERE number = ?",
            other,
            number,
        )
        if found is None or found[0] is None:
            return False
        end, above, parents = found
        if other <= number < end:
            return True
        if above is None:
            return parents is not None and other in unpack_list(parents)
        return other in unpack(above) if above else self._reach.is_below(number, other)

    @cached_property
    def _reach(self) -> Reach:
        rows = self._first.execute("SELECT name, numbers FROM graph")
        return Reach.of_parts({name: unpack_list(numbers) for name, numbers in rows})

    def below(self, number: int) -> Runs:
        found = self._row("SELECT end, below FROM place WHERE number = ?", number)
        if found is None:
            return ()
        if found[1] is None:
            return ((number, found[0]),)
        return unpack_runs(found[1]) if found[1] else [*runs_of(sorted(self._reached(number, "children")))]

    def above(self, number: int) -> Sequence[int]:
        found = self._row("SELECT above, parents FROM place WHERE number = ?", number)
        if found is None:
            return ()
        above, parents = found
        if above == b"":
            return sorted(self._reached(number, "parents"))
        others = unpack(above) if above else unpack_list(parents or b"")
        return sorted((number, *others))

    def _reached(self, number: int, way: str) -> set[int]:
        """By walking: the hierarchy is so dense that what is reached is not kept."""
        step = self.children if way == "children" else self.parents
        seen, waiting = {number}, [number]
        while waiting:
            new = [other for other in step(waiting.pop()) if other not in seen]
            seen.update(new)
            waiting.extend(new)
        return seen

    # Sets

    def with_property(self, name: str, values: Iterable[str] | None = None) -> Iterator[int]:
        id = self._name_ids.get(name)
        if id is None:
            return iter(())
        if values is None:
            rows = self._connection.execute("SELECT DISTINCT number FROM property WHERE name = ?", (id,))
            return (number for (number,) in rows)
        wanted = {*values}
        if len(wanted) > _FEW:
            return _distinct(number for number, value in self.property_values(name) if value in wanted)
        return _distinct(chain.from_iterable(self._with_value(id, value) for value in wanted))

    def _with_value(self, name: int, value: str) -> Iterator[int]:
        rows = self._connection.execute(
            "SELECT number FROM property WHERE name = ? AND value = ?", (name, value)
        )
        return (number for (number,) in rows)

    def property_values(self, name: str) -> Iterator[tuple[int, str]]:
        statement = "SELECT number, value FROM property WHERE name = ?"
        return iter(self._connection.execute(statement, (self._name_ids.get(name),)))

    def grouped_values(self, name: str) -> Iterator[tuple[int, int, str]]:
        statement = "SELECT number, band, value FROM property WHERE name = ? ORDER BY number, band, value"
        return iter(self._connection.execute(statement, (self._name_ids.get(name),)))

    def flagged(self, flag: str) -> Runs:
        found = self._row("SELECT runs FROM flag WHERE name = ?", flag)
        return unpack_runs(found[0]) if found else ()

    def called(self, text: str) -> Iterator[int]:
        return words.called(self._connection, text)

    def search(self, text: str, among: bytes = b"") -> Iterator[int]:
        return words.search(self._connection, text, among)

    def count(self, text: str, among: bytes = b"") -> int | None:
        return words.count(self._connection, text, among)


def _open(path: Path) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA mmap_size = {_MAPPED}")
    return connection


def _distinct(numbers: Iterable[int]) -> Iterator[int]:
    seen: set[int] = set()
    for number in numbers:
        if number not in seen:
            seen.add(number)
            yield number


def _typed(kind: str, value: str) -> Json:
    if kind in ("integer", "decimal", "Coding"):
        return loads(value)
    return value == "true" if kind == "boolean" else value
