"""Units of measure, ``http://unitsofmeasure.org``. https://hl7.org/fhir/R4/ucum.html"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.model.ucum import meaning, parse, table
from fhirserver.model.ucum.naming import in_base_units, in_print, in_words
from fhirserver.model.ucum.parsing import Symbol, Term
from fhirserver.ports.terminology import Concept, Designation
from terminology.grammars.grammar import Grammar, header

URL = "http://unitsofmeasure.org"
_COMMON = "http://hl7.org/fhir/ValueSet/ucum-common"
_CANONICAL, _PROPERTY = "canonical", "property"


class Units(Grammar):
    """The display is that of R4's list of common units, else the unit in words: ``(milligram) / (deciliter)``."""

    def __init__(self) -> None:
        super().__init__(_header(table().version, table().date))

    def find(self, code: str) -> Concept | None:
        term = parse(code)
        if term is None:
            return None
        words, common = in_words(term), _common().get(code, "")
        others = dict.fromkeys((words, in_print(term), code))
        others.pop(common or words, None)
        return Concept(
            system=URL,
            code=code,
            display=common or words,
            designations=tuple(Designation(other) for other in others if other),
            version=self.version,
            language="en",
            properties=tuple(_properties(code, term)),
        )

    def values(self, concept: Concept, name: str) -> Sequence[str]:
        if name == _CANONICAL:
            return _canonical(concept.code)
        return _kinds_of(concept.code) if name == _PROPERTY else super().values(concept, name)

    def usual(self) -> Sequence[str]:
        return _common_codes()

    def usual_names(self) -> Iterator[Sequence[str]]:
        return iter(_common().items())

    def holds(self, code: str, condition: JsonObject) -> bool:
        """``canonical`` may name any unit with the same dimensions: R4's own value sets of times say ``a``."""
        if condition.get("property") == _CANONICAL and condition.get("op") == "=":
            meant = meaning(str(condition.get("value", "")))
            condition = {**condition, "value": in_base_units(meant)} if meant is not None else condition
        return super().holds(code, condition)


def _canonical(code: str) -> Sequence[str]:
    meant = meaning(code)
    return () if meant is None else (in_base_units(meant),)


def _properties(code: str, term: Term) -> list[JsonObject]:
    found = [{"code": _CANONICAL, "valueCode": one} for one in _canonical(code)]
    return [*found, *({"code": _PROPERTY, "valueString": kind} for kind in _own_kinds(code, term))]


def _own_kinds(code: str, term: Term) -> Sequence[str]:
    """The kind of quantity that the table says, where the unit is one of it; else all that have its dimensions."""
    one = term.parts[0][1]
    if len(term.parts) == 1 and isinstance(one, Symbol) and one.power == 1:
        return (one.atom.kind,)
    return _kinds_of(code)


def _kinds_of(code: str) -> Sequence[str]:
    canonical = _canonical(code)
    return _kinds().get(canonical[0], ()) if canonical else ()


@cache
def _kinds() -> Mapping[str, Sequence[str]]:
    """The kinds of quantity of each canonical unit."""
    found: dict[str, dict[str, None]] = {}
    for atom in table().atoms.values():
        for canonical in _canonical(atom.code):
            found.setdefault(canonical, {})[atom.kind] = None
    return {canonical: tuple(kinds) for canonical, kinds in found.items()}


@cache
def _common() -> Mapping[str, str]:
    """R4's common units by code."""
    listed = definitions().archive.by_url(_COMMON, "ValueSet") or {}
    parts = listed.get("compose", {}).get("include", ())
    return {one["code"]: one.get("display", "") for part in parts for one in part.get("concept", ())}


@cache
def _common_codes() -> Sequence[str]:
    return tuple(_common())


def _header(version: str, date: str) -> JsonObject:
    return header(
        URL,
        "UCUM",
        "Unified Code for Units of Measure (UCUM)",
        version=version,
        date=date,
        language="en",
        publisher="Regenstrief Institute, Inc. and The UCUM Organization",
        description="All units that follow the grammar of UCUM. Those that R4 lists as common can be searched.",
        copyright=(
            "The UCUM codes, UCUM table (regardless of format), and UCUM Specification are copyright 1999-2024, "
            "Regenstrief Institute, Inc. and the Unified Codes for Units of Measures (UCUM) Organization. "
            "https://ucum.org/license"
        ),
        caseSensitive=True,
        valueSet="http://hl7.org/fhir/ValueSet/ucum-units",
        filter=[
            {
                "code": _CANONICAL,
                "description": "Units with the dimensions of the unit given",
                "operator": ["=", "in", "not-in", "regex"],
                "value": "A unit",
            },
            {
                "code": _PROPERTY,
                "description": "Units with the dimensions of a kind of quantity of the UCUM table",
                "operator": ["=", "in", "not-in", "exists"],
                "value": "The name of the kind: length, mass concentration",
            },
        ],
        property=[
            {"code": _CANONICAL, "description": "The unit in base units", "type": "code"},
            {"code": _PROPERTY, "description": "The kind of quantity", "type": "string"},
        ],
    )
