"""Answers what people ask who look around: see :class:`fhirserver.ports.terminology_browsing.Browsing`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.terminology import Concept
from fhirserver.ports.terminology_browsing import (
    ConceptInTree,
    Explanation,
    Found,
    Known,
    Level,
    Named,
    Page,
    Remark,
    SystemFacts,
)
from terminology.asked import PLAIN, Asked
from terminology.browsing import trees
from terminology.browsing.directory import Directory, known_of, size_of
from terminology.code_systems.content import ContentSystem
from terminology.code_systems.meaning import property_value
from terminology.explaining import explain
from terminology.library import RequestLibrary
from terminology.overlays import is_language_pack
from terminology.systems import System
from terminology.versions import fits, joined, split

LibraryFor = Callable[[Asked], RequestLibrary]


class Browser:
    """``library`` makes what one request finds things with."""

    def __init__(self, library: LibraryFor, directory: Directory):
        self._library, self._directory = library, directory

    def known(self, type: str, text: str = "", offset: int = 0, count: int = 50) -> Page:
        return self._directory.page(type, text, offset, count)

    def value_set(self, canonical: str) -> JsonObject:
        return _or_refused(self._library(PLAIN).value_set(canonical), "value set")

    def concept_map(self, canonical: str) -> JsonObject:
        return _or_refused(self._library(PLAIN).holdings.concept_map(canonical), "concept map")

    def value_set_versions(self, url: str) -> Sequence[str]:
        return self._library(PLAIN).value_set_versions(url)

    # One code system

    def system(self, url: str, version: str = "") -> SystemFacts:
        """Also one whose codes are not here."""
        library = self._library(PLAIN)
        system, versions = library.system(url, version), tuple(library.system_versions(url))
        if system is None:
            header = _or_refused(library.code_system(joined(url, version)), "code system")
            header = {name: value for name, value in header.items() if name != "concept"}
            return SystemFacts(self._listed(header), header, versions, None, False, _absence(header))
        header = {"resourceType": "CodeSystem", **system.header, "url": system.url, "version": system.version}
        size = size_of(system)
        why = "" if size is not None else "Its codes follow a grammar: there is no end of them."
        is_tree = size is not None and 0 < len(system.flagged("root")) < size
        return SystemFacts(self._listed(header, size), header, versions, size, is_tree, why)

    def _listed(self, header: JsonObject, size: int | None = None) -> Known:
        listed = self._directory.find("CodeSystem", header["url"], str(header.get("version", "")))
        return listed or known_of(header, "built in", size)

    def _system(self, url: str, version: str) -> System:
        found = self._library(PLAIN).system(url, version)
        if found is None:
            self.system(url, version)  # refuses what is not known at all
            raise refuse(Category.NOT_FOUND, "not-found", "The codes of this code system are not here")
        return found

    def level(self, url: str, version: str, parent: str = "", offset: int = 0, count: int = 100) -> Level:
        return trees.level(self._system(url, version), parent, offset, count)

    def way(self, url: str, version: str, code: str, count: int = 100) -> tuple[Level, ...]:
        """The levels from the top to a concept, each with the page of siblings that the way goes through."""
        system = self._system(url, version)
        steps = trees.siblings_of(trees.path_to(system, trees.known_concept(system, code).code))
        return tuple(
            trees.level(system, parent, trees.place_among(system, at, parent) // count * count, count)
            for parent, at in steps
        )

    def search(self, url: str, version: str, text: str, count: int = 50) -> Found:
        return trees.search(self._system(url, version), text.strip(), count)

    def concept(self, url: str, version: str, code: str) -> ConceptInTree:
        system = self._system(url, version)
        found = trees.known_concept(system, code)
        return ConceptInTree(
            found,
            trees.named(system, system.parents(found.code)),
            _directly_below(system, found.code),
            trees.path_to(system, found.code),
            _below(system, found.code),
            tuple(_described(system, found)),
            tuple(self._remarks(system, found.code)),
        )

    def _remarks(self, system: System, code: str) -> Iterator[Remark]:
        """What the supplements say that are known here, whether in use or not."""
        library = self._library(PLAIN)
        for canonical in library.holdings.supplements(system.url):
            resource = library.code_system(canonical)
            if resource is None or not fits(system.version, split(str(resource.get("supplements", "")))[1]):
                continue
            concept = ContentSystem(resource).find(code)
            if concept is not None:
                title = str(resource.get("title") or resource.get("name") or "")
                yield Remark(canonical, title, concept, is_language_pack(resource))

    # Value sets

    def explain(
        self,
        canonical: str,
        system: str,
        code: str,
        *,
        versions: Sequence[str] = (),
        active_only: bool = False,
    ) -> Explanation:
        library = self._library(Asked(system_version=dict(map(split, versions))))
        value_set = _or_refused(library.value_set(canonical), "value set")
        return explain(value_set, library.with_supplements(value_set), system, code, active_only)


def _or_refused(found: JsonObject | None, what: str) -> JsonObject:
    if found is None:
        raise refuse(Category.NOT_FOUND, "not-found", f"This {what} is not known here")
    return found


def _absence(header: JsonObject) -> str:
    """Why the codes of a system are not here."""
    supplemented = header.get("supplements")
    if supplemented:
        return f"It is a supplement: it says more about the codes of {supplemented}, and has none of its own."
    if header.get("content") == "not-present":
        return "Only what it is called is here: its content is not-present. Import a release, or store one with codes."
    return "It has no codes."


def _directly_below(system: System, code: str) -> int:
    return len(trees.siblings_below(system, code)) if size_of(system) is not None else 0


def _below(system: System, code: str) -> int | None:
    try:
        return max(len(system.descendants(code)) - 1, 0)
    except Refusal:
        return None


def _described(system: System, concept: Concept) -> Iterator[tuple[JsonObject, str, Named | None]]:
    declared = {str(one.get("code", "")): one for one in system.header.get("property", ())}
    for held in concept.properties:
        about = declared.get(str(held.get("code", "")), {})
        value = property_value(held)
        yield held, str(about.get("description", "")), _linked(system, held, value)


def _linked(system: System, held: JsonObject, value: Json) -> Named | None:
    """The concept of the same system that a property's value is, or None."""
    if "valueCoding" in held and isinstance(value, dict) and value.get("system") in (None, system.url):
        value = value.get("code")
    elif "valueCode" not in held:
        return None
    found = system.find(value) if isinstance(value, str) else None
    return Named(found.code, found.display) if found is not None else None
