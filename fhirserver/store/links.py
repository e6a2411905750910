"""The links of a resource whose references lead elsewhere since a merge, and what it says without them."""

from __future__ import annotations

from collections.abc import Mapping

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.world.entity import Entity
from fhirserver.world.ledger import Ledger
from fhirserver.world.merging import followed, needed_links, replacing, with_references
from fhirserver.world.units import Units, join, same, split


def links_now(entity: Entity, merged: Mapping[str, str]) -> dict[str, str]:
    """The links that a resource's references need now."""
    if entity.deleted or entity.ledger.into:
        return {}
    return needed_links(entity.key.type, entity.world.units, merged)


def in_own_words(content: JsonObject, before: Entity, voice: str) -> JsonObject:
    """A stated content without what the server shows since a merge: who reads, edits and sends back states
    neither that the resource replaces another nor that its references lead elsewhere."""
    ledger = before.ledger
    if not ledger.links and not ledger.merged:
        return content
    own = ledger.view(voice)
    said: Units = own.units if own else {}
    if ledger.merged:
        content = _without_replacing(content, before, said)
    if not ledger.links:
        return content
    stated = split(before.key.type, content)
    for unit, value in stated.items():
        raw = said.get(unit, before.world.units.get(unit))
        if raw is not None and same(_shown(before.key.type, unit, raw, ledger), value):
            stated[unit] = raw
    return join(stated)


def _without_replacing(content: JsonObject, before: Entity, said: Units) -> JsonObject:
    member, items = replacing(before.key.type, before.ledger.merged)
    kept = [
        item for item in content.get(member, ()) if item not in items or item in join(said).get(member, ())
    ]
    if kept == content.get(member, kept):
        return content
    rest = {name: value for name, value in content.items() if name != member}
    return {**rest, member: kept} if kept else rest


def _shown(type: str, unit: str, value: Json, ledger: Ledger) -> Json:
    """A unit's value with its references leading where the world shows them."""
    resource = {"resourceType": type, **join({unit: value})}
    found = with_references(resource, lambda reference: followed(reference, ledger.links))
    return split(type, found)[unit]
