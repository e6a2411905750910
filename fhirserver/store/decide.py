"""Deciding a command: a pure function of state, command, policy and clock.

The outcome is a commit with its changes, or a :class:`~fhirserver.kernel.outcomes.Refusal`; the state is only
replaced by the one after the commit when the command was accepted.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fhirserver.kernel.ids import new_id
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Issue, Refusal, refuse
from fhirserver.kernel.references import walk_references
from fhirserver.ports.log import Commit, Statement
from fhirserver.ports.storage import Fact, Key
from fhirserver.store.commands import (
    Amend,
    Command,
    Correct,
    Decide,
    Note,
    Outcome,
    Put,
    Remove,
    Ruling,
    Write,
    Written,
)
from fhirserver.world.entity import Entity, apply
from fhirserver.world.ledger import Ledger
from fhirserver.world.render import clean
from fhirserver.world.sources import Source
from fhirserver.world.survivorship import claims_on
from fhirserver.world.units import Units, join, member_of, same, split
from fhirserver.world.vocabulary import APPROVED, VERIFIED

Matches = Mapping[str, Sequence[Key]]
Validate = Callable[[JsonObject], Sequence[Issue]]


@dataclass(slots=True)
class State:
    """What deciding may look at: the touched entities and facts, and the end of the log."""

    position: int
    serial: int
    entities: dict[Key, Entity] = field(default_factory=dict)
    facts: dict[tuple[str, str], Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Policies:
    """The fixed part: the sources by id, and how a changed resource is validated."""

    sources: Mapping[str, Source]
    validate: Validate

    def source(self, id: str) -> Source:
        if id not in self.sources:
            raise refuse(Category.FORBIDDEN, "forbidden", f"Source '{id}' is not in the settings")
        return self.sources[id]


@dataclass(frozen=True, slots=True)
class Decided:
    """An accepted command: its commit (None where nothing was new) and what it made of the world."""

    commit: Commit | None
    entities: Sequence[Entity]
    facts: Sequence[Fact]
    outcome: Outcome


class _Decision:
    """One command being decided. Collects events and the entities after them."""

    def __init__(self, state: State, command: Command, policies: Policies, recorded: str, matches: Matches):
        self.state, self.command, self.policies, self.matches = state, command, policies, matches
        self.commit = Commit(state.position + 1, new_id(), recorded, state.serial, command.statement)
        self.serial = state.serial
        self.events: list[JsonObject] = []
        self.entities: dict[Key, Entity] = {}
        self.facts: dict[tuple[str, str], Fact] = {}
        self.substitutes: dict[str, str] = {}

    def entity(self, key: Key) -> Entity | None:
        return self.entities.get(key) or self.state.entities.get(key)

    def existing(self, type: str, id: str, if_match: int | None) -> Entity:
        entity = self.entity(Key(type, id))
        check_version(entity, type, id, if_match)
        if entity is None:
            raise refuse(Category.NOT_FOUND, "not-found", f"{type}/{id} is not known", type)
        if entity.deleted:
            raise refuse(Category.GONE, "deleted", f"{type}/{id} was deleted", type)
        return entity

    def record(self, event: JsonObject) -> tuple[Entity, bool]:
        """Apply an event; keep it only where it is news. Returns the entity and whether its world changed."""
        key = Key(event["type"], event["id"])
        before = self.entity(key)
        after = apply(before, event, self.commit, self.serial + 1)
        if after is before:
            return after, False
        if before is None:
            self.serial += 1
        fresh = before is None or after.version != before.version
        event["version"] = after.version
        self.events.append(event)
        self.entities[key] = after
        return after, fresh

    def resolve(self, content: JsonObject) -> JsonObject:
        """The content with conditional references replaced by what they match."""
        if not self.matches and not self.substitutes:
            return content
        resolved: JsonObject = copy.deepcopy(content)
        for holder in walk_references(resolved):
            text = holder["reference"]
            if text in self.matches:
                holder["reference"] = str(self.one_match(text))
            holder["reference"] = self.substitutes.get(holder["reference"], holder["reference"])
        return resolved

    def one_match(self, condition: str) -> Key:
        keys = self.matches[condition]
        if len(keys) == 1:
            return keys[0]
        found = "no resource" if not keys else "more than one resource"
        raise refuse(
            Category.PRECONDITION_FAILED,
            "multiple-matches" if keys else "not-found",
            f"A conditional reference matches {found}",
            "Bundle.entry.resource",
        )


def check_version(entity: Entity | None, type: str, id: str, if_match: int | None) -> None:
    """Refuse with 412 where the caller saw another version than the current one."""
    if if_match is None:
        return
    current = entity.version if entity and not entity.deleted else None
    if current != if_match:
        now = "it does not exist" if current is None else f"the current version is {current}"
        raise refuse(
            Category.PRECONDITION_FAILED,
            "conflict",
            f"{type}/{id}: If-Match asks for version {if_match}, {now}",
            type,
        )


def decide(
    state: State, command: Command, policies: Policies, recorded: str, matches: Matches | None = None
) -> Decided:
    """Decide a command on a state. Raises :class:`Refusal`; the state itself is not touched."""
    decision = _Decision(state, command, policies, recorded, matches or {})
    _find_substitutes(decision)
    results = tuple(_write(decision, write) for write in command.writes)
    if not decision.events:
        outcome = Outcome(state.position, "", results)
        return Decided(None, (), (), outcome)
    commit = replace(decision.commit, serial=decision.serial, events=tuple(decision.events))
    outcome = Outcome(commit.position, commit.id, results)
    return Decided(commit, tuple(decision.entities.values()), tuple(decision.facts.values()), outcome)


def _find_substitutes(decision: _Decision) -> None:
    """Conditional creates and updates that match give their neighbours' references another target."""
    for write in decision.command.writes:
        if isinstance(write, Put) and (condition := write.unless or write.where):
            keys = decision.matches[condition]
            if len(keys) == 1 and keys[0].id != write.id:
                decision.substitutes[f"{write.type}/{write.id}"] = str(keys[0])


