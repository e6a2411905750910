"""Deciding a command: a pure function of state, command, policy and clock.

The outcome is a commit with its changes, or a :class:`~fhirserver.kernel.outcomes.Refusal`; the state is only
replaced by the one after the commit when the command was accepted.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

from fhirserver.kernel.ids import new_id
from fhirserver.kernel.instants import comparable
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, Issue, Refusal, refuse
from fhirserver.kernel.references import path_of_reference
from fhirserver.model.links import relink as with_links
from fhirserver.ports.log import Commit, Statement
from fhirserver.ports.storage import Fact, Key
from fhirserver.store.commands import (
    ANY_VERSION,
    Amend,
    Command,
    Correct,
    Decide,
    Merge,
    Note,
    Outcome,
    Prepared,
    Put,
    Relink,
    Remove,
    Ruling,
    TakeBack,
    Unmerge,
    Withdraw,
    Write,
    Written,
)
from fhirserver.store.merging import in_own_words, links_now, merge, relink, unmerge
from fhirserver.store.resolution import matched_after
from fhirserver.store.statements import comes_late, is_news_of_old, spoken_units
from fhirserver.store.taking_back import undone
from fhirserver.world.ceilings import check_stated, hold_to
from fhirserver.world.decay import renewed
from fhirserver.world.entity import Entity, apply
from fhirserver.world.ledger import Ledger
from fhirserver.world.policy import default_policy
from fhirserver.world.render import clean
from fhirserver.world.rules import Limits, Policy
from fhirserver.world.sources import Source
from fhirserver.world.survivorship import OF_THE_RECORD, Claim, claims_on
from fhirserver.world.units import Units, join, member_of, moved_members, restated, same, split
from fhirserver.world.view import dump_view
from fhirserver.world.vocabulary import APPROVED, VERIFIED
from fhirserver.world.voices import moved, path, voice

_META = frozenset({"meta"})
Matches = Mapping[str, Sequence[Key]]
Validate = Callable[[JsonObject], Sequence[Issue]]


@dataclass(slots=True)
class State:
    """What deciding may look at: the touched entities and facts, and the end of the log."""

    position: int
    serial: int
    entities: dict[Key, Entity] = field(default_factory=dict)
    facts: dict[tuple[str, str], Fact] = field(default_factory=dict)
    merged: Mapping[str, str] = field(default_factory=dict)
    """``Type/id`` of what is merged, and of what into."""


@dataclass(frozen=True, slots=True)
class Policies:
    """The fixed part: the sources by id, how a changed resource is validated, and the policy in force."""

    sources: Mapping[str, Source]
    validate: Validate
    policy: Policy = field(default_factory=default_policy)

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
    prepared: Mapping[Key, Prepared] = field(default_factory=dict)


class _Decision:
    """One command being decided. Collects events and the entities after them."""

    def __init__(self, state: State, command: Command, policies: Policies, recorded: str, matches: Matches):
        self.state, self.command, self.policies, self.matches = state, command, policies, matches
        self.commit = Commit(state.position + 1, new_id(), recorded, state.serial, command.statement)
        self.serial = state.serial
        self.events: list[JsonObject] = []
        self.entities: dict[Key, Entity] = {}
        self.facts: dict[tuple[str, str], Fact] = {}
        self.merged = state.merged
        self.conditional: set[Key] = set()
        self.meant: dict[str, Sequence[Key]] = {}
        self.prepared: dict[Key, Prepared] = {}

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

    def refuse_twice(self, key: Key, conditional: bool) -> None:
        """Refuse a conditional update of what another write of the command states, and the other way round."""
        if key in self.conditional or (conditional and key in self.entities):
            text = "Two writes are about the same resource"
            raise refuse(Category.INVALID, "duplicate", text, key.type)
        if conditional:
            self.conditional.add(key)

    def record(self, event: JsonObject) -> tuple[Entity, bool]:
        """Apply an event; keep it only where it is news. Returns the entity and whether its world changed."""
        key = Key(event["type"], event["id"])
        before = self.entity(key)
        if before is not None and before.pk < 0:
            text = "This resource is derived from the log: it can be read, not changed"
            raise refuse(Category.NOT_ALLOWED, "not-supported", text, key.type)
        if before is None:
            event["pk"] = self.serial + 1
        after = self._following(before, event)
        if after is before and not is_news_of_old(before, event, self.commit):
            return after, False
        self.serial += before is None
        fresh = before is None or after.version != before.version
        event["version"] = after.version
        self.events.append(event)
        if after is not before:
            self.entities[key] = after
        return after, fresh

    def _following(self, before: Entity | None, event: JsonObject) -> Entity:
        """What an event makes of an entity, whose references then lead where merges say."""
        after = apply(before, event, self.commit)
        if not self.merged and not after.ledger.links:
            return after
        links = links_now(after, self.merged)
        if links == after.ledger.links:
            return after
        event["links"] = links
        return apply(before, event, self.commit)

    def standing(self, entity: Entity) -> tuple[Entity, str]:
        """What holds the claims about a resource, and the origin that these have there."""
        ids: list[str] = []
        while entity.ledger.into:
            ids.append(entity.key.id)
            into = self.entity(Key(entity.key.type, entity.ledger.into))
            assert into is not None, "the committer loads what a resource was merged into"
            entity = into
        return entity, path(ids)

    def redirect(self, before: Entity | None, event: JsonObject) -> Entity | None:
        """Have an event be about what its resource was merged into, if it was. Returns what it is about."""
        if before is None or not before.ledger.into:
            return before
        before, event["origin"] = self.standing(before)
        event["id"] = before.key.id
        return before

    def check_may_write(self, type: str) -> None:
        """Refuse (403) a source that may not write the type."""
        source = self.policies.source(self.command.statement.source)
        source.confidence(None, type)

    def fact(self, kind: str, key: str) -> Fact | None:
        return self.facts.get((kind, key)) or self.state.facts.get((kind, key))

    def note(self, note: Note) -> None:
        """Keep a fact; it makes an event where it is news."""
        before = self.fact(note.kind, note.key)
        if note.advance and before is not None and before.value["position"] >= note.value["position"]:
            text = f"{note.kind} '{note.key}' is already past that position"
            raise refuse(Category.CONFLICT, "conflict", text)
        if before is None or not same(before.value, note.value):
            self.facts[note.kind, note.key] = Fact(note.kind, note.key, note.value, self.commit.position)
            self.events.append({"e": "noted", "kind": note.kind, "key": note.key, "value": note.value})

    def resolve(self, type: str, content: JsonObject) -> JsonObject:
        """The content with conditional references, and links to what is not made, leading to what matches."""
        if not self.matches:
            return content
        content = {**content, "resourceType": type}
        substitutes = self.substitutes

        def find(reference: str) -> str | None:
            if reference in self.matches:
                return str(self.one_match(reference, content))
            return substitutes.get(reference)

        return with_links(content, substitutes.get, find)

    def one_match(self, condition: str, content: JsonObject) -> Key:
        """What a conditional reference means once the command is done."""
        if condition not in self.meant:
            found, query = self.matches[condition], self.command.conditions[condition]
            writes, recorded = self.command.writes, self.commit.recorded
            self.meant[condition] = matched_after(query, found, writes, self.target, recorded)
        keys = self.meant[condition]
        if len(keys) == 1:
            return keys[0]
        raise refuse(
            Category.PRECONDITION_FAILED,
            "multiple-matches" if keys else "not-found",
            f"A conditional reference matches {'more than one' if keys else 'no'} resource",
            path_of_reference(content, condition),
        )

    @cached_property
    def substitutes(self) -> dict[str, str]:
        """Where links lead that mean a conditional create or update of the command, if it has a match."""
        targets = {
            f"{write.type}/{write.id}": str(self.target(write))
            for write in self.command.writes
            if isinstance(write, Put) and (write.unless or write.where)
        }
        return {place: target for place, target in targets.items() if place != target}

    def target(self, put: Put) -> Key:
        """What a create or update is about: its own id, or that of the one resource its condition matches."""
        keys = self.matching(put)
        return keys[0] if len(keys) == 1 else Key(put.type, put.id)

    def matching(self, put: Put) -> Sequence[Key]:
        """What the condition of a create or update matches; that of a create after the command's deletes."""
        keys = self.matches[put.unless or put.where] if put.unless or put.where else ()
        if not put.unless:
            return keys
        return [key for key in keys if not ((found := self.entities.get(key)) and found.deleted)]

    def targets(self, type: str, keys: Sequence[Key], most: int = 1) -> Sequence[Key]:
        """The targets that a condition found: at most ``most``, and nothing that is spared."""
        if len(keys) > most:
            allowed = "one resource" if most == 1 else f"{most} resources"
            text = f"The condition matches more than {allowed}"
            raise refuse(Category.PRECONDITION_FAILED, "multiple-matches", text, type)
        if not self.command.spared.isdisjoint(keys):
            text = "The condition matches one of the server's own definitions: it can be read, not changed"
            raise refuse(Category.NOT_ALLOWED, "not-supported", text, type)
        return keys


