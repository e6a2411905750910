"""The system of a CodeSystem resource. https://hl7.org/fhir/R4/codesystem.html"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fhirserver.kernel.effort import watch
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.terminology import Concept
from terminology.code_systems.conditions import read_filter
from terminology.code_systems.filters import Filters
from terminology.code_systems.rows import Rows
from terminology.code_systems.words import Words
from terminology.ecl import holds_ecl, select_ecl
from terminology.ecl.conditions import as_ecl
from terminology.positions import Positions
from terminology.systems import Condition


class ContentSystem:
    """A :class:`terminology.systems.System`. The resource is not kept, and not changed. Safe between threads."""

    def __init__(self, resource: JsonObject):
        self.url = str(resource.get("url", ""))
        self.version = str(resource.get("version", ""))
        self.header: JsonObject = {name: value for name, value in resource.items() if name != "concept"}
        self._rows = Rows(resource)
        self._tree = self._rows.hierarchy
        folds = resource.get("caseSensitive") is False
        self._folded = (
            {code.casefold(): n for code, n in reversed(self._rows.numbers.items())} if folds else None
        )
        self._filters = Filters(self._rows, self.position)
        self._words: Words | None = None
        self._flagged: dict[str, Positions] = {}

    @property
    def weight(self) -> int:
        """Bytes that it takes in memory, roughly."""
        return self._rows.weight

    # One code

    def find(self, code: str) -> Concept | None:
        number = self.position(code)
        return None if number is None else self._rows.concept(number)

    def is_a(self, code: str, ancestor: str) -> bool:
        one, other = self._rows.numbers.get(code), self._rows.numbers.get(ancestor)
        return one is not None and other is not None and self._tree.is_below(one, other)

    def parents(self, code: str) -> Sequence[str]:
        number = self.position(code)
        return () if number is None else self._codes(self._tree.parents(number))

    def children(self, code: str) -> Sequence[str]:
        number = self.position(code)
        return () if number is None else self._codes(self._tree.children(number))

    def ancestors(self, code: str) -> Sequence[str]:
        number = self.position(code)
        return () if number is None else self._codes(self._tree.above(number))

    def holds(self, code: str, condition: Condition) -> bool:
        if (text := as_ecl(self.url, condition)) is not None:
            return holds_ecl(self, text, code)
        number = self.position(code)
        return number is not None and self._filters.holds(number, read_filter(condition))

    def _codes(self, numbers: Iterable[int]) -> list[str]:
        return [self._rows.codes[number] for number in numbers]

    # Sets of them

    @property
    def size(self) -> int:
        return len(self._rows)

    @property
    def is_hierarchical(self) -> bool:
        """Whether any concept is below another."""
        return bool(self._tree)

    def select(self, condition: Condition) -> Positions:
        if (text := as_ecl(self.url, condition)) is not None:
            return select_ecl(self, text)
        return self._filters.select(read_filter(condition))

    def position(self, code: str) -> int | None:
        found = self._rows.numbers.get(code)
        if found is None and self._folded is not None:
            found = self._folded.get(code.casefold())
        return found

    def at(self, positions: Iterable[int]) -> Iterator[Concept]:
        return map(self._rows.concept, watch(positions))

    def search(self, text: str, among: Positions | None = None) -> Iterator[int]:
        if self._words is None:
            self._words = Words(self._rows)
        return self._words.search(text, among)

    def count(self, text: str, among: Positions | None = None) -> int | None:
        return sum(1 for _ in self.search(text, among))

    def descendants(self, code: str) -> Positions:
        number = self.position(code)
        return Positions.none(self.size) if number is None else self._tree.below(number)

    def flagged(self, flag: str) -> Positions:
        if flag not in self._flagged:
            self._flagged[flag] = self._having(flag)
        return self._flagged[flag]

    def _having(self, flag: str) -> Positions:
        if flag in ("root", "leaf"):
            return self._tree.tops() if flag == "root" else self._tree.leaves()
        rows = enumerate(map(self._rows.concept, watch(range(self.size))))
        return Positions.of((n for n, one in rows if getattr(one, flag)), self.size)
