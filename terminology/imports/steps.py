"""Going through a file so that an import can begin again where it stopped, and tells how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from fhirserver.ports.releases import ReleaseWriter
from terminology.imports.kind import Progress
from terminology.imports.tables import Table, Values

Row = TypeVar("Row")
EACH = 100_000
"""Rows between checkpoints."""
_TOLD = 5_000


@dataclass(frozen=True, slots=True)
class Steps:
    """What an import writes with, and whom it tells."""

    writer: ReleaseWriter
    progress: Progress

    def undone(
        self,
        step: str,
        rows: Iterable[Row],
        far: Callable[[], int],
        of: int,
        always: Callable[[Row], None] | None = None,
    ) -> Iterator[Row]:
        """The rows that no checkpoint covers. ``far`` and ``of`` tell how far it is; ``always`` sees every row."""
        done, count = self.writer.progress.get(step, 0), 0
        for count, row in enumerate(rows, 1):
            if always:
                always(row)
            if count > done:
                yield row
                if not count % EACH:
                    self.writer.checkpoint(step, count)
            if not count % _TOLD:
                self.progress(step, far(), of)
        if count > done:
            self.writer.checkpoint(step, count)
        self.progress(step, of, of)

    def table(
        self, table: Table, needed: tuple[str, ...], optional: tuple[str, ...] = (), step: str = ""
    ) -> Iterator[Values]:
        """The rows of a table that no checkpoint covers."""
        size = table.sources.size(table.name)
        return self.undone(step or table.name, table.rows(needed, optional), lambda: table.read, size)