def check_version(entity: Entity | None, type: str, id: str, if_match: int | None) -> None:
    """Refuse with 412 where the caller saw another version than the current one."""
    if if_match is None:
        return
    current = entity.version if entity and not entity.deleted else None
    if current != if_match and (current is None or if_match != ANY_VERSION):
        now = "it does not exist" if current is None else f"the current version is {current}"
        text = f"{type}/{id}: If-Match asks for another version, {now}"
        raise refuse(Category.PRECONDITION_FAILED, "conflict", text, type)


def check_not_version(entity: Entity | None, put: Put) -> None:
    """Refuse with 412 what ``If-None-Match`` says is not to be written over."""
    current = entity.version if entity and not entity.deleted else None
    if current is None:
        return
    if put.create or put.if_absent or current == put.unless_version:
        text = f"{put.type}/{put.id} exists already"
        raise refuse(Category.PRECONDITION_FAILED, "duplicate", text, put.type)


def decide(
    state: State, command: Command, policies: Policies, recorded: str, matches: Matches | None = None
) -> Decided:
    """Decide a command on a state. Raises :class:`Refusal`; the state itself is not touched."""
    decision = _Decision(state, command, policies, recorded, matches or {})
    results = tuple(_write(decision, *numbered) for numbered in enumerate(command.writes))
    if not decision.events:
        outcome = Outcome(state.position, "", results)
        return Decided(None, (), (), outcome)
    begun = decision.commit
    commit = Commit(
        begun.position, begun.id, begun.recorded, decision.serial, begun.statement, tuple(decision.events)
    )
    outcome = Outcome(commit.position, commit.id, results)
    entities, facts = tuple(decision.entities.values()), tuple(decision.facts.values())
    return Decided(commit, entities, facts, outcome, decision.prepared)


