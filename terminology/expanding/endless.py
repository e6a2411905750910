"""Codes of a system that has a grammar, as value sets are made of them: they have no end, and are found as typed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from fhirserver.ports.terminology import Concept
from terminology.expanding.members import Found, Listed, Member, Members
from terminology.systems import Condition, System


@dataclass(frozen=True)
class Endless:
    """The codes that pass all conditions, are in one of each of ``limits``, and in none of ``others``."""

    system: System
    conditions: tuple[Condition, ...] = ()
    limits: tuple[Sequence[Members], ...] = ()
    others: tuple[Members, ...] = ()
    is_tree: bool = False

    @property
    def url(self) -> str:
        return self.system.url

    def __len__(self) -> int:
        """More than any limit."""
        return sys.maxsize

    def holds(self, code: str) -> bool:
        concept = self.system.find(code)
        if concept is None or not all(self.system.holds(code, one) for one in self.conditions):
            return False
        return all(_in_one(limit, self.url, code) for limit in self.limits) and not _in_one(
            self.others, self.url, code
        )

    def members(self, start: int = 0, end: int | None = None) -> Iterator[Member]:
        """Those of the usual codes that are in the set."""
        usual = self.system.at(range(self.system.flagged("inactive").size))
        return islice(map(_member, filter(self._has, usual)), start, end)

    def find(self, text: str, most: int) -> Found[Member]:
        """The code that the text is, and usual codes that are called so. How many there are is not known."""
        exact = self.system.find(text)
        called = (
            one for one in self.system.at(self.system.search(text)) if exact is None or one.code != exact.code
        )
        found = filter(self._has, (*(() if exact is None else (exact,)), *called))
        return Found([*map(_member, islice(found, most))], None)

    def shown(self, found: Iterable[Member]) -> Iterator[Member]:
        return iter(found)

    def without(self, others: Sequence[Members]) -> Endless:
        return replace(self, others=(*self.others, *others))

    def within(self, others: Sequence[Members]) -> Members:
        same = [one for one in others if one.url == self.url]
        if any(isinstance(one, Endless) for one in same):
            return replace(self, limits=(*self.limits, same))
        members = (one for other in same for one in other.members() if self.holds(one.concept.code))
        return Listed(self.url, {one.concept.code: one for one in members})

    def active(self) -> Endless:
        return self

    def _has(self, concept: Concept) -> bool:
        return self.holds(concept.code)


def _member(concept: Concept) -> Member:
    return Member(concept, {})


def _in_one(sets: Iterable[Members], url: str, code: str) -> bool:
    return any(one.url == url and one.holds(code) for one in sets)
