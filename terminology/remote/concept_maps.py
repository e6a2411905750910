"""ConceptMaps here and those of the other server. https://hl7.org/fhir/R4/conceptmap-operation-translate.html"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.concept_maps import ConceptMaps, Match, Question, Translation
from terminology.remote.faults import NoAnswer, Unavailable
from terminology.remote.reading import members
from terminology.remote.server import RemoteServer


class RoutedConceptMaps:
    """A :class:`fhirserver.ports.concept_maps.ConceptMaps`: the other is asked for what no map here translates."""

    def __init__(self, here: ConceptMaps, there: RemoteServer):
        self.here, self.there = here, there

    def systems(self, map: str) -> tuple[frozenset[str], frozenset[str]]:
        return self.here.systems(map)

    def codes(self, map: str) -> Mapping[str, JsonObject]:
        return self.here.codes(map)

    def translate(self, question: Question) -> Translation:
        """Only plain questions go there: about a map by its url, or about none, in the usual direction."""
        try:
            found = self.here.translate(question)
        except Refusal as refusal:
            if not self._may_ask(question) or all(issue.code != "not-found" for issue in refusal.issues):
                raise
            return self._there(question, refusal) or _raised(refusal)
        if found.result or question.map or not self._may_ask(question):
            return found
        try:
            return self._there(question, None) or found
        except NoAnswer:
            return replace(found, message=f"{found.message} The terminology server does not answer.".strip())

    def _may_ask(self, question: Question) -> bool:
        plain = question.asked.is_plain and not (question.reverse or question.source or question.dependencies)
        named = isinstance(question.map, str) and not question.map.startswith("ConceptMap/")
        ask = self.there.settings.may_ask
        return plain and named and all(ask(str(one.get("system", "-"))) for one in question.codings)

    def _there(self, question: Question, refusal: Refusal | None) -> Translation | None:
        """None where it knows no more."""
        told: list[Match] = []
        for coding in question.codings:
            system, code = str(coding.get("system", "")), str(coding.get("code", ""))
            try:
                answer = self.there.translate(
                    system, code, str(question.map), question.target_system, question.target
                )
            except Unavailable as fault:
                if refusal is None:
                    raise
                text = f"The terminology server that may know the map does not answer: {fault}"
                raise refuse(Category.BUSY, fault.code, text) from None
            except NoAnswer:
                continue
            told += _matches(answer, coding)
        if not told:
            return None
        return Translation(any(one.is_translation for one in told), tuple(told))


def _matches(answer: JsonObject, coding: JsonObject) -> Iterator[Match]:
    for match in members(answer).get("match", ()):
        if isinstance(match, dict):
            inner = members({"parameter": match.get("part")})
            concept = inner.get("concept", [None])[0]
            kept = concept if isinstance(concept, dict) else None
            map = _text(inner.get("source", inner.get("originMap", [""]))[0])
            yield Match(_equivalence(inner), kept, map, coding)


_OF_R5 = {
    "equivalent": "equivalent",
    "related-to": "relatedto",
    "source-is-narrower-than-target": "wider",
    "source-is-broader-than-target": "narrower",
    "not-related-to": "unmatched",
}


def _equivalence(inner: dict[str, list[Json]]) -> str:
    """R4's word, also where R5's relationship is told."""
    if inner.get("noMap", [False])[0] is True:
        return "unmatched"
    if "equivalence" in inner:
        return _text(inner["equivalence"][0]) or "relatedto"
    return _OF_R5.get(_text(inner.get("relationship", [""])[0]), "relatedto")


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _raised(refusal: Refusal) -> Translation:
    raise Refusal(refusal.category, refusal.issues)
