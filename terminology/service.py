"""The terminology service over conformance resources: by default those of R4 itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Literal

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.model.definitions import definitions
from fhirserver.ports.terminology import Concept, Expansion, KnownSystem, Validation
from terminology.grammars import GRAMMARS
from terminology.listed import LISTS
from terminology.reading import Reading, Resolve, known_system, matching

EXPANSION_LIMIT = 20_000


def packed(url: str, type_name: str) -> JsonObject | None:
    """The CodeSystems and ValueSets that R4 itself defines."""
    return definitions().archive.by_url(url, type_name)


def packed_systems() -> Iterable[str]:
    """The urls of the CodeSystems that R4 itself defines."""
    return [entry.url for entry in definitions().archive.entries("CodeSystem") if entry.url]


class TerminologyService:
    """``urls`` lists the code systems that ``resolve`` finds.

    Keeps what was asked last; call :meth:`forget` when ``resolve`` would answer differently."""

    def __init__(
        self,
        resolve: Resolve = packed,
        limit: int = EXPANSION_LIMIT,
        urls: Callable[[], Iterable[str]] = packed_systems,
    ):
        self._resolve, self._limit, self._urls = resolve, limit, urls
        self._reading = Reading(resolve, limit)

    def forget(self, changed: Collection[str] = ()) -> None:
        """Read everything anew: value sets draw on each other, so what changed is not told apart."""
        self._reading = Reading(self._resolve, self._limit)

    def validate_code(
        self, value_set: str | JsonObject, system: str, code: str, *, version: str = "", display: str = ""
    ) -> Validation:
        if isinstance(value_set, dict):
            return self._reading.check(value_set, system, code, version, display)
        answer = self._reading.checked(value_set, system, code, version, display)
        if isinstance(answer, Refusal):
            raise Refusal(answer.category, answer.issues)
        return answer

    def lookup(self, system: str, code: str) -> Concept:
        concept = self._reading.known(system).find(code)
        if concept is None:
            raise refuse(Category.NOT_FOUND, "not-found", f"The code system {system} has no such code")
        return concept

    def subsumes(self, system: str, code: str, other: str) -> str:
        known = self._reading.known(system)
        left, right = self.lookup(system, code).code, self.lookup(system, other).code
        if left == right:
            return "equivalent"
        if known.is_a(right, left):
            return "subsumes"
        return "subsumed-by" if known.is_a(left, right) else "not-subsumed"

    def related(self, system: str, code: str, direction: Literal["above", "below"]) -> Sequence[str]:
        known, of = self._reading.known(system), self.lookup(system, code).code
        return known.ancestors(of) if direction == "above" else known.descendants(of)

    def expand(
        self, value_set: str | JsonObject, text: str = "", offset: int = 0, count: int | None = None
    ) -> Expansion:
        reading = self._reading
        if isinstance(value_set, dict):
            found, concepts = value_set, tuple(reading.reader.expand(value_set).values())
        else:
            found, concepts = reading.reader.find(value_set), reading.expanded(value_set)
        fitting = matching(concepts, text) if text else concepts
        end = None if count is None else offset + count
        page = tuple(fitting[offset:end])
        return Expansion(found.get("url", ""), found.get("version", ""), len(fitting), offset, page)

    def systems_of(self, value_set: str | JsonObject) -> Sequence[str]:
        reader = self._reading.reader
        found = value_set if isinstance(value_set, dict) else reader.find(value_set)
        return sorted(set(reader.systems(found)))

    def members(self, value_set: str | JsonObject, system: str, codes: Iterable[str]) -> frozenset[str]:
        return frozenset(code for code in codes if self.validate_code(value_set, system, code).result)

    def systems(self) -> Sequence[KnownSystem]:
        urls = sorted({*self._urls(), *GRAMMARS, *LISTS})
        return [known for url in urls if (known := known_system(url, self._resolve)) is not None]
