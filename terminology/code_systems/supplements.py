"""Supplements laid over a code system: more designations, properties and extensions for its concepts.

A supplement defines no codes of its own. https://hl7.org/fhir/R4/codesystem.html#supplements
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.terminology import Concept, Designation
from terminology.code_systems.conditions import read_filter
from terminology.code_systems.content import ContentSystem
from terminology.positions import Positions
from terminology.systems import Condition, System
from terminology.versions import joined


class SupplementedSystem:
    """A :class:`terminology.systems.System`: ``base`` with the supplements over it, in their order."""

    def __init__(self, base: System, supplements: Sequence[ContentSystem]):
        self._base, self._supplements = base, tuple(supplements)
        self.url, self.version = base.url, base.version
        declared = [one for over in (base, *supplements) for one in over.header.get("property", ())]
        self.header: JsonObject = {**base.header, **({"property": declared} if declared else {})}

    # One code

    def find(self, code: str) -> Concept | None:
        found = self._base.find(code)
        return None if found is None else self._over(found)

    def _over(self, concept: Concept) -> Concept:
        for supplement in self._supplements:
            more = supplement.find(concept.code)
            if more is not None:
                concept = _joined(concept, more, joined(supplement.url, supplement.version))
        return concept

    def is_a(self, code: str, ancestor: str) -> bool:
        return self._base.is_a(code, ancestor)

    def parents(self, code: str) -> Sequence[str]:
        return self._base.parents(code)

    def children(self, code: str) -> Sequence[str]:
        return self._base.children(code)

    def ancestors(self, code: str) -> Sequence[str]:
        return self._base.ancestors(code)

    def holds(self, code: str, condition: Condition) -> bool:
        supplement = self._declaring(condition)
        if supplement is None:
            return self._base.holds(code, condition)
        at = self._base.position(code)
        return at is not None and at in self._supplemented(supplement, condition)

    # Sets of them

    @property
    def size(self) -> int:
        return self._base.size

    def select(self, condition: Condition) -> Positions:
        supplement = self._declaring(condition)
        return (
            self._base.select(condition) if supplement is None else self._supplemented(supplement, condition)
        )

    def _declaring(self, condition: Condition) -> ContentSystem | None:
        """The supplement whose property is asked for, where the system itself has none of that name."""
        name = str(condition.get("property", ""))
        if any(one.get("code") == name for one in self._base.header.get("property", ())):
            return None
        for supplement in self._supplements:
            if any(one.get("code") == name for one in supplement.header.get("property", ())):
                return supplement
        return None

    def _supplemented(self, supplement: ContentSystem, condition: Condition) -> Positions:
        """What the supplement says nothing of has none of its properties."""
        passing = self._positions(supplement, supplement.select(condition))
        wanted = read_filter(condition)
        if wanted.op == "not-in" or (wanted.op == "exists" and not wanted.wants):
            told = self._positions(supplement, Positions.all(supplement.size))
            return passing | (Positions.all(self._base.size) - told)
        return passing

    def _positions(self, supplement: ContentSystem, members: Positions) -> Positions:
        found = (self._base.position(concept.code) for concept in supplement.at(members))
        return Positions.of((number for number in found if number is not None), self._base.size)

    def position(self, code: str) -> int | None:
        return self._base.position(code)

    def at(self, positions: Iterable[int]) -> Iterator[Concept]:
        return map(self._over, self._base.at(positions))

    def search(self, text: str, among: Positions | None = None) -> Iterator[int]:
        """Also by what the supplements call the concepts: those last."""
        seen = set()
        for number in self._base.search(text, among):
            seen.add(number)
            yield number
        for supplement in self._supplements:
            for concept in supplement.at(supplement.search(text)):
                more = self._base.position(concept.code)
                if more is not None and more not in seen and (among is None or more in among):
                    seen.add(more)
                    yield more

    def count(self, text: str, among: Positions | None = None) -> int | None:
        return None if self._base.count(text, among) is None else sum(1 for _ in self.search(text, among))

    def descendants(self, code: str) -> Positions:
        return self._base.descendants(code)

    def flagged(self, flag: str) -> Positions:
        return self._base.flagged(flag)


def _joined(concept: Concept, more: Concept, source: str) -> Concept:
    """A display in a supplement is another designation, in the supplement's language."""
    named = (Designation(more.display, more.language),) if more.display not in ("", concept.display) else ()
    added = (replace(one, source=source) for one in (*named, *more.designations))
    return replace(
        concept,
        designations=(*concept.designations, *added),
        properties=(*concept.properties, *more.properties),
        extensions=(*concept.extensions, *more.extensions),
        definition=concept.definition or more.definition,
    )
