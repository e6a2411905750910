"""Answers of ``ConceptMap/$translate``. https://hl7.org/fhir/R4/conceptmap-operation-translate.html"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.concept_maps import Question, Translation
from fhirserver.ports.terminology_asked import Asked
from terminology.concept_maps.equivalence import closeness
from terminology.concept_maps.indexed import IndexedMap
from terminology.concept_maps.known import KnownMaps, Shelf
from terminology.concept_maps.searching import InValueSet, Search

Holds = Callable[[str, str, str, Asked], bool]
"""Whether the value set (canonical url) holds the code of the system, with what a request brings along; raises a
refusal where it cannot be told."""


class Translator:
    """See :class:`fhirserver.ports.concept_maps.ConceptMaps`.

    ``named`` makes a system's url of any other name it has. ``holds`` tells whether a code is in the value set that is
    asked for, where a map does not say what its own is, and whether a code that a map does not list is one of its own;
    ``brought`` gives the ConceptMaps that a request brings along.
    """

    def __init__(
        self,
        shelf: Shelf | None = None,
        named: Callable[[str], str] = lambda name: name,
        holds: Holds | None = None,
        brought: Callable[[Asked], Iterable[JsonObject]] = lambda asked: (),
    ):
        self._known = KnownMaps(shelf)
        self._named, self._holds, self._brought = named, holds, brought

    def forget(self, changed: Collection[str] = ()) -> None:
        """Call it when what the shelf holds has changed."""
        self._known.forget(changed)

    def translate(self, question: Question) -> Translation:
        more = [IndexedMap(one) for one in self._brought(question.asked)]
        search = Search(
            question, lambda url: _given(more, url) or self._known.find(url), self._in(question.asked)
        )
        for coding in question.codings:
            coding = {**coding, "system": self._named(str(coding.get("system", "")))}
            for one in self._maps(question, coding["system"], more):
                search.ask(one, coding)
        return _answer(search, question)

    def _in(self, asked: Asked) -> InValueSet | None:
        holds = self._holds
        return (
            None if holds is None else lambda value_set, system, code: holds(value_set, system, code, asked)
        )

    def systems(self, map: str) -> tuple[frozenset[str], frozenset[str]]:
        sources, targets, seen, waiting = set[str](), set[str](), set[str](), [map]
        while waiting:
            name = waiting.pop()
            found = self._known.find(name)
            if found is None and name == map:
                raise _unknown(map)
            if found is None or found.canonical in seen:
                continue
            seen.add(found.canonical)
            sources |= {group.source for group in found.groups}
            targets |= {group.target for group in found.groups}
            waiting += [group.unmapped["url"] for group in found.groups if group.unmapped.get("url")]
        return frozenset(sources), frozenset(targets)

    def codes(self, map: str) -> Mapping[str, JsonObject]:
        found = self._known.find(map)
        if found is None:
            raise _unknown(map)
        return found.translations

    def _maps(self, question: Question, system: str, more: Sequence[IndexedMap]) -> Sequence[IndexedMap]:
        if isinstance(question.map, dict):
            return (IndexedMap(question.map),)
        if not question.map:
            return (*more, *self._known.of_system(system, question.reverse))
        found = _given(more, question.map) or self._known.find(question.map)
        if found is None:
            raise _unknown(question.map)
        return (found,)


def _unknown(map: str) -> Refusal:
    return refuse(Category.NOT_FOUND, "not-found", f"The ConceptMap {map} is not known here")


def _given(maps: Sequence[IndexedMap], canonical: str) -> IndexedMap | None:
    """Of the maps that came along the one that is meant."""
    return next((one for one in maps if canonical in (one.url, one.canonical)), None)


def _answer(search: Search, question: Question) -> Translation:
    """A map that is only asked since another refers to it does not speak for itself as well."""
    used = tuple(search.used)
    found = (one for one in search.matches if one.map not in used)
    matches = tuple(sorted(found, key=lambda one: closeness(one.equivalence)))
    if any(one.is_translation for one in matches):
        return Translation(True, matches, "; ".join(search.wanting), used)
    reasons = search.wanting if matches else [*search.wanting, *search.reasons] or [_none_between(question)]
    return Translation(False, matches, "; ".join(dict.fromkeys(reasons)), used, search.is_out_of_scope)


def _none_between(question: Question) -> str:
    source = str(question.codings[0].get("system", "")) if question.codings else ""
    target = question.target_system
    if question.reverse:
        source, target = target, source
    ends = "".join(f" {word} '{url}'" for word, url in (("from", source), ("to", target)) if url)
    return f"No ConceptMap is available to translate{ends}"
