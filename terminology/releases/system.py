"""The system of a release. https://hl7.org/fhir/R4/codesystem.html"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.releases import Release
from fhirserver.ports.terminology import Concept
from terminology.code_systems.conditions import Filter, read_filter
from terminology.ecl import holds_ecl, select_ecl
from terminology.ecl.conditions import as_ecl
from terminology.positions import Positions
from terminology.releases.kept import KeptSelections
from terminology.releases.selecting import Selecting
from terminology.systems import Condition


class ReleaseSystem:
    """A :class:`terminology.systems.System`. Safe between threads."""

    def __init__(self, release: Release, kept: KeptSelections | None = None):
        self.url, self.version = release.url, release.version
        self.header: JsonObject = release.header
        self._release, self._selecting = release, Selecting(release)
        self._kept = KeptSelections() if kept is None else kept

    # One code

    def find(self, code: str) -> Concept | None:
        number = self._release.number(code)
        return None if number is None else next(iter(self._release.concepts([number])), None)

    def is_a(self, code: str, ancestor: str) -> bool:
        one, other = self._release.number(code), self._release.number(ancestor)
        return one is not None and other is not None and self._release.is_below(one, other)

    def parents(self, code: str) -> Sequence[str]:
        number = self._release.number(code)
        return () if number is None else [*self._release.codes(self._release.parents(number))]

    def children(self, code: str) -> Sequence[str]:
        number = self._release.number(code)
        return () if number is None else [*self._release.codes(self._release.children(number))]

    def ancestors(self, code: str) -> Sequence[str]:
        number = self._release.number(code)
        if number is None:
            return ()
        others = (other for other in self._release.above(number) if other != number)
        return [*self._release.codes([number, *others])]

    def holds(self, code: str, condition: Condition) -> bool:
        if (text := as_ecl(self.url, condition)) is not None:
            return holds_ecl(self, text, code)
        number, wanted = self._release.number(code), read_filter(condition)
        if number is None:
            return False
        concept = next(iter(self._release.concepts([number])))
        return self._selecting.holds(number, concept, wanted)

    # Sets of them

    @property
    def size(self) -> int:
        return self._release.size

    @property
    def is_hierarchical(self) -> bool:
        """Whether any concept is below another."""
        return sum(end - first for first, end in self._release.flagged("root")) < self._release.size

    @property
    def release(self) -> Release:
        return self._release

    def select(self, condition: Condition) -> Positions:
        if (text := as_ecl(self.url, condition)) is not None:
            return select_ecl(self, text)
        return self._select(read_filter(condition))

    def _select(self, wanted: Filter) -> Positions:
        key = (self._release, wanted.name, wanted.op, wanted.value)
        return self._kept.get(key, lambda: self._selecting.select(wanted))

    def position(self, code: str) -> int | None:
        return self._release.number(code)

    def at(self, positions: Iterable[int]) -> Iterator[Concept]:
        return self._release.concepts(positions)

    def search(self, text: str, among: Positions | None = None) -> Iterator[int]:
        """By words that begin so: a text within words is not looked for, which would mean to read all of them."""
        return self._release.search(text, self._flags(among))

    def count(self, text: str, among: Positions | None = None) -> int | None:
        return self._release.count(text, self._flags(among))

    def _flags(self, among: Positions | None) -> bytes:
        return b"" if among is None or len(among) == self.size else among.flags

    def descendants(self, code: str) -> Positions:
        number = self._release.number(code)
        return Positions.none(self.size) if number is None else self._selecting.below(number)

    def flagged(self, flag: str) -> Positions:
        return Positions.of_runs(self._release.flagged(flag), self.size)


class ReleaseSystems:
    """Makes the systems of releases; what they keep has one bound for all."""

    def __init__(self, kept: KeptSelections | None = None):
        self._kept = KeptSelections() if kept is None else kept

    def __call__(self, release: Release) -> ReleaseSystem:
        return ReleaseSystem(release, self._kept)
