"""``CodeSystem/$find-matches``. https://hl7.org/fhir/R4/codesystem-operation-find-matches.html"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.terminology import Concept, Question
from terminology.code_systems.meaning import property_text
from terminology.ecl.conditions import SNOMED
from terminology.library import RequestLibrary
from terminology.looking_up import known_system, subproperties
from terminology.positions import Positions
from terminology.systems import System
from terminology.versions import split

MOST_MATCHES = 200
MOST_READ = 10_000
"""Concepts that are looked at for properties nested in others."""
_ROLE_GROUP = "609096000"
"""What SNOMED CT calls a group of relationships. https://hl7.org/fhir/R4/snomedct.html#props"""


class _Wanted(NamedTuple):
    """A property; ``value`` is None where any will do. ``inner`` are the properties nested in it, by code and value."""

    code: str
    value: str | None
    inner: Sequence[tuple[str, str]]


def found_matches(library: RequestLibrary, question: Question, limit: int) -> JsonObject:
    """The codes whose properties are those given, as Parameters with one ``match`` each."""
    system = _system(library, question)
    asked = [_wanted(one) for one in question.given.get("property", ()) if isinstance(one, dict)]
    if not asked:
        raise _wrong("required", "A 'property' is needed to find codes by", "property")
    found = Positions.all(system.size)
    for one in asked:
        found &= _matching(system, one)
    if len(found) > MOST_MATCHES:
        text = f"More than {MOST_MATCHES} codes match: give more properties"
        raise refuse(Category.UNPROCESSABLE, "too-costly", text)
    matches = [_match(system, concept) for concept in system.at(found)]
    return {"resourceType": "Parameters", **({"parameter": matches} if matches else {})}


def _system(library: RequestLibrary, question: Question) -> System:
    given = question.given
    url, version = split(_one(given, "system"))
    if question.instance:
        url = str((library.code_system(question.instance) or {}).get("url", url))
    if not url:
        raise _wrong("required", "'system' is needed", "system")
    return known_system(library, url, _one(given, "version") or version)


def _wanted(asked: JsonObject) -> _Wanted:
    parts = asked.get("part", ())
    code, value = _value_of(parts, "code"), _value_of(parts, "value")
    inner = [_nested(one) for one in parts if one.get("name") == "subproperty"]
    if not code or (value is None and not inner):
        text = "A 'property' to find codes by has a 'code' and a 'value', or a 'subproperty'"
        raise _wrong("required", text, "property")
    return _Wanted(code, value, inner)


def _nested(asked: JsonObject) -> tuple[str, str]:
    code, value = (_value_of(asked.get("part", ()), name) for name in ("code", "value"))
    if not code or value is None:
        raise _wrong("required", "A 'subproperty' has a 'code' and a 'value'", "property")
    return code, value


def _value_of(parts: Sequence[JsonObject], name: str) -> str | None:
    """Of the part, as filters are told values; of a Coding its code."""
    part: JsonObject = next((one for one in parts if one.get("name") == name), {})
    return next((_text(value) for key, value in part.items() if key.startswith("value")), None)


def _text(value: Json) -> str:
    if isinstance(value, dict):
        return str(value.get("code", ""))
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _matching(system: System, wanted: _Wanted) -> Positions:
    """The concepts that have the property, with all that is nested in it."""
    if system.url == SNOMED and wanted.inner and wanted.code == _ROLE_GROUP:
        return system.select({"property": "constraint", "op": "=", "value": _grouped(wanted.inner)})
    op, value = ("exists", "true") if wanted.value is None else ("=", wanted.value)
    found = system.select({"property": wanted.code, "op": op, "value": value})
    if not wanted.inner:
        return found
    if len(found) > MOST_READ:
        text = f"More than {MOST_READ} codes have the property {wanted.code}: give its value"
        raise refuse(Category.UNPROCESSABLE, "too-costly", text)
    with_concepts = zip(found, system.at(found), strict=True)
    return Positions.of((n for n, concept in with_concepts if _has(concept, wanted)), system.size)


def _grouped(inner: Sequence[tuple[str, str]]) -> str:
    """The concepts that have all these attributes in one group, as an expression constraint."""
    if not all(one.isascii() and one.isdigit() for pair in inner for one in pair):
        raise _wrong("value", "The attributes of a group and their values are codes", "property")
    return f"* : {{ {', '.join(f'{code} = {value}' for code, value in inner)} }}"


def _has(concept: Concept, wanted: _Wanted) -> bool:
    """Whether one of the values of the property has all that is wanted nested in it."""
    return any(
        one.get("code") == wanted.code
        and wanted.value in (None, property_text(one))
        and {*wanted.inner} <= {*_inner(one)}
        for one in concept.properties
    )


def _inner(held: JsonObject) -> Iterator[tuple[str, str]]:
    return ((code, _text(value)) for code, _, value in subproperties(held))


def _match(system: System, concept: Concept) -> JsonObject:
    coding = {"system": system.url, "code": concept.code, "display": concept.display}
    told = {name: value for name, value in coding.items() if value}
    return {"name": "match", "part": [{"name": "code", "valueCoding": told}]}


def _one(given: Mapping[str, Sequence[Json]], name: str) -> str:
    values = given.get(name, ())
    if len(values) > 1:
        raise _wrong("invalid", f"'{name}' may be given once", name)
    return str(values[0] or "") if values else ""


def _wrong(code: str, text: str, name: str) -> Refusal:
    return refuse(Category.INVALID, code, text, f"Parameters.parameter.where(name='{name}')")
