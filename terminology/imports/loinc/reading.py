"""What the readers of LOINC's files share: which codes there are, and rows of tables as often as they are needed.

Kept in memory are the codes that are known (some 300,000 short texts): what a file says of others is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from terminology.imports.loinc.layout import CSV, FILES
from terminology.imports.sources import Sources
from terminology.imports.steps import Steps
from terminology.imports.tables import Table, Values

INACTIVE = ("DEPRECATED", "INACTIVE")


class Reading:
    def __init__(self, sources: Sources, steps: Steps):
        self.sources, self.steps, self.writer = sources, steps, steps.writer
        self.known: set[str] = set()

    def tables(self, what: str, only_first: bool = False) -> Iterator[Table]:
        """The files of one kind; of copies in several folders one."""
        seen: set[str] = set()
        for name in self.sources.named(*FILES[what]):
            base = PurePosixPath(name).name.lower()
            if base not in seen and not (only_first and seen):
                seen.add(base)
                yield Table(self.sources, name, CSV)

    def rows(
        self,
        table: Table,
        needed: Values,
        optional: Values = (),
        always: Callable[[Values], None] | None = None,
    ) -> Iterator[Values]:
        """The rows that no checkpoint covers; ``always`` sees the others too."""
        size = table.sources.size(table.name)
        rows = table.rows(needed, optional)
        return self.steps.undone(table.name, rows, lambda: table.read, size, always)

    def first_rows(
        self, table: Table, needed: Values, optional: Values = (), column: int = 0
    ) -> Iterator[Values]:
        """Of the rows of :meth:`rows` the first for each code that was not known. Then it is."""
        is_new = False

        def note(row: Values) -> None:
            nonlocal is_new
            is_new = row[column] not in self.known
            self.known.add(row[column])

        return (row for row in self.rows(table, needed, optional, note) if is_new)
