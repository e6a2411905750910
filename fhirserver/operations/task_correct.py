"""``Task/[id]/$correct``: the reviewer's own values (1.0) supersede every claim on those units."""

from __future__ import annotations

from fhirserver.interactions.answers import written
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.kernel.json import InvalidJson, Json, JsonObject, loads
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.model.validation import validate
from fhirserver.operations.parameters import inputs, one
from fhirserver.operations.task_review import decided_task, open_item, remaining, submit
from fhirserver.store.commands import Correct
from fhirserver.world.review import Item
from fhirserver.world.units import Units, member_of, split
from fhirserver.world.vocabulary import CERTAIN


async def task_correct(context: Context, request: Request) -> Result:
    """Correct by ``value``: JSON text of an object with the right elements (``null`` for absent).

    Corrected elements settle the item's claims on them; claims on other elements stay open.
    """
    opened = await open_item(context, request)
    stated = _value(one(inputs(request), "value", required=True), opened.item.focus[0])
    members = {name.removeprefix("_") for name in stated}
    units = corrected_units(opened.item, stated)
    settled = [
        claim for claim in opened.item.claims if member_of(claim.unit) in members or claim.unit in units
    ]
    left = remaining(opened.item, settled)
    writes = (Correct(*opened.item.focus, units, CERTAIN), decided_task(opened, request, left, "corrected"))
    outcome = await submit(context, request, "correct", writes)
    request.method = "PUT"
    return written(context, request, outcome.results[1])


def _value(text: Json, type: str) -> JsonObject:
    try:
        value = loads(text) if isinstance(text, str) else text
    except InvalidJson as error:
        raise refuse(
            Category.INVALID, "structure", f"'value' is not JSON: {error}", "Parameters.parameter"
        ) from None
    if not isinstance(value, dict) or not value:
        raise refuse(
            Category.INVALID, "structure", "'value' is a JSON object of elements", "Parameters.parameter"
        )
    present = {name: inner for name, inner in value.items() if inner is not None}
    issues = [i for i in validate({"resourceType": type, **present}, partial=True) if i.severity == "error"]
    if issues:
        raise Refusal(Category.UNPROCESSABLE, issues)
    return value


def corrected_units(item: Item, stated: JsonObject) -> dict[str, Json]:
    """Units and their right values: the claimed items of a corrected element that are not repeated are absent."""
    type = item.focus[0]
    present: Units = split(type, {name: value for name, value in stated.items() if value is not None})
    units: dict[str, Json] = dict(present)
    for claim in item.claims:
        if (
            member_of(claim.unit) in {member_of(unit) for unit in present} | set(stated)
            and claim.unit not in units
        ):
            units[claim.unit] = None
    for name, value in stated.items():
        if value is None and not any(member_of(unit) == name for unit in units):
            units[name] = None
    return units
