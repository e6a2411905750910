"""Deciding merges, their undoing, and what is said of a resource that was merged into another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.storage import Key
from fhirserver.store.commands import Merge, Note, Relink, Unmerge, Written
from fhirserver.store.merges import CHANGED, MERGED
from fhirserver.world.entity import Entity
from fhirserver.world.ledger import Ledger, ledger_json
from fhirserver.world.merging import (
    MERGEABLE,
    followed,
    needed_links,
    released,
    replacing,
    shell,
    with_references,
)
from fhirserver.world.units import Units, join, same, split

if TYPE_CHECKING:
    from fhirserver.store.decide import _Decision as Decision


def merge(decision: Decision, write: Merge) -> Written:
    """Move the claims of one resource to another. Refuses what is merged already, and what is not there."""
    decision.check_may_write(write.type)
    gone = decision.existing(write.type, write.id, write.if_match)
    into = decision.existing(write.type, write.into, write.into_match)
    _check_pair(gone, into)
    decision.merged = {**decision.merged, str(gone.key): str(into.key)}
    told = {"e": "merged", "type": write.type, "id": write.into, "origin": write.id}
    after, _ = decision.record({**told, "ledger": ledger_json(gone.ledger)})
    content = shell(write.type, write.into)
    decision.record({"e": "replaced", **_of(gone), "into": write.into, "content": content})
    _note(decision, gone.key, write.into, write.task)
    return Written(after.key, None if after.deleted else after.as_version(), changed=True)


def unmerge(decision: Decision, write: Unmerge) -> Written:
    """Give a merged resource back what it was, and what was said of it since."""
    decision.check_may_write(write.type)
    gone = decision.existing(write.type, write.id, None)
    if not gone.ledger.into:
        text = f"{gone.key} is not merged into another resource: there is nothing to undo"
        raise refuse(Category.CONFLICT, "conflict", text, write.type)
    holder, origin = decision.standing(gone)
    ledger = released(holder.ledger, origin)[1]
    decision.merged = {key: into for key, into in decision.merged.items() if key != str(gone.key)}
    decision.record({"e": "unmerged", **_of(holder), "origin": origin})
    after, _ = decision.record({"e": "restored", **_of(gone), "ledger": ledger_json(ledger)})
    _note(decision, gone.key, "", write.task)
    return Written(after.key, None if after.deleted else after.as_version(), changed=True)


def relink(decision: Decision, write: Relink) -> Written:
    """Bring the links of a resource up to date with the merges there are."""
    entity = decision.entity(Key(write.type, write.id))
    if entity is None or links_now(entity, decision.merged) == entity.ledger.links:
        return Written(Key(write.type, write.id), entity.as_version() if entity else None)
    after, fresh = decision.record({"e": "relinked", **_of(entity)})
    return Written(after.key, after.as_version(), changed=fresh)


def _of(entity: Entity) -> JsonObject:
    return {"type": entity.key.type, "id": entity.key.id}


def _check_pair(gone: Entity, into: Entity) -> None:
    if gone.key.type not in MERGEABLE:
        text = (
            f"Resources of type {gone.key.type} are not merged; those of {', '.join(sorted(MERGEABLE))} are"
        )
        raise refuse(Category.UNPROCESSABLE, "not-supported", text, gone.key.type)
    if gone.key == into.key:
        text = "A resource is not merged into itself: name another target"
        raise refuse(Category.UNPROCESSABLE, "business-rule", text, gone.key.type)
    for entity, advice in ((gone, "undo that first"), (into, "name that one")):
        if entity.ledger.into:
            text = f"{entity.key} was merged into {entity.key.type}/{entity.ledger.into} already: {advice}"
            raise refuse(Category.CONFLICT, "conflict", text, gone.key.type)


def _note(decision: Decision, key: Key, into: str, task: str) -> None:
    before = decision.fact(MERGED, str(key))
    position = before.value["position"] + 1 if before else 1
    value: JsonObject = {"into": into, "position": position, "open": True}
    decision.note(Note(MERGED, str(key), {**value, "task": task} if task else value))
    decision.note(Note(*CHANGED, {"commit": decision.commit.id}))


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