def _write(decision: _Decision, write: Write) -> Written:
    handler: Callable[[_Decision, Any], Written] = _WRITES[type(write)]
    return handler(decision, write)


def _put(decision: _Decision, put: Put) -> Written:
    matched = _condition(decision, put)
    if put.unless and matched:
        entity = decision.entity(matched)
        return Written(matched, entity.as_version() if entity else None, matched=True)
    key = matched or Key(put.type, put.id)
    entity = decision.entity(key)
    check_version(entity, *key, put.if_match)
    if entity and not entity.deleted and (put.create or put.if_absent):
        raise refuse(Category.PRECONDITION_FAILED, "duplicate", f"{key} exists already", put.type)
    content = clean(decision.resolve(put.content))
    event = assertion(decision, key, put.statement)
    event["content"] = {name: value for name, value in content.items() if name not in ("resourceType", "id")}
    event["full"] = _mode(decision, put.statement) != "partial"
    if put.confidences:
        event["confidences"] = dict(put.confidences)
    return _state(decision, entity, event)


def _condition(decision: _Decision, put: Put) -> Key | None:
    condition = put.unless or put.where
    if not condition:
        return None
    keys = decision.matches[condition]
    if len(keys) > 1:
        raise refuse(
            Category.PRECONDITION_FAILED,
            "multiple-matches",
            "The condition matches more than one resource",
            put.type,
        )
    return keys[0] if keys else None


def _mode(decision: _Decision, statement: Statement | None) -> str:
    return (statement or decision.command.statement).mode


def assertion(decision: _Decision, key: Key, own: Statement | None) -> JsonObject:
    """The event of an assertion, without its content. Refuses what the source may not say."""
    statement = own or decision.command.statement
    source = decision.policies.source(statement.source)
    event: JsonObject = {
        "e": "asserted",
        "type": key.type,
        "id": key.id,
        "confidence": source.confidence(statement.confidence, key.type),
    }
    if own is not None and own.source != decision.command.statement.source:
        event["source"] = own.source
    for name in ("effective", "method"):
        if getattr(statement, name):
            event[name] = getattr(statement, name)
    if own is not None and own.entity != decision.command.statement.entity:
        event["entity"] = list(own.entity)
    return event


def _state(decision: _Decision, before: Entity | None, event: JsonObject) -> Written:
    """Record an assertion and say which of its units are held by others' claims."""
    source_id = event.get("source") or decision.command.statement.source
    stated = split(event["type"], event["content"])
    if before is not None and _acts(decision, source_id, event["type"]):
        superseded = _supersede(before, source_id, stated, event)
        if superseded:
            event["supersedes"] = superseded
    after, fresh = decision.record(event)
    version = None if after.deleted else after.as_version()
    created = fresh and (before is None or before.deleted)
    return Written(after.key, version, created, fresh, held=_held(after, source_id, stated, event))


def _acts(decision: _Decision, source: str, resource_type: str) -> bool:
    return decision.policies.source(source).acts(resource_type)


def _supersede(before: Entity, source: str, stated: Units, event: JsonObject) -> JsonObject:
    """The claims on the units that this statement changes, which it was made against."""
    world = before.world.units
    changed = [unit for unit, value in stated.items() if unit not in world or not same(world[unit], value)]
    if event.get("full"):
        changed += [unit for unit in world if unit not in stated and unit != "meta"]
    changed += [unit for unit in event.get("absent", ()) if unit in world]
    against = {
        unit: [
            [claim.source, claim.stamp.position]
            for claim in claims_on(before.ledger, unit)
            if claim.source != source
        ]
        for unit in changed
    }
    return {unit: pairs for unit, pairs in against.items() if pairs}


