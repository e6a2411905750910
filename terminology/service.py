"""The terminology service over conformance resources: by default those of R4 itself."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from threading import Lock
from typing import Literal, TypeAlias

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.model.definitions import definitions
from fhirserver.ports.terminology import Concept, Expansion, Validation
from terminology.code_systems import CodeSystemIndex
from terminology.value_sets import ComposeReader

Resolve: TypeAlias = Callable[[str, str], JsonObject | None]
"""``(canonical url, resource type)`` → the resource, or None. A version may follow ``|``."""

EXPANSION_LIMIT = 20_000
KEPT_SYSTEMS = 64


def packed(url: str, type_name: str) -> JsonObject | None:
    """The CodeSystems and ValueSets that R4 itself defines."""
    return definitions().archive.by_url(url, type_name)


class TerminologyService:
    """Keeps the code systems used last; call :meth:`forget` when ``resolve`` would answer differently."""

    def __init__(self, resolve: Resolve = packed, limit: int = EXPANSION_LIMIT):
        self._resolve = resolve
        self._lock = Lock()
        self._systems: OrderedDict[str, CodeSystemIndex | None] = OrderedDict()
        self._reader = ComposeReader(self._system, lambda url: resolve(url, "ValueSet"), limit)

    def forget(self, changed: Collection[str] = ()) -> None:
        """Read everything anew: value sets draw on each other, so what changed is not told apart."""
        with self._lock:
            self._systems.clear()

    def validate_code(self, value_set: str, system: str, code: str) -> Validation:
        found = self._reader.find(value_set)
        systems = [system] if system else sorted(set(self._reader.systems(found)))
        held = [s for s in systems if self._reader.holds(found, (s, self._written(s, code)))]
        if len(held) == 1:
            return Validation(True, self._concept(held[0], code))
        words = "is in more than one system of" if held else "is not in"
        return Validation(False, message=f"The code {words} the value set {value_set}")

    def lookup(self, system: str, code: str) -> Concept:
        concept = self._known(system).find(code)
        if concept is None:
            raise refuse(Category.NOT_FOUND, "not-found", f"The code system {system} has no such code")
        return concept

    def subsumes(self, system: str, code: str, other: str) -> str:
        left, right = self.lookup(system, code).code, self.lookup(system, other).code
        if left == right:
            return "equivalent"
        known = self._known(system)
        if known.is_a(right, left):
            return "subsumes"
        return "subsumed-by" if known.is_a(left, right) else "not-subsumed"

    def related(self, system: str, code: str, direction: Literal["above", "below"]) -> Sequence[str]:
        known, of = self._known(system), self.lookup(system, code).code
        return known.ancestors(of) if direction == "above" else known.descendants(of)

    def expand(self, value_set: str, text: str = "", offset: int = 0, count: int | None = None) -> Expansion:
        found = self._reader.find(value_set)
        concepts = [c for c in self._reader.expand(found).values() if matches(c, text.casefold())]
        end = None if count is None else offset + count
        page = tuple(concepts[offset:end])
        return Expansion(found["url"], found.get("version", ""), len(concepts), offset, page)

    def _concept(self, system: str, code: str) -> Concept:
        known = self._system(system)
        return (known.find(code) if known else None) or Concept(system, code)

    def _written(self, system: str, code: str) -> str:
        """The code as its system writes it, where that system disregards case."""
        return self._concept(system, code).code

    def _known(self, url: str) -> CodeSystemIndex:
        found = self._system(url)
        if found is None:
            raise refuse(Category.NOT_FOUND, "not-found", f"The code system {url} is not known here")
        return found

    def _system(self, url: str) -> CodeSystemIndex | None:
        with self._lock:
            if url in self._systems:
                self._systems.move_to_end(url)
                return self._systems[url]
        resource = self._resolve(url, "CodeSystem")
        index = CodeSystemIndex(resource) if resource and resource.get("concept") else None
        with self._lock:
            self._systems[url] = index
            while len(self._systems) > KEPT_SYSTEMS:
                self._systems.popitem(last=False)
        return index


def matches(concept: Concept, folded: str) -> bool:
    return folded in concept.display.casefold() or folded in concept.code.casefold()
