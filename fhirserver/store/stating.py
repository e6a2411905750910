"""Deciding what sources state: resources, changes and removals, and what they take back of it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.log import Statement
from fhirserver.ports.storage import Key
from fhirserver.store.asserting import assertion, hold_to_limits, named_otherwise, record_assertion, source_id
from fhirserver.store.commands import Amend, Prepared, Put, Remove, Withdraw, Written
from fhirserver.store.draft import Draft, check_version
from fhirserver.store.statements import spoken_units
from fhirserver.world.entity import Entity
from fhirserver.world.ledger import Ledger
from fhirserver.world.render import clean
from fhirserver.world.units import Units, join, moved_members, restated, same, split
from fhirserver.world.voices import voice


def put(draft: Draft, write: Put) -> Written:
    """State a resource: its create or update."""
    matched = next(iter(draft.targets(write.type, draft.matching(write))), None)
    if write.unless and matched:
        entity = draft.entity(matched)
        return Written(matched, entity.as_version() if entity else None, matched=True)
    key = matched or Key(write.type, write.id)
    entity = draft.entity(key)
    if write.where:
        _check_conditional_id(write, matched, entity)
    draft.refuse_twice(key, conditional=matched is not None)
    check_version(entity, *key, write.if_match)
    _check_not_version(entity, write)
    return _stated(draft, write, key, entity)


def _check_not_version(entity: Entity | None, put: Put) -> None:
    """Refuse with 412 what ``If-None-Match`` says is not to be written over."""
    current = entity.version if entity and not entity.deleted else None
    if current is None:
        return
    if put.create or put.if_absent or current == put.unless_version:
        text = f"{put.type}/{put.id} exists already"
        raise refuse(Category.PRECONDITION_FAILED, "duplicate", text, put.type)


def _check_conditional_id(put: Put, matched: Key | None, entity: Entity | None) -> None:
    """The id that the body of a conditional update may have: that of the match, or one that is free."""
    stated = put.content.get("id")
    if matched and stated not in (None, matched.id):
        text = "The body's id is not that of the resource that matches"
        raise refuse(Category.INVALID, "invalid", text, f"{put.type}.id")
    if matched is None and stated and entity and not entity.deleted:
        text = "Nothing matches, and the body's id is that of another resource"
        raise refuse(Category.CONFLICT, "conflict", text, f"{put.type}.id")


def _stated(draft: Draft, put: Put, key: Key, entity: Entity | None) -> Written:
    content = put.content
    if put.prepared is None:
        content = clean(content if put.settled else draft.resolve(put.type, content))
    event = assertion(draft, key, put.statement)
    event["content"] = {name: value for name, value in content.items() if name not in ("resourceType", "id")}
    event["full"] = _mode(draft, put.statement) != "partial"
    if put.confidences:
        source = draft.policies.source(source_id(draft, event))
        event["confidences"] = {
            unit: source.confidence(stated, key.type) for unit, stated in put.confidences.items()
        }
    if put.absent is not None and (absent := _absent(draft, put, entity, event)):
        event["absent"] = absent
    hold_to_limits(draft, event, put.statement)
    written = record_assertion(draft, entity, event)
    if put.prepared is not None and key.id == put.id:
        _keep_prepared(draft, key, event, put.prepared)
    return written


def _absent(draft: Draft, put: Put, entity: Entity | None, event: JsonObject) -> list[str]:
    """The units that a statement names as absent. Of what a merged record says, nothing is known to the others."""
    own: Units = {}
    world: Units = {}
    if entity is not None:
        holder, origin = draft.standing(entity)
        view = holder.ledger.view(voice(source_id(draft, event), origin))
        own = view.units if view is not None else own
        world = own if origin else holder.world.units
    assert put.absent is not None
    return sorted(set(put.absent(own, world)) - split(put.type, event["content"]).keys())


def _keep_prepared(draft: Draft, key: Key, event: JsonObject, prepared: Prepared) -> None:
    """Keep what was prepared where the world is just what was stated now."""
    after = draft.entities.get(key)
    if after is None or after.deleted or not (event["full"] and after.ledger.uncontested):
        return
    if not after.world.lower and not after.ledger.links:
        draft.prepared[key] = prepared


def _mode(draft: Draft, statement: Statement | None) -> str:
    return (statement or draft.command.statement).mode


def amend(draft: Draft, write: Amend) -> Written:
    """State what a patch changes, and no more."""
    key = _amended(draft, write)
    entity = draft.existing(*key, write.if_match)
    draft.refuse_twice(key, conditional=bool(write.where))
    before = clean(entity.json)
    after = clean(write.change(copy.deepcopy(entity.json)))  # a patch is made against what the client reads
    if after.get("resourceType") != write.type or after.get("id") != key.id:
        raise refuse(
            Category.UNPROCESSABLE, "business-rule", "A patch may not change resourceType or id", write.type
        )
    issues = [issue for issue in draft.policies.validate(after) if issue.severity in ("error", "fatal")]
    if issues:
        raise Refusal(Category.UNPROCESSABLE, issues)
    after = draft.resolve(write.type, after)
    old, new = split(write.type, before), split(write.type, after)
    event = assertion(draft, entity.key, write.statement)
    event["content"] = join(
        {unit: value for unit, value in new.items() if unit not in old or not same(old[unit], value)}
    )
    absent = sorted(unit for unit in old if unit not in new)
    if absent:
        event["absent"] = absent
    moved = moved_members(new, restated(old, new))
    if moved and _is_alone(entity.ledger, source_id(draft, event)):
        # Only a full statement says in which order items stand.
        event["content"], event["full"] = join(new), True
    elif not event["content"] and not absent:
        return Written(entity.key, entity.as_version(), held=_paths(write.type, moved))
    hold_to_limits(draft, event, write.statement)
    written = record_assertion(draft, entity, event)
    if event.get("full"):
        return written
    return replace(written, held=tuple(sorted({*written.held, *_paths(write.type, moved)})))


def _amended(draft: Draft, amend: Amend) -> Key:
    """What a patch is about: "No matches: the server returns a 404 Not Found"."""
    if not amend.where:
        return Key(amend.type, amend.id)
    keys = draft.targets(amend.type, draft.matches[amend.where])
    if not keys:
        raise refuse(Category.NOT_FOUND, "not-found", "The condition matches no resource", amend.type)
    return keys[0]


def _is_alone(ledger: Ledger, source: str) -> bool:
    """Whether the source alone has spoken of the resource, and of all of it."""
    return ledger.uncontested and ledger.views[0].source == source and ledger.views[0].full is not None


def _paths(type: str, members: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{type}.{member}" for member in members)


def remove(draft: Draft, write: Remove) -> Written:
    """State that a resource is no more, or those that a condition matches."""
    if not write.where:
        return _removed(draft, write, Key(write.type, write.id))
    keys = draft.targets(write.type, draft.matches[write.where], write.most)
    if not keys and write.if_match is not None:
        check_version(None, write.type, "", write.if_match)
    done = [_removed(draft, write, key) for key in keys]
    only = done[0] if len(done) == 1 else Written(Key(write.type, ""), None)
    changed, held = any(one.changed for one in done), any(one.held for one in done)
    return replace(only, changed=changed, held=(write.type,) if held else (), removed=tuple(keys))


def _removed(draft: Draft, remove: Remove, key: Key) -> Written:
    entity = draft.entity(key)
    draft.refuse_twice(key, conditional=bool(remove.where))
    check_version(entity, *key, remove.if_match)
    event = {**assertion(draft, key, remove.statement), "e": "removed"}
    if entity is None or entity.deleted:
        return Written(key, None)
    hold_to_limits(draft, event, remove.statement)
    draft.redirect(entity, event)
    after, fresh = draft.record(event)
    held = () if after.deleted else (remove.type,)
    return Written(after.key, after.as_version(), changed=fresh, held=held, named=named_otherwise(after, key))


def withdraw(draft: Draft, write: Withdraw) -> Written:
    """Take back what a source said. Refuses (404) where it says nothing."""
    key = Key(write.type, write.id)
    entity = draft.entity(key)
    check_version(entity, *key, write.if_match)
    event: JsonObject = {"e": "withdrawn", "type": key.type, "id": key.id, "source": write.source}
    holder = draft.redirect(entity, event)
    view = holder.ledger.view(voice(write.source, event.get("origin", ""))) if holder else None
    if view is None:
        text = f"'{write.source}' says nothing about {key}: there is nothing to take back"
        raise refuse(Category.NOT_FOUND, "not-found", text, key.type)
    if write.units:
        event["units"] = spoken_units(view, key.type, write.units)
    if write.reason:
        event["reason"] = write.reason
    after, fresh = draft.record(event)
    version = None if after.deleted else after.as_version()
    return Written(after.key, version, changed=fresh, named=named_otherwise(after, key))
