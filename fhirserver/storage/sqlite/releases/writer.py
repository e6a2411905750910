"""Writing a release: rows as they come into one file, then the release made from them in another, then one rename.

Both files lie in the folder ``unfinished``. Rows are committed by ``checkpoint``, so a process that is killed loses
what came after the last one; :mod:`.finishing` commits step by step. A second import of the same release at the same
time is refused: the files are locked for as long as the writer is open.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from fhirserver.kernel.json import Json, JsonObject, dumps
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.terminology import Designation
from fhirserver.storage.sqlite.releases import schema
from fhirserver.storage.sqlite.releases.finishing import Finishing, Step

_AT_ONCE = 5_000
_CACHE_KB = 48_000
_MOST_SAID = 5_000
_PRAGMAS = ("journal_mode = TRUNCATE", "synchronous = NORMAL", f"cache_size = -{_CACHE_KB}")
_INSERTS = {
    "concept": "INSERT INTO rows.concept VALUES (?, ?, ?, ?, ?, ?, ?)",
    "designation": "INSERT INTO rows.designation VALUES (?, ?, ?, ?, ?)",
    "property": "INSERT INTO rows.property VALUES (?, ?, ?, ?, ?)",
    "parent": "INSERT INTO rows.parent VALUES (?, ?)",
}


class OtherRows(ValueError):
    """The rows that are there were written by another version."""


class SqliteReleaseWriter:
    """A :class:`fhirserver.ports.releases.ReleaseWriter`. ``place`` puts the finished file where readers see it."""

    def __init__(self, path: Path, url: str, version: str, place: Callable[[Path], None]):
        self._path, self._url, self._version, self._place = path, url, version, place
        self._open()

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(self._path, isolation_level=None, timeout=0)
        try:
            self._begin()
        except OtherRows:  # of an import that another version began
            self._forget(self._path, self._path.with_suffix(".rows"))
            self._connection.close()
            self._open()
            return
        except sqlite3.OperationalError as error:
            self._connection.close()
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            raise refuse(
                Category.CONFLICT, "lock-error", "This release is being imported by another process"
            ) from None
        execute = self._connection.execute
        self.progress: Mapping[str, int] = dict(execute("SELECT source, done FROM rows.progress"))
        self._names: dict[str, int] = {name: id for id, name in execute("SELECT id, name FROM rows.name")}
        self._said: dict[bytes, int] = {json: id for id, json in execute("SELECT id, json FROM rows.said")}
        self._row: int = execute("SELECT coalesce(max(row), 0) FROM rows.concept").fetchone()[0]
        self._code = ""
        self._is_open = True
        self._waiting: dict[str, list[tuple[object, ...]]] = {table: [] for table in _INSERTS}

    def _begin(self) -> None:
        execute = self._connection.execute
        execute("ATTACH ? AS rows", (str(self._path.with_suffix(".rows")),))
        execute("PRAGMA locking_mode = EXCLUSIVE")
        for pragma in _PRAGMAS:
            execute(f"PRAGMA main.{pragma}")
            execute(f"PRAGMA rows.{pragma}")
        execute("BEGIN EXCLUSIVE")
        if execute("PRAGMA rows.user_version").fetchone()[0] not in (0, schema.FORMAT):
            raise OtherRows
        execute(f"PRAGMA rows.user_version = {schema.FORMAT}")
        if not execute("SELECT count(*) FROM rows.sqlite_schema").fetchone()[0]:
            for statement in f"{schema.ROWS};{schema.RELEASE}".split(";\n"):
                execute(statement)
        execute("COMMIT")

    # Rows

    def concept(
        self,
        code: str,
        display: str = "",
        definition: str = "",
        *,
        inactive: bool = False,
        abstract: bool = False,
        status: str = "",
        extensions: Sequence[JsonObject] = (),
    ) -> None:
        self._row += 1
        self._code = code
        flags = (schema.INACTIVE if inactive else 0) | (schema.ABSTRACT if abstract else 0)
        more = dumps([*extensions]) if extensions else None
        self._add("concept", (self._row, code, display, definition, flags, status, more))

    def designation(self, code: str, designation: Designation) -> None:
        use, extensions = self._said_of(designation.use), self._said_of([*designation.extensions])
        row = (self._owner(code), designation.value, designation.language, use, extensions)
        self._add("designation", row)

    def property(self, code: str, name: str, value: str, type: str = "string", group: int = 0) -> None:
        number = schema.TYPES.index(type)
        self._add("property", (self._owner(code), self._name(name), value, number, group))

    def parent(self, code: str, parent: str) -> None:
        self._add("parent", (self._owner(code), parent))

    def _owner(self, code: str) -> int | str:
        return self._row if code == self._code else code

    def _name(self, name: str) -> int:
        known = self._names.get(name)
        if known is None:
            known = self._names[name] = len(self._names) + 1
            self._start()
            self._connection.execute("INSERT INTO rows.name VALUES (?, ?)", (known, name))
        return known

    def _said_of(self, content: Json) -> int | bytes | None:
        """Many designations say the same (their use, how they are rated): it is kept once, and named by its number."""
        if not content:
            return None
        data = dumps(content)
        known = self._said.get(data)
        if known is None and len(self._said) < _MOST_SAID:
            known = self._said[data] = len(self._said) + 1
            self._start()
            self._connection.execute("INSERT INTO rows.said VALUES (?, ?)", (known, data))
        return data if known is None else known

    def _add(self, table: str, row: tuple[object, ...]) -> None:
        waiting = self._waiting[table]
        waiting.append(row)
        if len(waiting) >= _AT_ONCE:
            self._write(table)

    def _start(self) -> None:
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN")

    def _write(self, table: str) -> None:
        self._start()
        self._connection.executemany(_INSERTS[table], self._waiting[table])
        self._waiting[table].clear()

    def checkpoint(self, source: str, done: int) -> None:
        for table in _INSERTS:
            self._write(table)
        self._connection.execute("INSERT OR REPLACE INTO rows.progress VALUES (?, ?)", (source, done))
        self._connection.execute("COMMIT")
        self.progress = {**self.progress, source: done}

    # The end

    def discard(self) -> None:
        self._forget(self._path, self._path.with_suffix(".rows"))
        self._connection.close()
        self._open()

    def close(self) -> None:
        """Let go of the files: what came after the last checkpoint is forgotten."""
        if self._is_open:
            if not self.progress:
                self._forget(self._path, self._path.with_suffix(".rows"))
            self._connection.close()
            self._is_open = False

    def _forget(self, *paths: Path) -> None:
        """While they are still locked: another process that opens them next makes files of its own."""
        for path in paths:
            path.unlink(missing_ok=True)
            path.with_name(f"{path.name}-journal").unlink(missing_ok=True)

    def finish(self, header: JsonObject) -> Iterator[Step]:
        self.checkpoint("", 0)
        self._code = ""
        yield from Finishing(self._connection, self._url, self._version).run(header)
        self._place(self._path)
        self._forget(self._path, self._path.with_suffix(".rows"))
        self._connection.close()
        self._is_open = False
