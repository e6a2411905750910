"""The check of a JSON object of a known type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.model.definitions import TypeDef
from fhirserver.model.validation import unknown
from fhirserver.model.validation.elements import ElementCheck, ObjectCheck
from fhirserver.model.validation.primitives import Predicate
from fhirserver.model.validation.report import Place, Report
from fhirserver.model.validation.rules import Rule, extension


@dataclass(frozen=True)
class Shape:
    """What an object of a type must and may hold.

    ``checks`` has every property the type allows, siblings of primitives too; ``valid`` accepts
    single primitives at once, and their check is called only when it does not. Both are filled after the
    shape is made: types refer to each other in circles. ``choices`` says what shares a ``value[x]``.
    """

    required: frozenset[str]
    choices: Mapping[str, str]
    required_choices: frozenset[str]
    rule: Rule | None
    checks: dict[str, ElementCheck] = field(default_factory=dict)
    valid: dict[str, Predicate] = field(default_factory=dict)


def shape_of(definition: TypeDef, primitives: frozenset[str], rule: Rule | None) -> Shape:
    """The shape of a type, its ``checks`` still empty. ``primitives``: the properties that have siblings."""
    elements = definition.elements.values()
    if rule is extension:  # its one choice is checked by its rule, faster
        return Shape(frozenset({"url"}), {}, frozenset(), rule)
    choices = {e.json_name: e.choice for e in elements if e.choice}
    choices |= {f"_{name}": choices[name] for name in primitives & choices.keys()}
    return Shape(
        required=frozenset(e.json_name for e in elements if e.min and not e.choice),
        choices=choices,
        required_choices=frozenset(e.choice for e in elements if e.min and e.choice),
        rule=rule,
    )


def object_check(shape: Shape) -> ObjectCheck:
    """Compile a shape; this is where validation spends its time."""
    find_valid, find = shape.valid.get, shape.checks.get
    required, rule, has_choices = shape.required, shape.rule, bool(shape.choices)
    choice_names, required_choices = frozenset(shape.choices), shape.required_choices

    def check(value: Json, place: Place, report: Report) -> None:
        if not isinstance(value, dict) or not value:
            report.add(
                "structure", "must be an object" if value != {} else "must not be empty (ele-1)", place
            )
            return
        for name, item in value.items():
            valid = find_valid(name)
            if valid is not None:
                try:
                    if valid(item):
                        continue
                except TypeError:  # a list or an object where a set was asked for its member
                    pass
            element = find(name)
            if element is not None:
                element(item, value, place, report)
            else:
                report.unknown(name, unknown.words(name, shape.checks, shape.choices), place)
        if not value.keys() >= required and report.minimums:
            check_required(value, required, place, report)
        if has_choices and (required_choices or not choice_names.isdisjoint(value)):
            check_choices(value, shape, place, report)
        if rule is not None:
            rule(value, place, report)

    return check


def check_required(value: JsonObject, required: Iterable[str], place: Place, report: Report) -> None:
    for name in sorted(required):
        if name not in value and f"_{name}" not in value:
            report.add("required", "is required", (place, name, -1))


def check_choices(value: JsonObject, shape: Shape, place: Place, report: Report) -> None:
    """At most one type of each ``value[x]``, and one where it is required."""
    choice_of = shape.choices
    seen: dict[str, str] = {}
    for name in value:
        choice = choice_of.get(name)
        if choice is not None:
            json_name = name.removeprefix("_")
            if seen.setdefault(choice, json_name) != json_name:
                report.add("structure", "holds more than one type", (place, choice.removesuffix("[x]"), -1))
    if report.minimums and shape.required_choices:
        for choice in sorted(shape.required_choices - seen.keys()):
            report.add("required", "is required", (place, choice.removesuffix("[x]"), -1))
