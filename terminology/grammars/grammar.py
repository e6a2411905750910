"""What systems have in common whose codes follow a grammar: there is no end of them, and none is above another.

https://hl7.org/fhir/R4/terminologies-systems.html
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NoReturn

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.terminology import Concept
from terminology.code_systems.conditions import CODES, Filter, read_filter
from terminology.code_systems.regexes import compile_regex, unsupported
from terminology.code_systems.words import fold, rank_of
from terminology.positions import Positions
from terminology.systems import Condition

_ITSELF = frozenset({"=", "is-a", "generalizes"})
"""Operators that only the code itself passes where nothing is above or below it."""
_ONLY_OTHERS = frozenset({"descendent-of", "child-of", "descendent-leaf"})


class Grammar(ABC):
    """A :class:`terminology.systems.System` whose codes cannot be listed. Safe between threads.

    Some codes may be told of by number all the same, so that one can be searched for as it is typed: :meth:`usual`.
    """

    def __init__(self, header: JsonObject):
        self.header = header
        self.url, self.version = str(header["url"]), str(header.get("version", ""))

    @abstractmethod
    def find(self, code: str) -> Concept | None: ...

    def values(self, concept: Concept, name: str) -> Sequence[str]:
        """What a concept has of a property, for filters. Refuses a property that the system does not have."""
        raise refuse(
            Category.UNPROCESSABLE, "not-supported", f"The filter's property is none that {self.url} has"
        )

    def usual(self) -> Sequence[str]:
        """Codes that are used much, by number."""
        return ()

    def usual_names(self) -> Iterator[Sequence[str]]:
        """What each usual code is called."""
        return iter(())

    # One code

    def is_a(self, code: str, ancestor: str) -> bool:
        return code == ancestor and self.find(code) is not None

    def parents(self, code: str) -> Sequence[str]:
        return ()

    def children(self, code: str) -> Sequence[str]:
        return ()

    def ancestors(self, code: str) -> Sequence[str]:
        return (code,) if self.find(code) is not None else ()

    def holds(self, code: str, condition: Condition) -> bool:
        wanted = read_filter(condition)
        concept = self.find(code)
        if wanted.name in CODES:
            return concept is not None and _names(wanted, concept.code)
        if concept is None:
            return False
        return _passes(wanted, self.values(concept, wanted.name))

    # Sets of them

    @property
    def size(self) -> int:
        self._endless()

    def select(self, condition: Condition) -> Positions:
        self._endless()

    def descendants(self, code: str) -> Positions:
        self._endless()

    def flagged(self, flag: str) -> Positions:
        return Positions.none(len(self.usual()))

    def position(self, code: str) -> int | None:
        """Only of a usual code."""
        found = self.find(code)
        return self.usual().index(found.code) if found is not None and found.code in self.usual() else None

    def at(self, positions: Iterable[int]) -> Iterator[Concept]:
        usual = self.usual()
        return (found for number in positions if (found := self.find(usual[number])) is not None)

    def count(self, text: str, among: Positions | None = None) -> int | None:
        return None

    def search(self, text: str, among: Positions | None = None) -> Iterator[int]:
        """Among the usual ones only."""
        wanted = fold(text)
        words = wanted.split()
        ranked: list[list[int]] = [[], [], [], []]
        for number, line in enumerate(self._lines.split("\n") if words else ()):
            if words[0] not in line or (among is not None and number not in among):
                continue
            rank = min(rank_of(name, wanted, words) for name in line.split("\t"))
            if rank < len(ranked):
                ranked[rank].append(number)
        for numbers in ranked:
            yield from numbers

    @cached_property
    def _lines(self) -> str:
        """What each usual code is called, folded: a line each. One text takes a tenth of as many strings."""
        return "\n".join("\t".join(map(fold, names)) for names in self.usual_names())

    def _endless(self) -> NoReturn:
        text = f'The code System "{self.url}" has a grammar, and cannot be enumerated directly'
        raise refuse(Category.UNPROCESSABLE, "too-costly", text)


def _names(wanted: Filter, code: str) -> bool:
    """Whether a filter on the code itself lets it pass."""
    if wanted.op in _ITSELF:
        return code == wanted.value
    if wanted.op in _ONLY_OTHERS:
        return False
    if wanted.op == "is-not-a":
        return code != wanted.value
    return _passes(wanted, (code,))


def _passes(wanted: Filter, values: Sequence[str]) -> bool:
    match wanted.op:
        case "=":
            return wanted.value in values
        case "in":
            return not wanted.values.isdisjoint(values)
        case "not-in":
            return wanted.values.isdisjoint(values)
        case "exists":
            return bool(values) is wanted.wants
        case "regex":
            return any(map(compile_regex(wanted.value), values))
    raise unsupported(wanted.op)


def header(url: str, name: str, title: str, **more: object) -> JsonObject:
    """What every such system says of itself. All of its codes are known, so its content is ``complete``."""
    return {
        "resourceType": "CodeSystem",
        "url": url,
        "name": name,
        "title": title,
        "status": "active",
        "experimental": False,
        "compositional": True,
        "content": "complete",
        **more,
    }
