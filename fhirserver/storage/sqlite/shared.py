"""SQLite for several server processes on one machine: they take turns at appending.

Without turns each would decide on a state that the others' appends make old, and do most of its work twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Projection
from fhirserver.storage.sqlite.storage import SqliteStorage
from fhirserver.storage.sqlite.turns import Turns


class SharedSqliteStorage(SqliteStorage):
    """As :class:`SqliteStorage`, where other processes write to the same file all the time."""

    def __init__(self, path: Path):
        super().__init__(path)
        self._turns: Turns

    async def open(self) -> None:
        await super().open()
        self._turns = Turns(self._path)

    async def close(self) -> None:
        await super().close()
        self._turns.close()

    async def take_turn(self) -> None:
        if not self._turns.take_at_once():
            await self._write(self._turns.take)

    def leave_turn(self) -> None:
        self._turns.leave()

    def _append(self, expected: int, commits: Sequence[Commit], projection: Projection) -> None:
        try:
            super()._append(expected, commits, projection)
        finally:
            self._turns.leave()  # here, as the event loop may be busy for a while yet
