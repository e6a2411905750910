"""Checks of single elements, as closures: one for each property a type has."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.model.validation.primitives import Predicate, fault
from fhirserver.model.validation.references import TargetCheck
from fhirserver.model.validation.report import Place, Report

ObjectCheck: TypeAlias = Callable[[Json, Place, Report], None]
"""``(value, place, report)``: checks a value that should be a JSON object of a type."""
ElementCheck: TypeAlias = Callable[[Json, JsonObject, Place, Report], None]
"""``(value, holder, place of the holder, report)``: checks the value of a property."""
Fault: TypeAlias = Callable[[Json], tuple[str, str]]
"""The issue code and words for a value that a predicate refused."""


def no_check(value: Json, holder: JsonObject, place: Place, report: Report) -> None:
    """For ``resourceType``, which is looked at before the type is known."""


def bad_list(value: Json, name: str, place: Place, report: Report) -> None:
    words = "an empty list is not allowed" if value == [] else "must be a list"
    report.add("structure", words, (place, name, -1))


# Primitives


def single_primitive(name: str, valid: Predicate, explain: Fault) -> ElementCheck:
    def check(value: Json, holder: JsonObject, place: Place, report: Report) -> None:
        if not valid(value):
            report.add(*explain(value), (place, name, -1))

    return check


def primitive_list(name: str, json_name: str, valid: Predicate, explain: Fault) -> ElementCheck:
    """``name`` is for places, ``json_name`` finds the sibling that excuses a null."""
    sibling_name = f"_{json_name}"

    def check(value: Json, holder: JsonObject, place: Place, report: Report) -> None:
        if not isinstance(value, list) or not value:
            bad_list(value, name, place, report)
            return
        for index, item in enumerate(value):
            if not valid(item) and not (item is None and stands_at(holder.get(sibling_name), index)):
                report.add(*explain(item), (place, name, index))

    return check


def stands_at(items: Json, index: int) -> bool:
    """Whether a parallel list has something at an index."""
    return isinstance(items, list) and index < len(items) and items[index] is not None


def single_sibling(name: str, inner: ObjectCheck) -> ElementCheck:
    """``_birthDate``: id and extensions of a primitive."""

    def check(value: Json, holder: JsonObject, place: Place, report: Report) -> None:
        inner(value, (place, name, -1), report)

    return check


def sibling_list(name: str, json_name: str, inner: ObjectCheck) -> ElementCheck:
    """``_given``: a list as long as its values, null where a value has neither id nor extension."""

    def check(value: Json, holder: JsonObject, place: Place, report: Report) -> None:
        if not isinstance(value, list) or not value:
            bad_list(value, name, place, report)
            return
        values = holder.get(json_name)
        for index, item in enumerate(value):
            if item is not None:
                inner(item, (place, name, index), report)
            elif not isinstance(values, list) or index >= len(values):
                report.add("structure", "null beside no value", (place, name, index))

    return check


def explain_as(type_name: str) -> Fault:
    return lambda value: fault(value, type_name)


# Codes


def is_one_of(codes: frozenset[str]) -> Predicate:
    return lambda value: isinstance(value, str) and value in codes


def explain_code(valid: Predicate, value_set: str, type_name: str) -> Fault:
    """A code that is well formed but not in its value set is ``code-invalid``."""

    def explain(value: Json) -> tuple[str, str]:
        if valid(value):
            return "code-invalid", f"is not a code of the required value set {value_set}"
        return fault(value, type_name)

    return explain


def coded(inner: ObjectCheck, accepts: Predicate, value_set: str) -> ObjectCheck:
    """A Coding or CodeableConcept that must come from a value set."""

    def check(value: Json, place: Place, report: Report) -> None:
        inner(value, place, report)
        if isinstance(value, dict) and not accepts(value):
            report.add("code-invalid", f"has no code of the required value set {value_set}", place)

    return check


# Objects


def single_object(name: str, inner: ObjectCheck) -> ElementCheck:
    def check(value: Json, holder: JsonObject, place: Place, report: Report) -> None:
        inner(value, (place, name, -1), report)

    return check


def object_list(name: str, inner: ObjectCheck) -> ElementCheck:
    def check(value: Json, holder: JsonObject, place: Place, report: Report) -> None:
        if not isinstance(value, list) or not value:
            bad_list(value, name, place, report)
            return
        for index, item in enumerate(value):
            inner(item, (place, name, index), report)

    return check


def pointing(inner: ObjectCheck, targets: TargetCheck) -> ObjectCheck:
    """A Reference with the types its element allows."""

    def check(value: Json, place: Place, report: Report) -> None:
        inner(value, place, report)
        if isinstance(value, dict):
            targets(value, place, report)

    return check
