"""What ``%terminologies`` offers, by the terminology of the server. https://hl7.org/fhir/R5/fhirpath.html#txapi"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Refusal
from fhirserver.model.fhirpath.environment import Given
from fhirserver.model.fhirpath.values import Typed
from fhirserver.ports.code_validation import CodeAnswer, Coded, CodeQuestion
from fhirserver.ports.concept_maps import ConceptMaps, Translation
from fhirserver.ports.concept_maps import Question as MapQuestion
from fhirserver.ports.terminology import Question, Terminology

Answer = TypeVar("Answer")
Named = str | JsonObject


class ServedTerminologies:
    """A :class:`fhirserver.model.fhirpath.environment.Terminologies`. What is refused has no answer."""

    def __init__(self, terminology: Terminology, concept_maps: ConceptMaps | None = None):
        self._terminology, self._concept_maps = terminology, concept_maps

    def expand(self, value_set: Named, parameters: Given) -> JsonObject | None:
        name = "url" if isinstance(value_set, str) else "valueSet"
        return self._answer("expand", {name: [value_set], **parameters})

    def lookup(self, coded: Typed, parameters: Given) -> JsonObject | None:
        codings = _codings(coded, parameters)
        if len(codings) != 1 or not codings[0].system:
            return None
        one = codings[0]
        version: Given = {"version": [one.version]} if one.version else {}
        return self._answer("lookup", {"system": [one.system], "code": [one.code], **version, **parameters})

    def validate_vs(self, value_set: Named, coded: Typed, parameters: Given) -> JsonObject | None:
        return self._validated(coded, parameters, value_set=value_set)

    def validate_cs(self, code_system: Named, coded: Typed, parameters: Given) -> JsonObject | None:
        return self._validated(coded, parameters, code_system=code_system)

    def outcome(self, system: str, left: Typed, right: Typed, parameters: Given) -> str | None:
        ours, theirs = (_codings(one, {}) for one in (left, right))
        if len(ours) != 1 or len(theirs) != 1:
            return None
        if any(one.system not in ("", system) for one in (*ours, *theirs)):
            return None
        version = _one(parameters, "version")
        return _told(
            lambda: self._terminology.subsumes(system, ours[0].code, theirs[0].code, version=version)
        )

    def translate(self, concept_map: Named, coded: Typed, parameters: Given) -> JsonObject | None:
        codings = [
            {"system": one.system, "code": one.code} for one in _codings(coded, parameters) if one.system
        ]
        maps = self._concept_maps
        if maps is None or not codings:
            return None
        asked = MapQuestion(
            tuple(codings),
            concept_map,
            target=_one(parameters, "target"),
            target_system=_one(parameters, "targetsystem"),
            reverse=_one(parameters, "reverse") == "true",
        )
        found = _told(lambda: maps.translate(asked))
        return None if found is None else _translation(found)

    def _answer(self, operation: str, given: Given) -> JsonObject | None:
        return _told(lambda: self._terminology.answer(operation, Question(given)))

    def _validated(
        self,
        coded: Typed,
        parameters: Given,
        *,
        value_set: Named | None = None,
        code_system: Named | None = None,
    ) -> JsonObject | None:
        codings = _codings(coded, parameters)
        if not codings:
            return None
        is_concept = coded.type == "CodeableConcept"
        question = CodeQuestion(
            tuple(codings),
            "codeableConcept" if is_concept else "coding" if isinstance(coded.value, dict) else "code",
            value_set,
            code_system,
            coded.value if is_concept else None,
            infer_system=value_set is not None and not codings[0].system,
            languages=_one(parameters, "displayLanguage"),
        )
        answer = _told(lambda: self._terminology.validate(question))
        return None if answer is None else _parameters(answer)


def _told(ask: Callable[[], Answer]) -> Answer | None:
    try:
        return ask()
    except Refusal:
        return None


def _codings(item: Typed, parameters: Given) -> list[Coded]:
    """Of a code, Coding or CodeableConcept; the system of a bare code may stand in the parameters."""
    value = item.value
    if isinstance(value, str):
        return [Coded(_one(parameters, "system"), value)]
    if not isinstance(value, dict):
        return []
    codings = value.get("coding") if item.type == "CodeableConcept" else [value]
    found = [_coding(one) for one in codings if isinstance(one, dict)] if isinstance(codings, list) else []
    return [one for one in found if one.code]


def _coding(coding: JsonObject) -> Coded:
    system, code, version, display = (
        _text(coding.get(member)) for member in ("system", "code", "version", "display")
    )
    return Coded(system, code, version, display)


def _one(given: Given, name: str) -> str:
    return _text(given.get(name, [""])[0])


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _translation(found: Translation) -> JsonObject:
    matches: list[Json] = [
        {
            "name": "match",
            "part": [
                {"name": "equivalence", "valueCode": one.equivalence},
                *([{"name": "concept", "valueCoding": one.concept}] if one.concept else []),
                *([{"name": "source", "valueUri": one.map}] if one.map else []),
            ],
        }
        for one in found.matches
    ]
    parts: list[Json] = [{"name": "result", "valueBoolean": found.result}, *matches]
    return {"resourceType": "Parameters", "parameter": parts}


def _parameters(answer: CodeAnswer) -> JsonObject:
    """The part of ``$validate-code``'s answer that an expression can use."""
    said: tuple[tuple[str, str, Json], ...] = (
        ("message", "valueString", answer.message),
        ("code", "valueCode", answer.code),
        ("system", "valueUri", answer.system),
        ("version", "valueString", answer.version),
        ("display", "valueString", answer.display),
    )
    parts: list[Json] = [{"name": "result", "valueBoolean": answer.result}]
    parts += [{"name": name, member: value} for name, member, value in said if value]
    return {"resourceType": "Parameters", "parameter": parts}
