"""Cells: small values under keys that several processes agree on by compare-and-set, outside the log.

For what is true only while processes run: who holds a lease, how a connector is doing. Nothing here is part of the
world, none of it is rebuilt from the log, and all of it may be lost when no process runs (ADR 16).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from fhirserver.kernel.json import JsonObject


class Cell(NamedTuple):
    """A value and its revision, which counts its changes from 1."""

    key: str
    revision: int
    value: JsonObject


class Cells(Protocol):
    """The cells of one tenant. Every call is one atomic step for all processes."""

    async def read(self, key: str) -> Cell | None: ...

    async def find(self, prefix: str) -> Sequence[Cell]:
        """The cells whose key begins so, in the order of their keys."""
        ...

    async def swap(self, key: str, revision: int, value: JsonObject) -> bool:
        """Put ``value`` where the cell is still at ``revision`` (0: where there is none); False where it is not."""
        ...

    async def remove(self, key: str, revision: int) -> bool:
        """Take the cell away where it is still at ``revision``. Revisions of a later one begin at 1 again."""
        ...
