"""Shelves: where a process keeps what it has worked out and can work out again, so that it takes no memory.

A shelf belongs to one process, begins empty, and is gone when that process ends. Its rows have a kind and a day, by
which they are found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol

from fhirserver.kernel.json import JsonObject


class Shelved(NamedTuple):
    """A row: ``key`` is ``<kind>/<id>``. Its day is its member ``day``, empty where it has none."""

    key: str
    row: JsonObject


class Shelf(Protocol):
    """Rows by key. What is asked while it changes is what was there before, or after."""

    def get(self, key: str) -> JsonObject | None: ...

    def put(self, rows: Mapping[str, JsonObject]) -> None:
        """Put rows in the places of those with the same keys."""
        ...

    def days(self, kind: str, first: str, last: str) -> Iterator[Shelved]:
        """Those of a kind from a day to another, one day after the other."""
        ...

    def all(self, after: str = "") -> Iterator[Shelved]:
        """Every row whose key comes behind one, in the order of keys."""
        ...

    def close(self) -> None:
        """Nothing is asked of it any more."""
        ...
