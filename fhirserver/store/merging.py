"""Deciding merges, their undoing, and that links follow them."""

from __future__ import annotations

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.storage import Key
from fhirserver.store.commands import Merge, Note, Relink, Unmerge, Written
from fhirserver.store.draft import Draft
from fhirserver.store.links import links_now
from fhirserver.store.merges import CHANGED, MERGED
from fhirserver.world.entity import Entity
from fhirserver.world.ledger import ledger_json
from fhirserver.world.merging import MERGEABLE, released, shell


def merge(draft: Draft, write: Merge) -> Written:
    """Move the claims of one resource to another. Refuses what is merged already, and what is not there."""
    draft.check_may_write(write.type)
    gone = draft.existing(write.type, write.id, write.if_match)
    into = draft.existing(write.type, write.into, write.into_match)
    _check_pair(gone, into)
    draft.merged = {**draft.merged, str(gone.key): str(into.key)}
    told = {"e": "merged", "type": write.type, "id": write.into, "origin": write.id}
    after, _ = draft.record({**told, "ledger": ledger_json(gone.ledger)})
    content = shell(write.type, write.into)
    draft.record({"e": "replaced", **_of(gone), "into": write.into, "content": content})
    _note(draft, gone.key, write.into, write.task)
    return Written(after.key, None if after.deleted else after.as_version(), changed=True)


def unmerge(draft: Draft, write: Unmerge) -> Written:
    """Give a merged resource back what it was, and what was said of it since."""
    draft.check_may_write(write.type)
    gone = draft.existing(write.type, write.id, None)
    if not gone.ledger.into:
        text = f"{gone.key} is not merged into another resource: there is nothing to undo"
        raise refuse(Category.CONFLICT, "conflict", text, write.type)
    holder, origin = draft.standing(gone)
    ledger = released(holder.ledger, origin)[1]
    draft.merged = {key: into for key, into in draft.merged.items() if key != str(gone.key)}
    draft.record({"e": "unmerged", **_of(holder), "origin": origin})
    after, _ = draft.record({"e": "restored", **_of(gone), "ledger": ledger_json(ledger)})
    _note(draft, gone.key, "", write.task)
    return Written(after.key, None if after.deleted else after.as_version(), changed=True)


def relink(draft: Draft, write: Relink) -> Written:
    """Bring the links of a resource up to date with the merges there are."""
    entity = draft.entity(Key(write.type, write.id))
    if entity is None or links_now(entity, draft.merged) == entity.ledger.links:
        return Written(Key(write.type, write.id), entity.as_version() if entity else None)
    after, fresh = draft.record({"e": "relinked", **_of(entity)})
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


def _note(draft: Draft, key: Key, into: str, task: str) -> None:
    before = draft.fact(MERGED, str(key))
    position = before.value["position"] + 1 if before else 1
    value: JsonObject = {"into": into, "position": position, "open": True}
    draft.note(Note(MERGED, str(key), {**value, "task": task} if task else value))
    draft.note(Note(*CHANGED, {"commit": draft.commit.id}))
