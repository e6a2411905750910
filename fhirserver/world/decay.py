"""Decay: what claims lose as they get old, and what brings it back. Pure; the effects are decisions in the log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import JsonObject
from fhirserver.world.decision import Decision
from fhirserver.world.ledger import Ledger
from fhirserver.world.rules import Decay, Policy
from fhirserver.world.survivorship import weigh
from fhirserver.world.units import same, split
from fhirserver.world.view import Stamp, View
from fhirserver.world.voices import speaker

_AGAIN = ("renew", "verify", "approve")
_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Worth:
    """A decision to be made about a claim: what it is worth from now on."""

    unit: str
    source: str
    claim: int
    confidence: Decimal


def aged(
    ledger: Ledger, resource_type: str, policy: Policy, kinds: Mapping[str, str], now: datetime
) -> Iterator[Worth]:
    """The claims on values that have lost confidence by their age. ``kinds`` are those of the sources by id."""
    for view in ledger.views:
        for unit in view.units:
            decay = policy.decay(resource_type, unit, kinds.get(speaker(view.source), ""))
            stamp = view.stamp(unit)
            if decay is None or stamp is None:
                continue
            made = _about(ledger, view, unit, stamp)
            sure, _ = weigh(stamp.confidence, [one for one in made if one.kind != "decay"])
            worth = decay.after(sure, _age(stamp, made, now))
            if worth < weigh(stamp.confidence, made)[0]:
                yield Worth(unit, view.source, stamp.position, worth)


def renewed(ledger: Ledger, event: JsonObject, source: str, kind: str, policy: Policy, now: str) -> list[str]:
    """The units of a statement that its source only says again, but which have aged enough for that to count."""
    view = ledger.view(source)
    if view is None:
        return []
    again: list[str] = []
    for unit, value in split(event["type"], event["content"]).items():
        decay, stamp = policy.decay(event["type"], unit, kind), view.stamp(unit)
        if decay is None or stamp is None or not same(view.units.get(unit), value):
            continue
        if _has_aged(decay, stamp, _about(ledger, view, unit, stamp), parse_instant(now)):
            again.append(unit)
    return again


def _has_aged(decay: Decay, stamp: Stamp, made: Sequence[Decision], now: datetime) -> bool:
    last = next((one.kind for one in reversed(made) if one.kind in ("decay", *_AGAIN)), "")
    return last == "decay" or _age(stamp, made, now) >= decay.renewable


def _about(ledger: Ledger, view: View, unit: str, stamp: Stamp) -> list[Decision]:
    """The decisions about a claim, in order."""
    claim = (unit, view.source, stamp.position)
    made = [one for one in ledger.decisions if (one.unit, one.source, one.claim) == claim]
    return sorted(made, key=lambda one: (one.at, one.position))


def _age(stamp: Stamp, made: Sequence[Decision], now: datetime) -> float:
    """Days since the claim was stated, renewed, verified or approved."""
    since = max([stamp.recorded, *(one.at for one in made if one.kind in _AGAIN)])
    return (now - parse_instant(since)).total_seconds() / _DAY