def _write(decision: _Decision, number: int, write: Write) -> Written:
    handler: Callable[[_Decision, Any], Written] = _WRITES[type(write)]
    try:
        return handler(decision, write)
    except Refusal as refusal:
        refusal.write = number
        raise


def _put(decision: _Decision, put: Put) -> Written:
    matched = next(iter(decision.targets(put.type, decision.matching(put))), None)
    if put.unless and matched:
        entity = decision.entity(matched)
        return Written(matched, entity.as_version() if entity else None, matched=True)
    key = matched or Key(put.type, put.id)
    entity = decision.entity(key)
    if put.where:
        _check_conditional_id(put, matched, entity)
    decision.refuse_twice(key, conditional=matched is not None)
    check_version(entity, *key, put.if_match)
    check_not_version(entity, put)
    return _stated(decision, put, key, entity)


def _check_conditional_id(put: Put, matched: Key | None, entity: Entity | None) -> None:
    """The id that the body of a conditional update may have: that of the match, or one that is free."""
    stated = put.content.get("id")
    if matched and stated not in (None, matched.id):
        text = "The body's id is not that of the resource that matches"
        raise refuse(Category.INVALID, "invalid", text, f"{put.type}.id")
    if matched is None and stated and entity and not entity.deleted:
        text = "Nothing matches, and the body's id is that of another resource"
        raise refuse(Category.CONFLICT, "conflict", text, f"{put.type}.id")


