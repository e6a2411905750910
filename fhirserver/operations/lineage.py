"""``[type]/[id]/$lineage``: per unit the winner, the contenders, who, when, how sure, why, on what evidence."""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.registry import Operation
from fhirserver.kernel.json import Json
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.lineage_parts import PARAMETERS, unit_part
from fhirserver.operations.moments import as_of, moment_given, version_asked
from fhirserver.operations.parameters import flag, inputs, one, parameters
from fhirserver.ports.storage import Key
from fhirserver.search.literals import date_range
from fhirserver.store.as_of import Moment, believed, entity_as_of, latest
from fhirserver.store.lineage import UnitLineage, Wanted, history_of, lineage_of, names_unit
from fhirserver.world.entity import Entity
from fhirserver.world.vocabulary import BASE

Inputs = dict[str, list[Json]]


async def lineage(context: Context, request: Request) -> Result:
    """Parameters with one ``unit`` per unit: path, value (as JSON text), confidence, rule and every claim on it.

    As of a moment (``_asOf``), about what was effective by a time (``effective``), with all claims of the past
    (``history``), of some units (``unit``).
    """
    given = inputs(request)
    at = await moment_given(context, given)
    key = Key(request.type, request.id)
    wanted = names_unit(key.type, [str(name) for name in given.get("unit", ())])
    history, until = flag(given, "history"), _effective(one(given, "effective"))
    if history and until is not None:
        text = "history is of all that was ever claimed: it cannot be combined with effective"
        raise refuse(Category.INVALID, "not-supported", text, "http.history")
    await version_asked(context, request, at)
    if history:
        units = await history_of(context.store, key, at or await latest(context.store), wanted)
    else:
        units = await _at(context, key, at, until, wanted)
    if given.get("unit") and not units:
        text = f"Nothing is claimed about such a unit of {key}"
        raise refuse(Category.NOT_FOUND, "not-found", text, "http.unit")
    return Result(
        200, parameters([*([as_of(at)] if at else ()), *(unit_part(key.type, one) for one in units)])
    )


async def _at(
    context: Context, key: Key, at: Moment | None, until: int | None, wanted: Wanted
) -> Sequence[UnitLineage]:
    """The lineage as it is, as it was, or as it was of what was effective by then."""
    if until is None:
        entity = await (context.store.entity(*key) if at is None else entity_as_of(context.store, key, at))
    else:
        entity = _believed(key, await believed(context.store, key, at or await latest(context.store), until))
    return () if entity is None else await lineage_of(context.store, entity, wanted)


def _believed(key: Key, entity: Entity | None) -> Entity:
    if entity is None or entity.deleted:
        text = f"By what was effective by then, {key} is not there"
        raise refuse(Category.NOT_FOUND, "not-found", text, "http.effective")
    return entity


def _effective(value: Json) -> int | None:
    """Where the time named by ``effective`` ends, in microseconds."""
    if value is None:
        return None
    try:
        return date_range(str(value))[1]
    except (ValueError, OverflowError):
        shape = "effective is a date, dateTime or instant such as 2026-11-22T14:47:00Z"
        raise refuse(Category.INVALID, "value", shape, "http.effective") from None


LINEAGE = Operation(
    "lineage",
    "instance",
    ("*",),
    "read",
    lineage,
    f"{BASE}/OperationDefinition/lineage",
    description="Per unit: which claim holds and why, which contend, who says so, since when, how sure.",
    parameters=PARAMETERS,
)
