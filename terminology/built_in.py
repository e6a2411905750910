"""The code systems whose codes this server knows by a grammar or a list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.terminology import Concept
from terminology.code_systems.content import ContentSystem
from terminology.grammars import GRAMMARS, GrammarSystem
from terminology.listed import LISTS, listed
from terminology.positions import Positions
from terminology.systems import Condition, System


@lru_cache(maxsize=16)
def built_in(url: str) -> System | None:
    """The system with this url, or None."""
    if url in GRAMMARS:
        return Endless(GRAMMARS[url])
    resource = listed(url)
    return ContentSystem(resource) if resource is not None else None


def built_in_urls() -> list[str]:
    return [*GRAMMARS, *LISTS]


class Endless:
    """A :class:`terminology.systems.System` over a grammar."""

    def __init__(self, grammar: GrammarSystem):
        self._grammar = grammar
        self.url, self.version = grammar.url, ""
        self.header: JsonObject = {"resourceType": "CodeSystem", "url": grammar.url, "content": "complete"}

    def find(self, code: str) -> Concept | None:
        return self._grammar.find(code)

    def is_a(self, code: str, ancestor: str) -> bool:
        return code == ancestor and self.find(code) is not None

    def parents(self, code: str) -> Sequence[str]:
        return ()

    def children(self, code: str) -> Sequence[str]:
        return ()

    def ancestors(self, code: str) -> Sequence[str]:
        return (code,)

    def holds(self, code: str, condition: Condition) -> bool:
        return self.find(code) is not None and self._grammar.test(condition)(code)

    @property
    def size(self) -> int:
        raise self._endless()

    def select(self, condition: Condition) -> Positions:
        raise self._endless()

    def position(self, code: str) -> int | None:
        raise self._endless()

    def at(self, positions: Iterable[int]) -> Iterator[Concept]:
        raise self._endless()

    def search(self, text: str) -> Iterator[int]:
        raise self._endless()

    def descendants(self, code: str) -> Positions:
        raise self._endless()

    def flagged(self, flag: str) -> Positions:
        raise self._endless()

    def _endless(self) -> Exception:
        text = f'The code System "{self.url}" has a grammar, and cannot be enumerated directly'
        return refuse(Category.UNPROCESSABLE, "too-costly", text)
