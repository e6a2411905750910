"""The invariants of the R4 StructureDefinitions, evaluated as FHIRPath. https://hl7.org/fhir/R4/conformance-rules.html#constraints

    from fhirserver.model.validation.invariants import broken_invariants

For ``$validate``; a write asks for structure only, which is some hundred times faster.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache, lru_cache
from typing import NamedTuple

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Issue
from fhirserver.model.definitions import ElementDef, definitions
from fhirserver.model.fhirpath import Environment, FhirPathError, Typed, compile_path
from fhirserver.model.validation.report import Place, Report, TooManyIssues

_DEFINITION = "http://hl7.org/fhir/StructureDefinition/"
_STRUCTURAL = frozenset({"ele-1", "ext-1", "txt-1", "txt-2", "ref-1", "dom-2", "dom-4", "dom-5"})
"""What the structural validation checks already, as it does those of Bundles."""
_BY_HAND = frozenset({"dom-3"})
"""Its expression looks through the whole resource for each contained one; :func:`_check_contained` once for all."""
_PROSE = frozenset({"div", "display", "text", "title", "description", "comment", "note"})
_REPAIRED = {
    "que-7": "operator = 'exists' implies (answer is boolean)",
    "que-12": "enableWhen.count() > 1 implies enableBehavior.exists()",
}
"""What R5 corrected: R4 wrote FHIRPath's own ``Boolean``, and ``> 2`` against its own words."""


class Invariant(NamedTuple):
    """One constraint of an element: its key, severity, words and FHIRPath."""

    key: str
    severity: str
    human: str
    expression: str


def broken_invariants(resource: JsonObject, environment: Environment | None = None) -> list[Issue]:
    """Every invariant that a structurally valid resource breaks, or that cannot be told of it (information)."""
    report = Report(minimums=True)
    place: Place = (None, str(resource.get("resourceType")), -1)
    with suppress(TooManyIssues):
        check_resource_invariants(resource, place, environment or Environment(), report)
    return report.issues


def check_resource_invariants(resource: Json, place: Place, around: Environment, report: Report) -> None:
    """Report the invariants that a resource breaks, those of what it contains too."""
    if not isinstance(resource, dict) or resource.get("resourceType") not in definitions().resource_types:
        return
    type_name = resource["resourceType"]
    inside = replace(around, resource=resource, root_resource=around.root_resource or resource)
    check_invariants(Typed(resource, type_name), invariants_of(type_name), place, inside, report)
    if "contained" in resource:
        _check_contained(resource, place, report)
    _descend(resource, type_name, place, inside, report)


def _check_contained(resource: JsonObject, place: Place, report: Report) -> None:
    """dom-3: each contained resource is referred to, or refers to the one that contains it."""
    contained = resource["contained"]
    named = set(_fragments([resource]))
    for at, one in enumerate(contained if isinstance(contained, list) else ()):
        if isinstance(one, dict) and f"#{one.get('id')}" not in named and "#" not in _fragments([one]):
            words = "is neither referred to nor refers to what contains it (dom-3)"
            report.add("invariant", words, (place, "contained", at))


def _fragments(rest: list[Json]) -> Iterator[str]:
    """Every ``#id`` in what may be a reference, canonical or uri."""
    while rest:
        node = rest.pop()
        if isinstance(node, str) and node.startswith("#"):
            yield node
        elif isinstance(node, list):
            rest += node
        elif isinstance(node, dict):
            rest += [value for name, value in node.items() if name not in _PROSE]


def _descend(value: JsonObject, type_name: str, place: Place, around: Environment, report: Report) -> None:
    definition = definitions().type(type_name)
    for name, held in value.items():
        element = definition.elements.get(name) if definition else None
        if element is None:
            continue
        label = f"{element.name}.ofType({element.type})" if element.choice else element.name
        items = list(enumerate(held)) if isinstance(held, list) else [(-1, held)]
        for index, item in items:
            if item is not None:
                _check_element(item, element, (place, label, index), around, report)


def _check_element(
    item: Json, element: ElementDef, place: Place, around: Environment, report: Report
) -> None:
    if element.type == "Resource":
        is_contained = element.name == "contained"
        check_resource_invariants(
            item, place, around if is_contained else replace(around, root_resource=None), report
        )
        return
    check_invariants(
        Typed(item, element.type), _invariants_at(element.path, element.type), place, around, report
    )
    if isinstance(item, dict):
        _descend(item, element.type, place, around, report)


def check_invariants(
    item: Typed, rules: tuple[Invariant, ...], place: Place, around: Environment, report: Report
) -> None:
    """Report those of the rules that a value breaks."""
    report.beat()
    for rule in rules:
        try:
            holds = _holds(compile_path(rule.expression, item.type, strict=False).on(item, around))
        except FhirPathError:
            report.add("not-supported", f"{rule.key} could not be evaluated", place, "information")
            continue
        if not holds:
            report.add("invariant", f"{rule.human} ({rule.key})", place, rule.severity)


def _holds(found: list[Typed]) -> bool:
    """True, or one item that is no boolean: what is there counts as true, nothing as false."""
    return len(found) == 1 and found[0].value is not False


@cache
def _invariants_at(path: str, type_name: str) -> tuple[Invariant, ...]:
    """Those of an element and of its type."""
    own = invariants_of(path) if path != type_name and "[x]" not in path else ()
    return tuple(dict.fromkeys((*own, *invariants_of(type_name))))


@cache
def invariants_of(path: str) -> tuple[Invariant, ...]:
    """The invariants at a path of the specification, such as ``Period`` or ``Questionnaire.item``."""
    return tuple(_read(path))


def _read(path: str) -> Iterator[Invariant]:
    for constraint in _constraints(path.partition(".")[0]).get(path, ()):
        key = str(constraint["key"])
        if key not in _STRUCTURAL | _BY_HAND and not key.startswith("bdl-") and constraint.get("expression"):
            expression = _REPAIRED.get(key, str(constraint["expression"]))
            yield Invariant(key, str(constraint["severity"]), str(constraint["human"]), expression)


@cache
def constraint_keys(path: str) -> frozenset[str]:
    """The keys of the constraints that R4 itself puts on an element or a type."""
    found = _constraints(path.partition(".")[0]).get(path, ())
    return frozenset(str(constraint["key"]) for constraint in found)


@lru_cache(maxsize=64)
def _constraints(type_name: str) -> dict[str, list[JsonObject]]:
    """Constraints by element path of one type's StructureDefinition."""
    definition = definitions().conformance(_DEFINITION + type_name) or {}
    elements = definition.get("snapshot", {}).get("element", ())
    return {element["path"]: element.get("constraint", []) for element in elements}
