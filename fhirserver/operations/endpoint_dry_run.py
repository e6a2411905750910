"""``Endpoint/[id]/$dry-run``: what would be written to the EHR, unit by unit, and what holds the rest back."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.connector import connector_of, connectors_of
from fhirserver.operations.parameters import group, inputs, parameters, part
from fhirserver.ports.connectors import Rehearsed, UnitRehearsed
from fhirserver.ports.storage import Key


async def endpoint_dry_run(context: Context, request: Request) -> Result:
    """A ``result`` for each resource named, or for every open writeback. Nothing is sent and nothing stored."""
    name = await connector_of(context, request)
    keys = [_key(value) for value in inputs(request).get("resource", [])]
    found = await connectors_of(context).rehearse(name, keys)
    missing = set(keys) - {one.key for one in found}
    if missing:
        text = f"{min(missing)} is not known"
        raise refuse(Category.NOT_FOUND, "not-found", text, "Parameters.parameter.where(name='resource')")
    return Result(200, parameters(group("result", _result(one)) for one in found))


def _key(value: Json) -> Key:
    text = str(value.get("reference", "")) if isinstance(value, dict) else str(value)
    type, _, id = text.partition("/")
    if not type or not id or "/" in id:
        where = "Parameters.parameter.where(name='resource')"
        raise refuse(Category.INVALID, "value", "'resource' is a reference such as Patient/1", where)
    return Key(type, id)


def _result(one: Rehearsed) -> Iterator[JsonObject]:
    yield part("resource", "Reference", {"reference": str(one.key)})
    yield part("operation", "Code", one.operation)
    if one.record:
        yield part("record", "String", f"{one.key.type}/{one.record}")
    if one.task:
        yield part("task", "Reference", {"reference": f"Task/{one.task}"})
    if one.waits_for:
        yield part("waitsFor", "Reference", {"reference": one.waits_for})
    yield from (group("unit", _unit(unit)) for unit in one.units)
    if one.content:
        yield {"name": "content", "resource": dict(one.content)}


def _unit(unit: UnitRehearsed) -> Iterator[JsonObject]:
    yield part("unit", "String", unit.unit)
    yield part("leaves", "Boolean", unit.leaves)
    yield part("reason", "String", unit.reason)
    yield part("confidence", "Decimal", Decimal(unit.confidence))
    yield part("gate", "Decimal", Decimal(unit.gate))
