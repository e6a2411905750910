"""The event of an assertion: what a source may say, what it is said against, and what of it is held."""

from __future__ import annotations

from fhirserver.kernel.instants import comparable
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.log import Statement
from fhirserver.ports.storage import Key
from fhirserver.store.commands import Written
from fhirserver.store.draft import Draft
from fhirserver.store.links import in_own_words
from fhirserver.store.statements import comes_late
from fhirserver.world.ceilings import hold_to
from fhirserver.world.decay import renewed
from fhirserver.world.entity import Entity
from fhirserver.world.ledger import Ledger
from fhirserver.world.rules import Limits
from fhirserver.world.survivorship import OF_THE_RECORD, claims_on
from fhirserver.world.units import Units, member_of, same, split
from fhirserver.world.voices import voice

_META = frozenset({"meta"})


def assertion(draft: Draft, key: Key, own: Statement | None) -> JsonObject:
    """The event of an assertion, without its content. Refuses what the source may not say."""
    statement = own or draft.command.statement
    source = draft.policies.source(statement.source)
    event: JsonObject = {
        "e": "asserted",
        "type": key.type,
        "id": key.id,
        "confidence": source.confidence(statement.confidence, key.type),
    }
    if own is not None and own.source != draft.command.statement.source:
        event["source"] = own.source
    if statement.effective:
        event["effective"] = _effective(statement.effective)
    if statement.method:
        event["method"] = statement.method
    if own is not None:
        event.update(_own_evidence(own, draft.command.statement))
    return event


def source_id(draft: Draft, event: JsonObject) -> str:
    """Whose statement an event is: the command's source unless the entry has its own."""
    return str(event.get("source") or draft.command.statement.source)


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


def limits_of(draft: Draft, source: str, type: str) -> Limits | None:
    """The ceilings that the policy sets to a source's kind."""
    return draft.policies.policy.limits(type, draft.policies.source(source).kind)


def hold_to_limits(draft: Draft, event: JsonObject, own: Statement | None) -> None:
    """Bring a statement under the policy's ceilings, or refuse it."""
    common, policies = draft.command.statement, draft.policies
    # The source is known: it was asked for its confidence.
    source = policies.sources[event.get("source") or common.source]
    limits = policies.policy.limits(event["type"], source.kind)
    if limits is not None:
        hold_to(limits, event, source, stated=(own or common).confidence is not None)


def record_assertion(draft: Draft, before: Entity | None, event: JsonObject) -> Written:
    """Record an assertion and say which of its units are held by others' claims."""
    source, named = source_id(draft, event), Key(event["type"], event["id"])
    before = draft.redirect(before, event)
    if before is not None:
        said = voice(source, event.get("origin", ""))
        event["content"] = in_own_words(event["content"], before, said)
        superseded = _supersede(before, said, event) if _acts(draft, source, event["type"]) else {}
        if superseded:
            event["supersedes"] = superseded
    late = before is not None and _renew(draft, before, event, source)
    after, fresh = draft.record(event)
    version = None if after.deleted else after.as_version()
    created = fresh and not after.deleted and (before is None or before.deleted)
    return Written(
        after.key,
        version,
        created,
        fresh,
        held=held_members(after, event, late),
        named=named_otherwise(after, named),
        seen=after.seen,
    )


def _renew(draft: Draft, before: Entity, event: JsonObject, source: str) -> bool:
    """Note the units that a source says again after so long that it counts. Returns whether it is late itself."""
    policy, kind = draft.policies.policy, draft.policies.source(source).kind
    if policy.decaying(event["type"], kind):
        now = draft.commit.recorded
        said = voice(source, event.get("origin", ""))
        if units := renewed(before.ledger, event, said, kind, policy, now):
            event["renews"] = units
    return comes_late(before, event, draft.commit)


def _acts(draft: Draft, source: str, resource_type: str) -> bool:
    return draft.policies.source(source).acts(resource_type)


def named_otherwise(after: Entity, named: Key) -> Key | None:
    """What a write named, where that is not what it was about in the end."""
    return None if after.key == named else named


def _supersede(before: Entity, source: str, event: JsonObject) -> JsonObject:
    """The claims that an act was made against: those of others on the units whose value it changes."""
    differing = _differing(event, before.world.units)
    against = {unit: claims_against(before.ledger, unit, source, value) for unit, value in differing.items()}
    return {unit: pairs for unit, pairs in against.items() if pairs}


def claims_against(ledger: Ledger, unit: str, source: str, value: Json) -> list[Json]:
    """The claims by others that say something else, as (source, position)."""
    return [
        [claim.source, claim.stamp.position]
        for claim in claims_on(ledger, unit)
        if claim.source != source and not same(claim.value, value)
    ]


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


def held_members(after: Entity, event: JsonObject, late: bool = False) -> tuple[str, ...]:
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
