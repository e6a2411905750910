"""Codes of a connector's records translated by ConceptMaps that are stored on this server.

The translated Coding comes first and says by which map it came about and how it stands to the original one, which stays
beside it. A code without a translation stays as it is and says so. docs/terminology/maps.md
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from adapters.runner.code_map_rules import EVERYWHERE, Rule, members
from adapters.runner.mapped_codings import (
    UNMATCHED,
    is_coding,
    is_concept,
    is_translation,
    marked,
    original,
    plain,
    with_urls,
)
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.concept_maps import ConceptMaps, Match, Question
from fhirserver.world.vocabulary import MAPPED_FROM, VERIFIED

DOUBTFUL = frozenset({"narrower", "specializes", "relatedto", "inexact"})
"""The equivalences that claim more than the original code says: what is so mapped is trusted as a machine is."""
MACHINE = VERIFIED


@dataclass(frozen=True, slots=True)
class Coded:
    """A resource with its codes translated. ``maps`` are those by which codes were (with their versions), ``doubtful``
    the top-level elements that are mapped more closely than they were said, ``missing`` the maps that are not here."""

    content: JsonObject
    maps: tuple[str, ...] = ()
    doubtful: frozenset[str] = frozenset()
    missing: tuple[str, ...] = ()


class Coder:
    """Applies the rules of one connector. ``catch_up`` is awaited before each record, so that a map that was changed
    counts for the next one. ``named`` gives the url of a code system that is named by an OID or UUID."""

    def __init__(
        self,
        rules: Sequence[Rule],
        maps: ConceptMaps,
        catch_up: Callable[[], Awaitable[None]],
        named: Callable[[str], str] | None = None,
    ):
        self._rules, self.maps, self._catch_up, self._named = rules, maps, catch_up, named

    async def ready(self) -> None:
        """See all ConceptMaps that are stored by now."""
        await self._catch_up()

    def coded(self, content: JsonObject, origin: Mapping[str, str] | None = None) -> Coded:
        """``origin``: for each top-level element the field of the message that it came from."""
        if self._named is not None:
            content = with_urls(content, self._named)
        if not self._rules:
            return Coded(content)
        run, content = _Run(self.maps), original(content)
        for rule in self._rules:
            content = run.apply(rule, content, origin or {})
        return Coded(content, tuple(run.used), frozenset(run.doubtful), tuple(run.missing))


def map_entity(map: str) -> JsonObject:
    """``Provenance.entity`` of what was stated with codes that a ConceptMap translated."""
    identifier = {"system": "urn:ietf:rfc:3986", "value": map}
    return {
        "role": "source",
        "what": {"type": "ConceptMap", "identifier": identifier, "display": "Codes mapped"},
    }


def lowered(units: Mapping[str, Decimal], doubtful: Iterable[str]) -> dict[str, Decimal]:
    """The confidences of units, with those that are doubtful no higher than a machine's."""
    return {**units, **{unit: min(units.get(unit, MACHINE), MACHINE) for unit in doubtful}}


class _Run:
    """The rules on one resource; what is not touched is shared with what was given."""

    def __init__(self, maps: ConceptMaps):
        self._maps = maps
        self.used: dict[str, None] = {}
        self.missing: dict[str, None] = {}
        self.doubtful: set[str] = set()

    def apply(self, rule: Rule, content: JsonObject, origin: Mapping[str, str]) -> JsonObject:
        try:
            sources, targets = self._maps.systems(rule.map)
        except Refusal:
            self.missing[rule.map] = None
            return content
        by = _ByMap(self, self._maps, rule.map, sources, targets, rule.where == EVERYWHERE)
        if rule.type:
            made = (
                by.at(content, rule.steps, top=True) if content.get("resourceType") == rule.type else content
            )
            return made if isinstance(made, dict) else content
        return {
            name: by.within(value, name) if not rule.is_field or rule.is_from(origin.get(name, "")) else value
            for name, value in content.items()
        }

    def took(self, top: str, match: Match) -> None:
        self.used[match.map] = None
        if match.equivalence in DOUBTFUL:
            self.doubtful.add(top)


class _ByMap:
    """One map on one resource. ``wide``: codes of systems that the map does not have are none of its business."""

    def __init__(
        self,
        run: _Run,
        maps: ConceptMaps,
        map: str,
        sources: frozenset[str],
        targets: frozenset[str],
        wide: bool,
    ):
        self._run, self._maps, self._map = run, maps, map
        self._sources, self._targets, self._wide = sources, targets, wide
        self._top = ""

    def at(self, value: Json, steps: Sequence[str], top: bool = False) -> Json:
        """The codes at the end of the steps."""
        if isinstance(value, list):
            return [self.at(one, steps) for one in value]
        if not isinstance(value, dict):
            return value
        if not steps:
            return self._element(value)
        made = dict(value)
        for name in members(steps[0]):
            if name in made:
                self._top = name if top else self._top
                made[name] = self.at(made[name], steps[1:])
        return made

    def within(self, value: Json, top: str) -> Json:
        """All codes that a top-level element holds."""
        self._top = top
        return self._all(value)

    def _all(self, value: Json) -> Json:
        if isinstance(value, list):
            return [self._all(one) for one in value]
        if not isinstance(value, dict):
            return value
        if is_concept(value) or is_coding(value):
            return self._element(value)
        return {name: one if name == "extension" else self._all(one) for name, one in value.items()}

    def _element(self, value: JsonObject) -> JsonObject:
        if is_concept(value):
            return self._concept(value)
        return self._coding(value) if is_coding(value) else value

    def _concept(self, concept: JsonObject) -> JsonObject:
        """What the sender says in a target system itself is not overruled."""
        codings = concept["coding"]
        if any(one.get("system") in self._targets - self._sources for one in codings):
            return concept
        before = [one for one in codings if is_translation(one)]
        made, kept = dict[str, JsonObject](), list[JsonObject]()
        for coding in (one for one in codings if not is_translation(one)):
            found = self._translated(plain(coding))
            kept.append(
                plain(coding) if found else coding if found is None or before else self._noted(coding)
            )
            for match in found or ():
                self._put(match, made)
        return {**concept, "coding": [*before, *made.values(), *kept]}

    def _put(self, match: Match, made: dict[str, JsonObject]) -> None:
        """Of each system the closest."""
        concept = match.concept or {}
        if concept.get("system", "") not in made:
            made[concept.get("system", "")] = marked(concept, match.map, match.equivalence)
            self._run.took(self._top, match)

    def _coding(self, coding: JsonObject) -> JsonObject:
        """Where there is room for one alone, the original one is kept inside it."""
        if is_translation(coding):
            return coding
        original = plain(coding)
        found = self._translated(original)
        if not found:
            return coding if found is None else self._noted(coding)
        self._run.took(self._top, found[0])
        made = marked(found[0].concept or {}, found[0].map, found[0].equivalence)
        made["extension"].append({"url": MAPPED_FROM, "valueCoding": original})
        return made

    def _translated(self, coding: JsonObject) -> list[Match] | None:
        """The translations, the closest first; None where the map has nothing to say of such codes."""
        system = coding.get("system", "")
        if not coding.get("code") or system in self._targets - self._sources:
            return None
        if self._wide and system not in self._sources:
            return None
        try:
            found = self._maps.translate(Question((coding,), self._map))
        except Refusal:
            return []
        return [one for one in found.matches if one.is_translation]

    def _noted(self, coding: JsonObject) -> JsonObject:
        """The original code, saying that the map has no translation for it."""
        return marked(plain(coding), self._map, UNMATCHED)
