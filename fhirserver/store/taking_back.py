"""The event that takes a reviewer's decision back. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.store.commands import TakeBack
from fhirserver.world.decision import Decision
from fhirserver.world.entity import Entity
from fhirserver.world.ledger import Ledger
from fhirserver.world.survivorship import resolve
from fhirserver.world.undoing import Ruled, is_taken_back, objection, restored, ruled
from fhirserver.world.units import Units, member_of, same


def undone(ledger: Ledger, back: TakeBack) -> JsonObject:
    """The event, without who takes it back. Refuses (409) what cannot be taken back any more, naming the element."""
    made = [
        of
        for of in ruled(back.event, back.position)
        if (of[0] in back.units if back.units is not None else not is_taken_back(ledger, of, back.position))
    ]
    if not made:
        raise refuse(Category.CONFLICT, "conflict", "Nothing was decided there on such a unit", back.type)
    for of in made:
        if text := objection(ledger, of, back.position):
            path = f"{back.type}.{member_of(of[0]).removesuffix('[x]')}"
            raise refuse(Category.CONFLICT, "conflict", text, path)
    event: JsonObject = {"e": "decided", "type": back.type, "id": back.id}
    event["decisions"] = [_undo(of, back.position) for of in made]
    if back.event["e"] == "asserted":
        event["restores"] = _restores(back, [unit for unit, _, _ in made])
    return event


def _undo(of: Ruled, position: int) -> JsonObject:
    unit, source, claim = of
    return {"kind": "undo", "unit": unit, "source": source, "claim": claim, "undoes": position}


def _restores(back: TakeBack, units: list[str]) -> JsonObject:
    """What a correction's source said before it."""
    if "replaced" not in back.event:
        text = "The log does not say what this correction replaced: state the right value instead"
        raise refuse(Category.CONFLICT, "conflict", text, back.type)
    source = back.event["source"]
    return {"source": source, "claim": back.position, "units": units, "view": back.event["replaced"]}


def lost(entity: Entity, backs: Iterable[TakeBack]) -> Units:
    """What the world holds now and would not hold any more, by unit; None where it would have a value again."""
    ledger = entity.ledger
    for back in backs:
        event = undone(ledger, back)
        made = [Decision.from_json({"position": entity.seen + 1, **one}) for one in event["decisions"]]
        ledger = ledger.with_decisions(made)
        ledger = restored(ledger, event["restores"]) if "restores" in event else ledger
    now, then = entity.world.units, resolve(ledger).units
    return {
        unit: now.get(unit)
        for unit in dict.fromkeys([*now, *then])
        if unit not in now or unit not in then or not same(now[unit], then[unit])
    }
