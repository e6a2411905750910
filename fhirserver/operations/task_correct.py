"""``Task/[id]/$correct``: the reviewer's own values (1.0) supersede every claim on those units."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from fhirserver.interactions.exchange import Context, Request
from fhirserver.interactions.profiles import conformance_issues, rules_of_writes
from fhirserver.kernel.json import InvalidJson, Json, JsonObject, loads
from fhirserver.kernel.outcomes import Category, Issue, Refusal, refuse
from fhirserver.model.definitions import definitions
from fhirserver.model.validation import validate
from fhirserver.operations.parameters import inputs, one
from fhirserver.operations.task_review import Open, by_kind, decided_task
from fhirserver.store.commands import Correct, Write
from fhirserver.world.render import clean
from fhirserver.world.review import CLAIMS, Item
from fhirserver.world.units import Units, member_of, split, unit_of_member
from fhirserver.world.vocabulary import CERTAIN

_NOT_CORRECTED = frozenset({"resourceType", "id", "meta", "contained", "text", "implicitRules"})
_PLACE = "Parameters.parameter.where(name='value')"


async def correct_claims(context: Context, request: Request, opened: Open) -> Sequence[Write]:
    """Correct by ``value``: JSON text of an object with the right elements (``null`` for absent).

    Corrected elements settle the item's claims on them; claims on other elements stay open.
    """
    item = opened.item
    stated = _value(one(inputs(request), "value", required=True), item.focus[0])
    units = corrected_units(item, stated)
    members = {unit_of_member(item.focus[0], name) for name in stated}
    settled = [claim for claim in item.claims if member_of(claim.unit) in members or claim.unit in units]
    if not settled:
        text = "No open claim of this item is on an element that is corrected"
        raise refuse(Category.UNPROCESSABLE, "business-rule", text, _PLACE)
    await _check_result(context, item, stated)
    return (Correct(*item.focus, units, CERTAIN), decided_task(opened, request, settled, "correct"))


def _value(text: Json, type: str) -> JsonObject:
    try:
        value = loads(text) if isinstance(text, str) else text
    except InvalidJson as error:
        raise refuse(Category.INVALID, "structure", f"'value' is not JSON: {error}", _PLACE) from None
    if not isinstance(value, dict) or not value:
        raise refuse(Category.INVALID, "structure", "'value' is a JSON object of elements", _PLACE)
    issues = [*_not_corrected(value, type), *_wrongly_absent(value, type)]
    present = {name: inner for name, inner in value.items() if inner is not None}
    if not issues:
        found = validate({**present, "resourceType": type}, partial=True)
        issues = [issue for issue in found if issue.severity in ("error", "fatal")]
    if issues:
        raise Refusal(Category.UNPROCESSABLE, issues)
    return value


def _not_corrected(value: Collection[str], type: str) -> list[Issue]:
    text = "is not what sources claim: a correction does not state it"
    return [
        Issue("business-rule", f"{type}.{name} {text}", (f"{type}.{name}",))
        for name in value
        if name in _NOT_CORRECTED
    ]


def _wrongly_absent(value: JsonObject, type: str) -> list[Issue]:
    """Elements that are stated absent and do not exist, or have to be there."""
    known = definitions().type(type)
    issues: list[Issue] = []
    for name in [name for name, inner in value.items() if inner is None and known is not None]:
        element = known.elements.get(name.removeprefix("_")) if known else None
        path = (f"{type}.{name}",)
        if element is None:
            issues.append(Issue("structure", f"{type} has no element of this name", path))
        elif element.min and not name.startswith("_") and not _has_other_choice(value, type, element.choice):
            issues.append(Issue("required", f"{path[0]} has to be there", path))
    return issues


def _has_other_choice(value: JsonObject, type: str, choice: str) -> bool:
    return bool(choice) and any(
        inner is not None and unit_of_member(type, name) == choice for name, inner in value.items()
    )


async def _check_result(context: Context, item: Item, stated: JsonObject) -> None:
    """Refuse (422) values that the resource would be wrong with, by invariants and bindings too."""
    entity = await context.store.entity(*item.focus)
    if entity is None:
        return
    whole = {**clean(entity.json), **stated}
    whole = {name: value for name, value in whole.items() if value is not None}
    found = await conformance_issues(context, whole, rules=rules_of_writes(context))
    places = tuple(f"{item.focus[0]}.{name.removeprefix('_')}" for name in stated)
    issues = [one for one in found if one.severity in ("error", "fatal") and _is_at(one, places)]
    if issues:
        raise Refusal(Category.UNPROCESSABLE, issues)


def _is_at(issue: Issue, places: Sequence[str]) -> bool:
    return any(
        path == at or path[len(at) :][:1] in ".["
        for path in issue.expression
        for at in places
        if path.startswith(at)
    )


def corrected_units(item: Item, stated: JsonObject) -> dict[str, Json]:
    """Units and their right values: the claimed items of a corrected element that are not repeated are absent."""
    type = item.focus[0]
    present: Units = split(type, {name: value for name, value in stated.items() if value is not None})
    units: dict[str, Json] = dict(present)
    members = {member_of(unit) for unit in present} | {unit_of_member(type, name) for name in stated}
    for claim in item.claims:
        if member_of(claim.unit) in members and claim.unit not in units:
            units[claim.unit] = None
    for name, value in stated.items():
        unit = unit_of_member(type, name)
        if value is None and not any(member_of(known) == unit for known in units):
            units[unit] = None
    return units


task_correct = by_kind("correct", {CLAIMS: correct_claims})
