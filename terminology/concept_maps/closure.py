"""The closure of the concepts of one table: which is below which. https://hl7.org/fhir/R4/terminology-service.html#closure

What is new with a concept follows from what is in the table, and from what is above and below it in its code system.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from fhirserver.ports.concept_maps import ClosureEntry


@dataclass(frozen=True, slots=True)
class Placed:
    """A concept as its code system knows it: ``code`` as the client wrote it, ``canonical`` as the system does;
    what is above and below it, without itself."""

    system: str
    code: str
    canonical: str
    ancestors: Collection[str] = ()
    descendants: Collection[str] = ()


class Closure:
    """The concepts of a table: of each code of a system the ways in which it was written."""

    def __init__(self) -> None:
        self._systems: dict[str, dict[str, list[str]]] = {}
        self._known: set[tuple[str, str]] = set()

    def __len__(self) -> int:
        return len(self._known)

    def has(self, system: str, code: str) -> bool:
        return (system, code) in self._known

    def put(self, system: str, code: str, canonical: str) -> None:
        """Have a concept in the table."""
        if not self.has(system, code):
            self._known.add((system, code))
            self._systems.setdefault(system, {}).setdefault(canonical, []).append(code)

    def entries(self, concepts: Iterable[Placed]) -> Sequence[ClosureEntry]:
        """What would be new if the concepts were put into the table, one after the other."""
        found: list[ClosureEntry] = []
        beside = Closure()
        for one in concepts:
            if self.has(one.system, one.code) or beside.has(one.system, one.code):
                continue
            found += self._beside(one)
            found += beside._beside(one)
            beside.put(one.system, one.code, one.canonical)
        return found

    def _beside(self, concept: Placed) -> Iterator[ClosureEntry]:
        system, code = concept.system, concept.code
        members = self._systems.get(system, {})
        for other in members.get(concept.canonical, ()):
            yield ClosureEntry(system, code, other, "equal")
        for other in _written(members, concept.ancestors):
            yield ClosureEntry(system, code, other)
        for other in _written(members, concept.descendants):
            yield ClosureEntry(system, other, code)


def _written(members: dict[str, list[str]], codes: Collection[str]) -> Iterator[str]:
    """The members among the codes, as they were written; the smaller of the two is gone through."""
    held = (code for code in members if code in codes) if len(members) < len(codes) else codes
    for code in held:
        yield from members.get(code, ())
