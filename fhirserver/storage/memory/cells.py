"""Cells in memory. Nothing here awaits, so every call is atomic."""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.ports.cells import Cell


class MemoryCells:
    """See :class:`fhirserver.ports.cells.Cells`."""

    def __init__(self) -> None:
        self._cells: dict[str, tuple[int, bytes]] = {}

    async def read(self, key: str) -> Cell | None:
        found = self._cells.get(key)
        return Cell(key, found[0], loads(found[1])) if found else None

    async def find(self, prefix: str) -> Sequence[Cell]:
        found = sorted((key, *cell) for key, cell in self._cells.items() if key.startswith(prefix))
        return [Cell(key, revision, loads(value)) for key, revision, value in found]

    async def swap(self, key: str, revision: int, value: JsonObject) -> bool:
        if self._cells.get(key, (0, b""))[0] != revision:
            return False
        self._cells[key] = (revision + 1, dumps(value))
        return True

    async def remove(self, key: str, revision: int) -> bool:
        if self._cells.get(key, (0, b""))[0] != revision or not revision:
            return False
        del self._cells[key]
        return True
