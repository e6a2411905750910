"""Deciding what reviewers say of claims: rulings, corrections, and taking these back."""

from __future__ import annotations

from decimal import Decimal

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.storage import Key
from fhirserver.store.asserting import assertion, claims_against, held_members, limits_of, source_id
from fhirserver.store.commands import Correct, Decide, Ruling, TakeBack, Written
from fhirserver.store.draft import Draft
from fhirserver.store.taking_back import undone
from fhirserver.world.ceilings import check_stated, hold_to
from fhirserver.world.ledger import Ledger
from fhirserver.world.survivorship import Claim, claims_on
from fhirserver.world.units import join, member_of, split
from fhirserver.world.view import dump_view
from fhirserver.world.vocabulary import APPROVED, VERIFIED
from fhirserver.world.voices import moved, voice


def rule(draft: Draft, write: Decide) -> Written:
    """Rule on claims. Refuses (409) where one is no longer what its source says."""
    entity, origin = draft.standing(draft.existing(write.type, write.id, None))
    made = [_ruling(draft, entity.ledger, ruling, write.type, origin) for ruling in write.rulings]
    event = {"e": "decided", "type": write.type, "id": entity.key.id, "decisions": made}
    after, fresh = draft.record(event)
    return Written(after.key, None if after.deleted else after.as_version(), changed=fresh)


def _ruling(draft: Draft, ledger: Ledger, ruling: Ruling, resource_type: str, origin: str) -> JsonObject:
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
        "by": draft.command.statement.source,
        **_principal(draft),
    }
    if ruling.reason:
        json["reason"] = ruling.reason
    if ruling.kind in ("cap", "decay"):
        json["confidence"] = ruling.confidence
    if ruling.kind in ("approve", "verify"):
        json["confidence"] = _lifted(draft, ruling, resource_type)
    if ruling.kind == "approve":
        json["against"] = claims_against(ledger, ruling.unit, found.source, found.value)
    return json


def _ruled(ledger: Ledger, ruling: Ruling, origin: str) -> Claim | None:
    """The claim that is ruled on. One that was made before a merge is found by whoever made it, wherever it is now."""
    made = [claim for claim in claims_on(ledger, ruling.unit) if claim.stamp.position == ruling.claim]
    voices = (moved(ruling.source, origin) if origin else ruling.source, ruling.source)
    exact = next((claim for name in voices for claim in made if claim.source == name), None)
    by_speaker = [claim for claim in made if claim.speaker == ruling.source]
    return exact or (by_speaker[0] if len(by_speaker) == 1 else None)


def _lifted(draft: Draft, ruling: Ruling, resource_type: str) -> Decimal:
    """What a ruling raises a claim to: no more than the reviewer may say, by itself and by the policy."""
    reviewer = draft.policies.source(draft.command.statement.source)
    limits = limits_of(draft, reviewer.id, resource_type)
    if ruling.confidence is not None:
        check_stated(limits, reviewer, resource_type, ruling.unit, ruling.confidence)
    stated = ruling.confidence or (APPROVED if ruling.kind == "approve" else VERIFIED)
    granted = reviewer.confidence(stated, resource_type)
    return granted if limits is None else min(granted, limits.of(ruling.unit))


def _principal(draft: Draft) -> JsonObject:
    """Who decided, where that is known beside the source."""
    principal = draft.command.statement.principal
    return {"principal": principal} if principal else {}


def correct(draft: Draft, write: Correct) -> Written:
    """State the right values over the claims there are."""
    entity, origin = draft.standing(draft.existing(write.type, write.id, None))
    stated = join({unit: value for unit, value in write.units.items() if value is not None})
    said: dict[str, Json] = dict(split(write.type, stated))
    # A correction may change an item's key: then the old unit is no more, and there is a new one.
    said.update((unit, None) for unit in write.units if unit not in said)
    event = assertion(draft, entity.key, None)
    source = draft.policies.source(source_id(draft, event))
    event["confidence"] = source.confidence(write.confidence, write.type)
    if origin:
        event["origin"] = origin
    event["content"] = stated
    event["absent"] = sorted(unit for unit, value in said.items() if value is None)
    if (limits := limits_of(draft, source.id, write.type)) is not None:
        hold_to(limits, event, source, stated=False)
    own = voice(source.id, origin)
    event["supersedes"] = {
        unit: claims_against(entity.ledger, unit, own, value) for unit, value in said.items()
    }
    event["replaced"] = dump_view(entity.ledger.view(own))
    after, fresh = draft.record(event)
    version = None if after.deleted else after.as_version()
    return Written(after.key, version, changed=fresh, held=held_members(after, event))


def take_back(draft: Draft, back: TakeBack) -> Written:
    """Also for a resource that is no more because its claims were rejected."""
    entity = draft.entity(Key(back.type, back.id))
    if entity is None:
        raise refuse(Category.NOT_FOUND, "not-found", f"{back.type}/{back.id} is not known", back.type)
    if entity.ledger.into:
        text = f"{back.type}/{back.id} was merged since: undo the merge first, or state the right value"
        raise refuse(Category.CONFLICT, "conflict", text, back.type)
    event = undone(entity.ledger, back)
    more: JsonObject = {"by": draft.command.statement.source, **_principal(draft)}
    if back.reason:
        more["reason"] = back.reason
    event["decisions"] = [{**made, **more} for made in event["decisions"]]
    after, fresh = draft.record(event)
    return Written(after.key, None if after.deleted else after.as_version(), changed=fresh)
