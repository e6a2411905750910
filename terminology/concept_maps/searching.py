"""Looking for a code in ConceptMaps, from either side, also in those that ``unmapped`` refers to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.concept_maps import Match, Question
from terminology.concept_maps.equivalence import inverse
from terminology.concept_maps.indexed import Group, IndexedMap, Row

UNKNOWN = "relatedto"
"""How a code that ``unmapped`` gives stands to the one asked: R4 does not say, so no more is claimed."""

LONGEST = 50
"""How many maps may refer to each other by ``unmapped``, one to the next."""

InValueSet = Callable[[str, str, str], bool]
"""Whether the value set (canonical url) holds the code of the system; raises a refusal where it cannot be told."""

Find = Callable[[str], IndexedMap | None]


class Search:
    """One question. ``reasons`` say why a map gave nothing, ``wanting`` which dependencies would have given more;
    ``used`` are maps that were only asked because another map refers to them."""

    def __init__(self, question: Question, find: Find, holds: InValueSet | None = None):
        self._question, self._find, self._holds = question, find, holds
        self.matches: list[Match] = []
        self.reasons: list[str] = []
        self.wanting: list[str] = []
        self.used: dict[str, None] = {}
        self.is_out_of_scope = False
        self._seen: set[str] = set()

    def ask(self, map: IndexedMap, coding: JsonObject) -> None:
        """Add what a map says of a code."""
        self._seen = set()
        found = [one for one in self._in_map(map, coding, ()) if self._is_in_target(map, one)]
        self.matches += [one for one in found if one not in self.matches]

    def _in_map(self, map: IndexedMap, coding: JsonObject, before: tuple[str, ...]) -> Iterator[Match]:
        name = map.canonical or "given"
        if not self._is_of_value_sets(map):
            self.reasons.append(f"The ConceptMap {name} is for other value sets")
            return
        groups = [group for group in map.groups if self._fits(group, coding)]
        if not groups and (self._question.map or before):
            self.reasons.append(f"The ConceptMap {name} has no codes of this system, or not into that one")
        for group in groups:
            yield from self._in_group(map, group, coding, (*before, name))

    def _is_of_value_sets(self, map: IndexedMap) -> bool:
        """Whether the map is for the value sets that are asked for. One that names none may be for any."""
        sides = (map.target, map.source) if self._question.reverse else (map.source, map.target)
        wanted = (self._question.source, self._question.target)
        return all(_same(here, asked) for here, asked in zip(sides, wanted, strict=True))

    def _is_in_target(self, map: IndexedMap, match: Match) -> bool:
        """Whether the code is in the value set asked for, where the map does not say so itself."""
        stated = map.source if self._question.reverse else map.target
        concept = match.concept
        if not self._question.target or stated or concept is None or self._holds is None:
            return True
        try:
            return self._holds(self._question.target, concept.get("system", ""), concept["code"])
        except Refusal:
            return True

    def _fits(self, group: Group, coding: JsonObject) -> bool:
        here, there = (group.source, group.source_version), group.target
        if self._question.reverse:
            here, there = (group.target, group.target_version), group.source
        wanted = self._question.target_system
        version = coding.get("version", "")
        return (
            here[0] in ("", coding.get("system", ""))
            and (not version or here[1] in ("", version))
            and (not wanted or wanted == there or _refers(group))
        )

    def _in_group(
        self, map: IndexedMap, group: Group, coding: JsonObject, path: tuple[str, ...]
    ) -> Iterator[Match]:
        code = coding.get("code", "")
        rows = (group.backward if self._question.reverse else group.forward).get(code, ())
        wanted = self._question.target_system
        there = group.source if self._question.reverse else group.target
        for row in rows if not wanted or wanted == there else ():
            if self._question.reverse or self._holds_true(row):
                yield self._match(map, group, row, coding)
        if not rows:
            self.reasons.append(f"The ConceptMap {path[-1]} does not list the code")
        if self._question.reverse or not rows:
            yield from self._unmapped(map, group, coding, path)

    def _holds_true(self, row: Row) -> bool:
        """Whether all that a mapping depends on is given as it has to be."""
        given = self._question.dependencies
        for element, value in row.depends:
            values = [concept for name, concept in given if name == element]
            if not any(_is_value(concept, value) for concept in values):
                if not values:
                    self.wanting.append(f"A mapping depends on {element}, which was not given")
                else:
                    self.reasons.append(f"A mapping is for another value of {element}")
                return False
        return True

    def _match(self, map: IndexedMap, group: Group, row: Row, coding: JsonObject) -> Match:
        if self._question.reverse:
            concept = _coding(group.source, group.source_version, row.source, row.source_display)
            equivalence, products = inverse(row.equivalence), row.depends
        else:
            concept = _coding(group.target, group.target_version, row.target, row.target_display)
            equivalence, products = row.equivalence, row.products
        comments = (row.source_comment, row.target_comment)
        return Match(equivalence, concept, map.canonical, coding, products, *comments)

    # Codes that a group does not list

    def _unmapped(
        self, map: IndexedMap, group: Group, coding: JsonObject, path: tuple[str, ...]
    ) -> Iterator[Match]:
        mode = group.unmapped.get("mode")
        if mode and not self._is_in_scope(map, coding):
            self.is_out_of_scope = True
            self.reasons.append(f"The code is not in the source value set of the ConceptMap {path[-1]}")
        elif mode == "other-map":
            for match in self._elsewhere(group, coding, path):
                yield replace(match, map=map.canonical)
        elif mode in ("provided", "fixed") and not self._question.reverse:
            if self._question.target_system not in ("", group.target):
                return
            code, display = group.unmapped.get("code", ""), group.unmapped.get("display", "")
            if mode == "provided":
                code, display = coding.get("code", ""), coding.get("display", "")
            concept = _coding(group.target, group.target_version, code, display)
            yield Match(UNKNOWN, concept, map.canonical, coding)

    def _is_in_scope(self, map: IndexedMap, coding: JsonObject) -> bool:
        """Whether ``unmapped`` speaks of a code: not of one that the map's own value set does not hold."""
        if self._question.reverse or not map.source or self._holds is None:
            return True
        try:
            return self._holds(map.source, coding.get("system", ""), coding.get("code", ""))
        except Refusal:
            return True

    def _elsewhere(self, group: Group, coding: JsonObject, path: tuple[str, ...]) -> Iterator[Match]:
        url = group.unmapped.get("url", "")
        other = self._find(url)
        if other is None:
            self.reasons.append(f"The ConceptMap {path[-1]} refers to {url}, which is not known here")
            return
        if other.canonical in path:
            text = f"The ConceptMap {other.canonical} refers back to itself by unmapped.url"
            if self._question.map:
                raise refuse(Category.UNPROCESSABLE, "business-rule", text, "ConceptMap.group.unmapped.url")
            self.reasons.append(text)
            return
        if other.canonical in self._seen:
            return
        self._seen.add(other.canonical)
        if len(path) > LONGEST:
            raise refuse(Category.UNPROCESSABLE, "too-costly", f"{LONGEST} ConceptMaps refer to each other")
        for match in self._in_map(other, coding, path):
            listed = self._question.reverse and match.concept and match.concept["code"] in group.forward
            if not listed:
                self.used[other.canonical] = None
                yield match


def _refers(group: Group) -> bool:
    """Another map may lead where this group does not."""
    return group.unmapped.get("mode") == "other-map"


def _same(here: str, asked: str) -> bool:
    """Whether two canonical urls mean one value set: where one states no version, any is meant."""
    (url, _, version), (other, _, wanted) = here.partition("|"), asked.partition("|")
    return not here or not asked or (url == other and (not version or not wanted or version == wanted))


def _is_value(concept: JsonObject, value: JsonObject) -> bool:
    """Whether a CodeableConcept says the value: by a coding, or by its text."""
    for coding in concept.get("coding", ()):
        if coding.get("code") == value.get("code") and value.get("system") in (None, coding.get("system")):
            return True
    return "system" not in value and concept.get("text") == value.get("code")


def _coding(system: str, version: str, code: str, display: str) -> JsonObject | None:
    if not code:
        return None
    made = {"system": system, "version": version, "code": code, "display": display}
    return {name: value for name, value in made.items() if value}