def _held(after: Entity, source: str, stated: Units, event: JsonObject) -> tuple[str, ...]:
    if after.ledger.uncontested:
        return ()
    world = after.world.units
    lost = {unit for unit, value in stated.items() if unit != "meta" and not same(world.get(unit), value)}
    lost |= {unit for unit in event.get("absent", ()) if unit in world}
    if event.get("full"):
        lost |= {unit for unit in world if unit not in stated and unit != "meta"}
    return tuple(sorted({f"{after.key.type}.{member_of(unit).removesuffix('[x]')}" for unit in lost}))


def _amend(decision: _Decision, amend: Amend) -> Written:
    entity = decision.existing(amend.type, amend.id, amend.if_match)
    before = clean(entity.json)
    after = clean(amend.change(copy.deepcopy(before)))
    if after.get("resourceType") != amend.type or after.get("id") != amend.id:
        raise refuse(
            Category.UNPROCESSABLE, "business-rule", "A patch may not change resourceType or id", amend.type
        )
    issues = [issue for issue in decision.policies.validate(after) if issue.severity in ("error", "fatal")]
    if issues:
        raise Refusal(Category.UNPROCESSABLE, issues)
    old, new = split(amend.type, before), split(amend.type, after)
    event = assertion(decision, entity.key, amend.statement)
    event["content"] = join(
        {unit: value for unit, value in new.items() if unit not in old or not same(old[unit], value)}
    )
    absent = sorted(unit for unit in old if unit not in new)
    if absent:
        event["absent"] = absent
    if not event["content"] and not absent:
        return Written(entity.key, entity.as_version())
    return _state(decision, entity, event)


def _remove(decision: _Decision, remove: Remove) -> Written:
    key = Key(remove.type, remove.id)
    entity = decision.entity(key)
    check_version(entity, *key, remove.if_match)
    event = {**assertion(decision, key, remove.statement), "e": "removed"}
    if entity is None or entity.deleted:
        return Written(key, None)
    after, fresh = decision.record(event)
    held = () if after.deleted else (remove.type,)
    return Written(key, None if after.deleted else after.as_version(), changed=fresh, held=held)


def _decide(decision: _Decision, decide: Decide) -> Written:
    entity = decision.existing(decide.type, decide.id, None)
    made = [_ruling(decision, entity.ledger, ruling, decide.type) for ruling in decide.rulings]
    event = {"e": "decided", "type": decide.type, "id": decide.id, "decisions": made}
    after, fresh = decision.record(event)
    return Written(after.key, None if after.deleted else after.as_version(), changed=fresh)


def _ruling(decision: _Decision, ledger: Ledger, ruling: Ruling, resource_type: str) -> JsonObject:
    claims = claims_on(ledger, ruling.unit)
    found = next((c for c in claims if (c.source, c.stamp.position) == (ruling.source, ruling.claim)), None)
    if found is None:
        path = f"{resource_type}.{member_of(ruling.unit)}"
        raise refuse(
            Category.CONFLICT, "conflict", "The claim is no longer what its source says; look again", path
        )
    json: JsonObject = {
        "kind": ruling.kind,
        "unit": ruling.unit,
        "source": ruling.source,
        "claim": ruling.claim,
        "by": decision.command.statement.source,
    }
    if ruling.reason:
        json["reason"] = ruling.reason
    if ruling.kind in ("approve", "verify"):
        json["confidence"] = ruling.confidence or (APPROVED if ruling.kind == "approve" else VERIFIED)
    if ruling.kind == "approve":
        json["against"] = [[c.source, c.stamp.position] for c in claims if c is not found]
    return json


def _correct(decision: _Decision, correct: Correct) -> Written:
    entity = decision.existing(correct.type, correct.id, None)
    source = decision.command.statement.source
    stated: Units = {unit: value for unit, value in correct.units.items() if value is not None}
    event = assertion(decision, entity.key, None)
    event["confidence"] = correct.confidence
    event["content"] = join(stated)
    event["absent"] = sorted(unit for unit, value in correct.units.items() if value is None)
    against = {
        unit: [[c.source, c.stamp.position] for c in claims_on(entity.ledger, unit) if c.source != source]
        for unit in correct.units
    }
    event["supersedes"] = {unit: pairs for unit, pairs in against.items() if pairs}
    after, fresh = decision.record(event)
    return Written(after.key, None if after.deleted else after.as_version(), changed=fresh)


def _note(decision: _Decision, note: Note) -> Written:
    key = (note.kind, note.key)
    before = decision.facts.get(key) or decision.state.facts.get(key)
    if note.advance and before is not None and before.value["position"] >= note.value["position"]:
        raise refuse(Category.CONFLICT, "conflict", f"{note.kind} '{note.key}' is already past that position")
    if before is None or not same(before.value, note.value):
        decision.facts[key] = Fact(note.kind, note.key, note.value, decision.commit.position)
        decision.events.append({"e": "noted", "kind": note.kind, "key": note.key, "value": note.value})
    return Written(Key(note.kind, note.key), None)


_WRITES: dict[type, Callable[[_Decision, Any], Written]] = {
    Put: _put,
    Amend: _amend,
    Remove: _remove,
    Decide: _decide,
    Correct: _correct,
    Note: _note,
}
