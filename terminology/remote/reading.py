"""What the other server's answers say: of R4, with what R5 and the servers of the ecosystem add to it.

https://hl7.org/fhir/R4/valueset-operation-validate-code.html, https://hl7.org/fhir/R4/codesystem-operation-lookup.html
What is of another shape than expected counts as not said.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.ports.terminology import Concept, Designation, Expansion, Validation
from terminology.remote.faults import Unavailable, Unknown

_UNKNOWN_SYSTEM: Final = ("x-caused-by-unknown-system", "x-unknown-system")
_CANNOT_TELL: Final = frozenset({"not-found", "vs-invalid", "not-supported"})
"""Codes of https://hl7.org/fhir/tools/CodeSystem-tx-issue-type.html with which ``false`` says nothing of the code."""
_CAUSES: Final = {"not-in-vs": "not-in-vs", "invalid-code": "invalid-code", "code-rule": "invalid-code"}
_WORDS: Final = {
    "not-in-vs": "The code is not in the value set",
    "invalid-code": "The code system has no such code",
}


def members(parameters: JsonObject) -> dict[str, list[Json]]:
    """The parameters by name: the value of each, its resource, or itself where it has parts."""
    found: dict[str, list[Json]] = {}
    for part in _objects(parameters.get("parameter")):
        value = next((v for name, v in part.items() if name.startswith("value")), None)
        if value is None:
            value = part.get("resource", part)
        found.setdefault(str(part.get("name", "")), []).append(value)
    return found


def validation(answer: JsonObject, system: str, code: str, in_value_set: bool) -> tuple[Validation, bool]:
    """What the answer says, and whether the server says for sure that it knows the code system.

    Raises :class:`Unknown` where ``false`` is only said because the server does not know what was asked about.
    """
    found = members(answer)
    result = _one(found, "result")
    if answer.get("resourceType") != "Parameters" or not isinstance(result, bool):
        raise Unavailable("the terminology server's answer has no result")
    if result:
        concept = Concept(
            _text(_one(found, "system")) or system,
            _text(_one(found, "code")) or code,
            _text(_one(found, "display")),
            version=_text(_one(found, "version")),
            inactive=_one(found, "inactive") is True,
        )
        return Validation(True, concept), True
    if any(name in found for name in _UNKNOWN_SYSTEM):
        raise Unknown("the terminology server does not know the code system")
    kinds = set(_issue_types(_one(found, "issues")))
    if kinds & _CANNOT_TELL:
        raise Unknown("the terminology server does not know the code system or the value set")
    cause = next((_CAUSES[kind] for kind in _CAUSES if kind in kinds), "")
    sure = bool(cause)
    cause = cause or ("not-in-vs" if in_value_set else "invalid-code")
    return Validation(False, None, _WORDS[cause], cause), sure


def _issue_types(outcome: Json) -> Iterator[str]:
    """The codes of all issues: those of the ecosystem, and FHIR's own where they tell as much."""
    for issue in _objects(outcome.get("issue") if isinstance(outcome, dict) else None):
        details = issue.get("details")
        own = [
            _text(coding.get("code"))
            for coding in _objects(details.get("coding") if isinstance(details, dict) else None)
        ]
        yield from own
        if not own and issue.get("code") in _CANNOT_TELL:
            yield str(issue["code"])


def concept(answer: JsonObject, system: str, code: str) -> Concept:
    """What ``$lookup`` says."""
    found = members(answer)
    if answer.get("resourceType") != "Parameters" or not ({"display", "name"} & set(found)):
        raise Unavailable("the terminology server's answer tells of no concept")
    properties = [_property(part) for part in _objects(found.get("property"))]
    told = {
        one["code"]: next((v for n, v in one.items() if n.startswith("value")), None)
        for one in properties
        if one
    }
    return Concept(
        system,
        _text(_one(found, "code")) or code,
        _text(_one(found, "display")),
        _text(_one(found, "definition")) or _text(told.get("definition")),
        tuple(made for part in _objects(found.get("designation")) if (made := _designation(part))),
        abstract=_one(found, "abstract") is True or told.get("notSelectable") is True,
        inactive=told.get("inactive") is True,
        version=_text(_one(found, "version")),
        status=_text(told.get("status")),
        properties=tuple(one for one in properties if one),
    )


def _property(part: JsonObject) -> JsonObject:
    """As in ``CodeSystem.concept.property``; empty where it is none."""
    inner = {str(one.get("name")): one for one in _objects(part.get("part"))}
    code = _text(_value(inner.get("code", {})))
    value = next(((n, v) for n, v in inner.get("value", {}).items() if n.startswith("value")), None)
    return {"code": code, value[0]: value[1]} if code and value else {}


def _designation(part: JsonObject) -> Designation | None:
    inner = {str(one.get("name")): _value(one) for one in _objects(part.get("part"))}
    value, use = _text(inner.get("value")), inner.get("use")
    return (
        Designation(value, _text(inner.get("language")), use if isinstance(use, dict) else None)
        if value
        else None
    )


def expansion(answer: JsonObject, offset: int) -> Expansion:
    """What ``$expand`` says. An expansion without a total is whole, unless it says that it is not."""
    told = answer.get("expansion")
    if answer.get("resourceType") != "ValueSet" or not isinstance(told, dict):
        raise Unavailable("the terminology server's answer is no expansion")
    concepts = tuple(_contained(told.get("contains"), depth=0))
    total = told.get("total")
    if not isinstance(total, int):
        total = offset + len(concepts)
    return Expansion(_text(answer.get("url")), _text(answer.get("version")), total, offset, concepts)


def used_systems(answer: JsonObject) -> list[str]:
    """The code systems that an expansion draws on."""
    told = answer.get("expansion")
    told = told if isinstance(told, dict) else {}
    parameters = _objects(told.get("parameter"))
    named = [_text(_value(one)) for one in parameters if one.get("name") in ("used-codesystem", "version")]
    urls = {name.partition("|")[0] for name in named if name}
    return sorted(urls | {one.system for one in _contained(told.get("contains"), depth=0)})


def _contained(contains: Json, depth: int) -> Iterator[Concept]:
    if depth > 60:
        return
    for item in _objects(contains):
        system, code = _text(item.get("system")), _text(item.get("code"))
        if system and code and item.get("abstract") is not True:
            yield Concept(
                system,
                code,
                _text(item.get("display")),
                designations=tuple(_designations(item.get("designation"))),
                inactive=item.get("inactive") is True,
                version=_text(item.get("version")),
            )
        yield from _contained(item.get("contains"), depth + 1)


def _designations(told: Json) -> Iterator[Designation]:
    for one in _objects(told):
        use = one.get("use")
        if value := _text(one.get("value")):
            yield Designation(value, _text(one.get("language")), use if isinstance(use, dict) else None)


def outcome(answer: JsonObject) -> str:
    """What ``$subsumes`` says."""
    found = _text(_one(members(answer), "outcome"))
    if found not in ("equivalent", "subsumes", "subsumed-by", "not-subsumed"):
        raise Unavailable("the terminology server's answer has no outcome")
    return found


def statement_systems(statement: JsonObject) -> frozenset[str]:
    """The code systems of a TerminologyCapabilities."""
    return frozenset(_text(one.get("uri")) for one in _objects(statement.get("codeSystem"))) - {""}


def _one(found: dict[str, list[Json]], name: str) -> Any:
    return found.get(name, [None])[0]


def _value(part: JsonObject) -> Json:
    return next((value for name, value in part.items() if name.startswith("value")), None)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _objects(value: Json) -> list[JsonObject]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
