"""Sets of codes of one code system, as value sets are made of them: numbered, or listed one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeAlias, TypeVar

from fhirserver.kernel.effort import watch
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.terminology import Concept
from terminology.code_systems.words import fold, rank_of
from terminology.positions import Positions
from terminology.systems import System

if TYPE_CHECKING:
    from terminology.expanding.endless import Endless

Value = TypeVar("Value")


class Member(NamedTuple):
    """A code of an expansion: what its system says of it, and what the value set that enumerates it does
    (``compose.include.concept``; empty without)."""

    concept: Concept
    own: JsonObject


class Found(NamedTuple, Generic[Value]):
    """At least the ``most`` best that are called so, or all of them, best first; ``total`` is None where how many there
    are is not known."""

    best: Sequence[Value]
    total: int | None


@dataclass(frozen=True)
class Numbered:
    """Concepts of a system that can be listed. ``order`` is that of an enumeration; without, they are in the system's.

    ``own`` is what the value set says of them, by number. ``is_tree``: they are the whole of a system or a part of its
    hierarchy, so that they can be shown as a tree.
    """

    system: System
    numbers: Positions
    order: Sequence[int] | None = None
    own: Mapping[int, JsonObject] = field(default_factory=dict)
    is_tree: bool = False

    @property
    def url(self) -> str:
        return self.system.url

    def __len__(self) -> int:
        return len(self.numbers)

    def holds(self, code: str) -> bool:
        at = self.system.position(code)
        return at is not None and at in self.numbers

    def members(self, start: int = 0, end: int | None = None) -> Iterator[Member]:
        return self._members(_slice(self._listed(), start, end))

    def _listed(self) -> Iterable[int]:
        if self.order is None:
            return self.numbers
        return (number for number in self.order if number in self.numbers)

    def _members(self, numbers: Iterable[int]) -> Iterator[Member]:
        wanted = list(numbers)
        for number, concept in zip(wanted, self.system.at(wanted), strict=True):
            yield Member(concept, self.own.get(number, {}))

    def find(self, text: str, most: int) -> Found[int]:
        """The numbers of those that are called so. None that fits is passed over, however few of many they are."""
        if len(self.numbers) <= FEW:
            scanned = self._scanned(text)
            return Found(scanned, len(scanned))
        own = [n for n in self.own if n in self.numbers and _is_called(self.own[n], text)]
        others = self.numbers - Positions.of(own, self.numbers.size)
        left = most - len(own)
        found = [*islice(self.system.search(text, others), left + 1)] if left > 0 else []
        if len(found) < left:
            return Found([*own, *found], len(own) + len(found))
        counted = self.system.count(text, others)
        return Found([*own, *found], None if counted is None else len(own) + counted)

    def _scanned(self, text: str) -> list[int]:
        """The same, by looking at each: of a few codes in a big system the most would be found in vain."""
        numbers = list(self._listed())
        ranked = [(_rank(member, text), at) for at, member in enumerate(self._members(numbers))]
        return [numbers[at] for rank, at in sorted(ranked) if rank < _NOT_CALLED]

    def shown(self, numbers: Iterable[int]) -> Iterator[Member]:
        return self._members(numbers)

    def without(self, others: Sequence[Members]) -> Numbered:
        """Those that are in none of the others."""
        return replace(self, numbers=self.numbers - self._shared(others))

    def within(self, others: Sequence[Members]) -> Numbered:
        """Those that are in one of the others."""
        return replace(self, numbers=self.numbers & self._shared(others))

    def _shared(self, others: Sequence[Members]) -> Positions:
        found = Positions.none(self.numbers.size)
        for other in others:
            if other.url != self.url:
                continue
            if isinstance(other, Numbered) and other.system is self.system:
                found |= other.numbers
            elif isinstance(other, Numbered | Listed):  # another version, or enumerated: by code
                at = map(self.system.position, watch(other.codes()))
                found |= Positions.of((number for number in at if number is not None), self.numbers.size)
            else:
                own = zip(self.numbers, self.system.at(self.numbers), strict=True)
                found |= Positions.of((n for n, one in own if other.holds(one.code)), self.numbers.size)
        return found

    def codes(self) -> Iterator[str]:
        return (concept.code for concept in self.system.at(self._listed()))

    def active(self) -> Numbered:
        """Without the inactive ones."""
        return replace(self, numbers=self.numbers - self.system.flagged("inactive"))


FEW = 1_000
"""Codes that are looked at one by one when a text is searched for."""


@dataclass(frozen=True)
class Listed:
    """Codes that a value set enumerates of a system that cannot be listed, or is not known here; or of an expansion."""

    url: str
    by_code: Mapping[str, Member]
    is_tree: bool = False

    def __len__(self) -> int:
        return len(self.by_code)

    def holds(self, code: str) -> bool:
        return code in self.by_code

    def members(self, start: int = 0, end: int | None = None) -> Iterator[Member]:
        return iter(_slice(self.by_code.values(), start, end))

    def find(self, text: str, most: int) -> Found[Member]:
        """Those that are called so."""
        ranked = [(_rank(member, text), at, member) for at, member in enumerate(watch(self.by_code.values()))]
        ranked.sort(key=lambda one: one[:2])
        found = [member for rank, _, member in ranked if rank < _NOT_CALLED]
        return Found(found, len(found))

    def shown(self, found: Iterable[Member]) -> Iterator[Member]:
        return iter(found)

    def without(self, others: Sequence[Members]) -> Listed:
        return self._only(lambda code: not any(o.url == self.url and o.holds(code) for o in others))

    def within(self, others: Sequence[Members]) -> Listed:
        return self._only(lambda code: any(o.url == self.url and o.holds(code) for o in others))

    def _only(self, test: Callable[[str], bool]) -> Listed:
        return replace(self, by_code={code: one for code, one in watch(self.by_code.items()) if test(code)})

    def codes(self) -> Iterator[str]:
        return iter(self.by_code)

    def active(self) -> Listed:
        return self._only(lambda code: not self.by_code[code].concept.inactive)


Members: TypeAlias = "Numbered | Listed | Endless"


def can_be_listed(system: System) -> bool:
    """Whether the codes of a system have an end: those of a grammar have none."""
    try:
        return system.size >= 0
    except Refusal:
        return False


def enumerated(system: System | None, part: JsonObject) -> Members:
    """The codes that an include enumerates. Those that the system, where it is known, does not have are left out."""
    concepts: Sequence[JsonObject] = part.get("concept", ())
    if system is None or not can_be_listed(system):
        return _listed(system, part, concepts)
    order: dict[int, JsonObject] = {}
    for concept in watch(concepts):
        at = system.position(str(concept.get("code", "")))
        if at is not None:
            order.setdefault(at, concept)
    numbers = Positions.of(order, system.size)
    own = {at: one for at, one in order.items() if one.keys() - {"code"}}
    return Numbered(system, numbers, tuple(order), own)


def _listed(system: System | None, part: JsonObject, concepts: Iterable[JsonObject]) -> Listed:
    url, version = str(part["system"]), str(part.get("version", ""))
    found: dict[str, Member] = {}
    for one in watch(concepts):
        code = str(one.get("code", ""))
        concept = Concept(url, code, version=version) if system is None else system.find(code)
        if concept is not None:
            found.setdefault(concept.code, Member(concept, one))
    return Listed(url, found)


def _names(member: Member) -> list[str]:
    concept, own = member
    designations = (one.value for one in concept.designations)
    return [concept.code, concept.display, *designations, *_own_names(own)]


def _own_names(own: JsonObject) -> list[str]:
    return [own.get("display", ""), *(str(one.get("value", "")) for one in own.get("designation", ()))]


_NOT_CALLED = 4


def _rank(member: Member, text: str) -> int:
    """How well the best of its names fits (:func:`terminology.code_systems.words.rank_of`)."""
    wanted = fold(text)
    words = wanted.split()
    return min(rank_of(fold(name), wanted, words) for name in _names(member) if name)


def _is_called(own: JsonObject, text: str) -> bool:
    wanted = fold(text)
    words = wanted.split()
    return any(rank_of(fold(name), wanted, words) < _NOT_CALLED for name in _own_names(own) if name)


def _slice(values: Iterable[Value], start: int, end: int | None) -> Iterable[Value]:
    return values if start == 0 and end is None else islice(values, start, end)
