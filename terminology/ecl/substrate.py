"""What constraints are evaluated on: the concepts of one code system by number, with their relationships.

An imported release is asked by number; any other system (a CodeSystem resource with some of SNOMED CT) by code.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Protocol, TypeAlias

from fhirserver.ports.releases import Release
from fhirserver.ports.terminology import Concept
from terminology.positions import Positions
from terminology.systems import System

Row: TypeAlias = tuple[int, int, str]
"""Concept, group (0 for none) and value of a relationship."""

MEMBER_OF = "memberOf"
"""The property that names the reference sets which refer to a concept. (Not one of FHIR's.)"""


class Substrate(Protocol):
    size: int

    def number(self, code: str) -> int | None: ...

    def codes(self, numbers: Iterable[int]) -> Iterator[str]: ...

    def concepts(self, numbers: Iterable[int]) -> Iterator[Concept]: ...

    def parents(self, number: int) -> Iterable[int]: ...

    def children(self, number: int) -> Iterable[int]: ...

    def below(self, number: int) -> Positions:
        """The concept and all below it."""
        ...

    def is_below(self, number: int, other: int) -> bool: ...

    def attributes(self) -> Sequence[str]:
        """The names of all attributes of concepts: what ``*`` means as a name."""
        ...

    def rows(self, name: str) -> Iterator[Row]: ...

    def having(self, name: str, values: Iterable[str] | None = None) -> Iterator[int]: ...

    def inactive(self) -> Positions: ...

    def search(self, text: str) -> Iterator[int]: ...


def substrate(system: System) -> Substrate:
    """How to read the system: by its release, where it says that it is one."""
    release = getattr(system, "release", None)
    return OverSystem(system) if release is None else OverRelease(release)


class OverRelease:
    """An imported release."""

    def __init__(self, release: Release):
        self._release, self.size = release, release.size
        self.number, self.codes, self.concepts = release.number, release.codes, release.concepts
        self.parents, self.children, self.is_below = release.parents, release.children, release.is_below
        self.rows, self.having, self.search = release.grouped_values, release.with_property, release.search

    def below(self, number: int) -> Positions:
        return Positions.of_runs(self._release.below(number), self.size)

    def attributes(self) -> Sequence[str]:
        declared = self._release.header.get("property", ())
        return [one["code"] for one in declared if one["code"].isdigit()]

    def inactive(self) -> Positions:
        return Positions.of_runs(self._release.flagged("inactive"), self.size)


class OverSystem:
    """Any other system. All its properties are read once, when the first is asked for."""

    def __init__(self, system: System):
        self._system, self.size = system, system.size
        self.number, self.search = system.position, system.search
        self.concepts = system.at

    def codes(self, numbers: Iterable[int]) -> Iterator[str]:
        return (concept.code for concept in self._system.at(numbers))

    def _code(self, number: int) -> str:
        return next(self.codes((number,)))

    def _numbers(self, codes: Iterable[str]) -> Iterator[int]:
        return (number for code in codes if (number := self.number(code)) is not None)

    def parents(self, number: int) -> Iterable[int]:
        return self._numbers(self._system.parents(self._code(number)))

    def children(self, number: int) -> Iterable[int]:
        return self._numbers(self._system.children(self._code(number)))

    def below(self, number: int) -> Positions:
        return self._system.descendants(self._code(number))

    def is_below(self, number: int, other: int) -> bool:
        return self._system.is_a(self._code(number), self._code(other))

    @cached_property
    def _properties(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = defaultdict(list)
        for number, concept in enumerate(self._system.at(range(self.size))):
            for one in concept.properties:
                found[one["code"]].append((number, 0, _text(one)))
        return found

    def attributes(self) -> Sequence[str]:
        return [name for name in self._properties if name.isdigit()]

    def rows(self, name: str) -> Iterator[Row]:
        return iter(self._properties.get(name, ()))

    def having(self, name: str, values: Iterable[str] | None = None) -> Iterator[int]:
        wanted = None if values is None else frozenset(values)
        return (number for number, _, value in self.rows(name) if wanted is None or value in wanted)

    def inactive(self) -> Positions:
        concepts = enumerate(self._system.at(range(self.size)))
        return Positions.of((number for number, concept in concepts if concept.inactive), self.size)


def _text(one: dict[str, object]) -> str:
    """The value of a property as text."""
    value = next((value for name, value in one.items() if name.startswith("value")), "")
    if isinstance(value, dict):
        return str(value.get("code", ""))
    return str(value).lower() if isinstance(value, bool) else str(value)