def _stated(decision: _Decision, put: Put, key: Key, entity: Entity | None) -> Written:
    content = put.content
    if put.prepared is None:
        content = clean(content if put.settled else decision.resolve(put.type, content))
    event = assertion(decision, key, put.statement)
    event["content"] = {name: value for name, value in content.items() if name not in ("resourceType", "id")}
    event["full"] = _mode(decision, put.statement) != "partial"
    if put.confidences:
        source = decision.policies.source(source_id(decision, event))
        event["confidences"] = {
            unit: source.confidence(stated, key.type) for unit, stated in put.confidences.items()
        }
    _limit(decision, event, put.statement)
    written = _state(decision, entity, event)
    if put.prepared is not None and key.id == put.id:
        _keep_prepared(decision, key, event, put.prepared)
    return written


def _keep_prepared(decision: _Decision, key: Key, event: JsonObject, prepared: Prepared) -> None:
    """Keep what was prepared where the world is just what was stated now."""
    after = decision.entities.get(key)
    if after is None or after.deleted or not (event["full"] and after.ledger.uncontested):
        return
    if not after.world.lower and not after.ledger.links:
        decision.prepared[key] = prepared


def _mode(decision: _Decision, statement: Statement | None) -> str:
    return (statement or decision.command.statement).mode


def source_id(decision: _Decision, event: JsonObject) -> str:
    """Whose statement an event is: the command's source unless the entry has its own."""
    return str(event.get("source") or decision.command.statement.source)


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
    if statement.effective:
        event["effective"] = _effective(statement.effective)
    if statement.method:
        event["method"] = statement.method
    if own is not None:
        event.update(_own_evidence(own, decision.command.statement))
    return event


def _limits(decision: _Decision, source: str, type: str) -> Limits | None:
    """The ceilings that the policy sets to a source's kind."""
    return decision.policies.policy.limits(type, decision.policies.source(source).kind)


def _limit(decision: _Decision, event: JsonObject, own: Statement | None) -> None:
    """Bring a statement under the policy's ceilings, or refuse it."""
    common, policies = decision.command.statement, decision.policies
    source = policies.sources[
        event.get("source") or common.source
    ]  # it is known: it was asked for its confidence
    limits = policies.policy.limits(event["type"], source.kind)
    if limits is not None:
        hold_to(limits, event, source, stated=(own or common).confidence is not None)


def _effective(stated: str) -> str:
    """Effective times are compared as text, so they are kept as UTC instants of one width."""
    try:
        return comparable(stated)
    except (ValueError, OverflowError):
        raise refuse(
            Category.UNPROCESSABLE, "value", "The effective time is not a dateTime", "http.X-Provenance"
        ) from None


def _own_evidence(own: Statement, common: Statement) -> JsonObject:
    """What an entry's own statement says of agent and evidence, where that is not the command's."""
    names = ("agent", "entity")
    return {name: list(getattr(own, name)) for name in names if getattr(own, name) != getattr(common, name)}


def _state(decision: _Decision, before: Entity | None, event: JsonObject) -> Written:
    """Record an assertion and say which of its units are held by others' claims."""
    source, named = source_id(decision, event), Key(event["type"], event["id"])
    before = decision.redirect(before, event)
    if before is not None:
        said = voice(source, event.get("origin", ""))
        event["content"] = in_own_words(event["content"], before, said)
        superseded = _supersede(before, said, event) if _acts(decision, source, event["type"]) else {}
        if superseded:
            event["supersedes"] = superseded
    late = before is not None and _renew(decision, before, event, source)
    after, fresh = decision.record(event)
    version = None if after.deleted else after.as_version()
    created = fresh and not after.deleted and (before is None or before.deleted)
    return Written(
        after.key, version, created, fresh, held=_held(after, event, late), named=_named(after, named)
    )


def _renew(decision: _Decision, before: Entity, event: JsonObject, source: str) -> bool:
    """Note the units that a source says again after so long that it counts. Returns whether it is late itself."""
    policy, kind = decision.policies.policy, decision.policies.source(source).kind
    if policy.decaying(event["type"], kind):
        now = decision.commit.recorded
        said = voice(source, event.get("origin", ""))
        if units := renewed(before.ledger, event, said, kind, policy, now):
            event["renews"] = units
    return comes_late(before, event, decision.commit)


def _named(after: Entity, named: Key) -> Key | None:
    """What a write named, where that is not what it was about in the end."""
    return None if after.key == named else named


def _acts(decision: _Decision, source: str, resource_type: str) -> bool:
    return decision.policies.source(source).acts(resource_type)


def _differing(event: JsonObject, world: Units) -> Units:
    """The units on which a statement and a world differ, with the statement's value (None for absent)."""
    stated = split(event["type"], event["content"])
    differing = {
        unit: value for unit, value in stated.items() if unit not in world or not same(world[unit], value)
    }
    silent = set(event.get("absent", ()))
    if event.get("full") and not event.get("origin"):  # of a merged record it says nothing about the others
        silent |= world.keys() - {"meta"}
    differing.update((unit, None) for unit in world if unit in silent and unit not in stated)
    return differing


def _supersede(before: Entity, source: str, event: JsonObject) -> JsonObject:
    """The claims that an act was made against: those of others on the units whose value it changes."""
    differing = _differing(event, before.world.units)
    against = {unit: _against(before.ledger, unit, source, value) for unit, value in differing.items()}
    return {unit: pairs for unit, pairs in against.items() if pairs}


def _against(ledger: Ledger, unit: str, source: str, value: Json) -> list[Json]:
    """The claims by others that say something else, as (source, position)."""
    return [
        [claim.source, claim.stamp.position]
        for claim in claims_on(ledger, unit)
        if claim.source != source and not same(claim.value, value)
    ]


def _held(after: Entity, event: JsonObject, late: bool = False) -> tuple[str, ...]:
    """The paths on which the world is not what was stated."""
    if after.deleted:
        return (after.key.type,)
    if after.ledger.uncontested and not late:
        return ()
    lost = _differing(event, after.world.units).keys() - _never_held(event)
    return tuple(sorted({f"{after.key.type}.{member_of(unit).removesuffix('[x]')}" for unit in lost}))


def _never_held(event: JsonObject) -> frozenset[str]:
    """Units that are no news where they are not as stated: of a merged record, what concerned it alone."""
    return OF_THE_RECORD if event.get("origin") else _META


def _amend(decision: _Decision, amend: Amend) -> Written:
    key = _amended(decision, amend)
    entity = decision.existing(*key, amend.if_match)
    decision.refuse_twice(key, conditional=bool(amend.where))
    before = clean(entity.json)
    after = clean(amend.change(copy.deepcopy(entity.json)))  # a patch is made against what the client reads
    if after.get("resourceType") != amend.type or after.get("id") != key.id:
        raise refuse(
            Category.UNPROCESSABLE, "business-rule", "A patch may not change resourceType or id", amend.type
        )
    issues = [issue for issue in decision.policies.validate(after) if issue.severity in ("error", "fatal")]
    if issues:
        raise Refusal(Category.UNPROCESSABLE, issues)
    after = decision.resolve(amend.type, after)
    old, new = split(amend.type, before), split(amend.type, after)
    event = assertion(decision, entity.key, amend.statement)
    event["content"] = join(
        {unit: value for unit, value in new.items() if unit not in old or not same(old[unit], value)}
    )
    absent = sorted(unit for unit in old if unit not in new)
    if absent:
        event["absent"] = absent
    moved = moved_members(new, restated(old, new))
    if moved and _is_alone(entity.ledger, source_id(decision, event)):
        event["content"], event["full"] = (
            join(new),
            True,
        )  # only a full statement says in which order items stand
    elif not event["content"] and not absent:
        return Written(entity.key, entity.as_version(), held=_paths(amend.type, moved))
    _limit(decision, event, amend.statement)
    written = _state(decision, entity, event)
    if event.get("full"):
        return written
    return replace(written, held=tuple(sorted({*written.held, *_paths(amend.type, moved)})))


def _is_alone(ledger: Ledger, source: str) -> bool:
    """Whether the source alone has spoken of the resource, and of all of it."""
    return ledger.uncontested and ledger.views[0].source == source and ledger.views[0].full is not None


def _paths(type: str, members: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{type}.{member}" for member in members)


def _amended(decision: _Decision, amend: Amend) -> Key:
    """What a patch is about: "No matches: the server returns a 404 Not Found"."""
    if not amend.where:
        return Key(amend.type, amend.id)
    keys = decision.targets(amend.type, decision.matches[amend.where])
    if not keys:
        raise refuse(Category.NOT_FOUND, "not-found", "The condition matches no resource", amend.type)
    return keys[0]


def _remove(decision: _Decision, remove: Remove) -> Written:
    if not remove.where:
        return _removed(decision, remove, Key(remove.type, remove.id))
    keys = decision.targets(remove.type, decision.matches[remove.where], remove.most)
    if not keys and remove.if_match is not None:
        check_version(None, remove.type, "", remove.if_match)
    done = [_removed(decision, remove, key) for key in keys]
    only = done[0] if len(done) == 1 else Written(Key(remove.type, ""), None)
    changed, held = any(one.changed for one in done), any(one.held for one in done)
    return replace(only, changed=changed, held=(remove.type,) if held else (), removed=tuple(keys))


def _removed(decision: _Decision, remove: Remove, key: Key) -> Written:
    entity = decision.entity(key)
    decision.refuse_twice(key, conditional=bool(remove.where))
    check_version(entity, *key, remove.if_match)
    event = {**assertion(decision, key, remove.statement), "e": "removed"}
    if entity is None or entity.deleted:
        return Written(key, None)
    _limit(decision, event, remove.statement)
    decision.redirect(entity, event)
    after, fresh = decision.record(event)
    held = () if after.deleted else (remove.type,)
    return Written(after.key, after.as_version(), changed=fresh, held=held, named=_named(after, key))


def _withdraw(decision: _Decision, withdraw: Withdraw) -> Written:
    key = Key(withdraw.type, withdraw.id)
    entity = decision.entity(key)
    check_version(entity, *key, withdraw.if_match)
    event: JsonObject = {"e": "withdrawn", "type": key.type, "id": key.id, "source": withdraw.source}
    holder = decision.redirect(entity, event)
    view = holder.ledger.view(voice(withdraw.source, event.get("origin", ""))) if holder else None
    if view is None:
        text = f"'{withdraw.source}' says nothing about {key}: there is nothing to take back"
        raise refuse(Category.NOT_FOUND, "not-found", text, key.type)
    if withdraw.units:
        event["units"] = spoken_units(view, key.type, withdraw.units)
    if withdraw.reason:
        event["reason"] = withdraw.reason
    after, fresh = decision.record(event)
    version = None if after.deleted else after.as_version()
    return Written(after.key, version, changed=fresh, named=_named(after, key))


def _decide(decision: _Decision, decide: Decide) -> Written:
    entity, origin = decision.standing(decision.existing(decide.type, decide.id, None))
    made = [_ruling(decision, entity.ledger, ruling, decide.type, origin) for ruling in decide.rulings]
    event = {"e": "decided", "type": decide.type, "id": entity.key.id, "decisions": made}
    after, fresh = decision.record(event)
    return Written(after.key, None if after.deleted else after.as_version(), changed=fresh)


def _ruling(
    decision: _Decision, ledger: Ledger, ruling: Ruling, resource_type: str, origin: str
) -> JsonObject:
    found = _ruled(ledger, ruling, origin)
    if found is None:
        path = f"{resource_type}.{member_of(ruling.unit)}"
        raise refuse(
            Category.CONFLICT, "conflict", "The claim is no longer what its source says; look again", path
        )
    json: JsonObject = {
        "kind": ruling.kind,
        "unit": ruling.unit,
        "source": found.source,
        "claim": ruling.claim,
        "by": decision.command.statement.source,
        **_principal(decision),
    }
    if ruling.reason:
        json["reason"] = ruling.reason
    if ruling.kind in ("cap", "decay"):
        json["confidence"] = ruling.confidence
    if ruling.kind in ("approve", "verify"):
        json["confidence"] = _lifted(decision, ruling, resource_type)
    if ruling.kind == "approve":
        json["against"] = _against(ledger, ruling.unit, found.source, found.value)
    return json


def _principal(decision: _Decision) -> JsonObject:
    """Who decided, where that is known beside the source."""
    principal = decision.command.statement.principal
    return {"principal": principal} if principal else {}


def _lifted(decision: _Decision, ruling: Ruling, resource_type: str) -> Decimal:
    """What a ruling raises a claim to: no more than the reviewer may say, by itself and by the policy."""
    reviewer = decision.policies.source(decision.command.statement.source)
    limits = _limits(decision, reviewer.id, resource_type)
    if ruling.confidence is not None:
        check_stated(limits, reviewer, resource_type, ruling.unit, ruling.confidence)
    stated = ruling.confidence or (APPROVED if ruling.kind == "approve" else VERIFIED)
    granted = reviewer.confidence(stated, resource_type)
    return granted if limits is None else min(granted, limits.of(ruling.unit))


def _ruled(ledger: Ledger, ruling: Ruling, origin: str) -> Claim | None:
    """The claim that is ruled on. One that was made before a merge is found by whoever made it, wherever it is now."""
    made = [claim for claim in claims_on(ledger, ruling.unit) if claim.stamp.position == ruling.claim]
    voices = (moved(ruling.source, origin) if origin else ruling.source, ruling.source)
    exact = next((claim for name in voices for claim in made if claim.source == name), None)
    by_speaker = [claim for claim in made if claim.speaker == ruling.source]
    return exact or (by_speaker[0] if len(by_speaker) == 1 else None)


def _correct(decision: _Decision, correct: Correct) -> Written:
    entity, origin = decision.standing(decision.existing(correct.type, correct.id, None))
    stated = join({unit: value for unit, value in correct.units.items() if value is not None})
    said: dict[str, Json] = dict(split(correct.type, stated))
    # A correction may change an item's key: then the old unit is no more, and there is a new one.
    said.update((unit, None) for unit in correct.units if unit not in said)
    event = assertion(decision, entity.key, None)
    source = decision.policies.source(source_id(decision, event))
    event["confidence"] = source.confidence(correct.confidence, correct.type)
    if origin:
        event["origin"] = origin
    event["content"] = stated
    event["absent"] = sorted(unit for unit, value in said.items() if value is None)
    own = voice(source.id, origin)
    if (limits := _limits(decision, source.id, correct.type)) is not None:
        hold_to(limits, event, source, stated=False)
    own = voice(source.id, origin)
    event["supersedes"] = {unit: _against(entity.ledger, unit, own, value) for unit, value in said.items()}
    event["replaced"] = dump_view(entity.ledger.view(own))
    after, fresh = decision.record(event)
    version = None if after.deleted else after.as_version()
    return Written(after.key, version, changed=fresh, held=_held(after, event))


def _take_back(decision: _Decision, back: TakeBack) -> Written:
    """Also for a resource that is no more because its claims were rejected."""
    entity = decision.entity(Key(back.type, back.id))
    if entity is None:
        raise refuse(Category.NOT_FOUND, "not-found", f"{back.type}/{back.id} is not known", back.type)
    if entity.ledger.into:
        text = f"{back.type}/{back.id} was merged since: undo the merge first, or state the right value"
        raise refuse(Category.CONFLICT, "conflict", text, back.type)
    event = undone(entity.ledger, back)
    more: JsonObject = {"by": decision.command.statement.source, **_principal(decision)}
    if back.reason:
        more["reason"] = back.reason
    event["decisions"] = [{**made, **more} for made in event["decisions"]]
    after, fresh = decision.record(event)
    return Written(after.key, None if after.deleted else after.as_version(), changed=fresh)


def _note(decision: _Decision, note: Note) -> Written:
    decision.note(note)
    return Written(Key(note.kind, note.key), None)


_WRITES: dict[type, Callable[[_Decision, Any], Written]] = {
    Put: _put,
    Amend: _amend,
    Remove: _remove,
    Withdraw: _withdraw,
    Decide: _decide,
    Correct: _correct,
    TakeBack: _take_back,
    Note: _note,
    Merge: merge,
    Unmerge: unmerge,
    Relink: relink,
}
