"""What another policy means for one resource: ceilings on claims, and gates that its values now pass or fail. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fhirserver.model.definitions import definitions
from fhirserver.world.decay import Worth
from fhirserver.world.decision import Decision
from fhirserver.world.entity import Entity
from fhirserver.world.ledger import Ledger
from fhirserver.world.rules import ANY, NO_CODES, Policy
from fhirserver.world.survivorship import Win, weigh, wins
from fhirserver.world.units import member_of
from fhirserver.world.vocabulary import CERTAIN
from fhirserver.world.voices import speaker


@dataclass(frozen=True, slots=True)
class Consequences:
    """For one resource: caps to decide, and the winning claims by unit whose gate is now passed or failed."""

    caps: tuple[Worth, ...] = ()
    passed: Mapping[str, Win] = field(default_factory=dict)
    failed: Mapping[str, Win] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.caps or self.passed or self.failed)


def consequences(entity: Entity, before: Policy, after: Policy, kinds: Mapping[str, str]) -> Consequences:
    """What changes for a resource. ``kinds`` are the kinds of the sources by id."""
    type, codes = entity.key.type, entity.codes
    caps = tuple(_caps(entity.ledger, type, after, kinds))
    if not caps and _is_beyond_doubt(entity):
        return Consequences()
    capped = entity.ledger.with_decisions(_as_decision(cap, entity.seen) for cap in caps)
    won, was = wins(capped), wins(entity.ledger) if caps else None
    passed: dict[str, Win] = {}
    failed: dict[str, Win] = {}
    for unit, win in won.items():
        held = (was or won).get(unit, win).confidence >= before.gate(type, unit, codes)
        holds = win.confidence >= after.gate(type, unit, codes)
        if unit != "meta" and held != holds:
            (passed if holds else failed)[unit] = win
    return Consequences(caps, passed, failed)


def _is_beyond_doubt(entity: Entity) -> bool:
    """The ordinary case: one source, as sure as can be, which passes every gate."""
    world = entity.world
    return entity.ledger.uncontested and world.confidence >= CERTAIN and not world.lower


def _caps(ledger: Ledger, type: str, policy: Policy, kinds: Mapping[str, str]) -> Iterator[Worth]:
    """The claims whose ceiling is another than what they count for."""
    for view in ledger.views:
        limits = policy.limits(type, kinds.get(speaker(view.source), ""))
        made = [one for one in ledger.decisions if one.kind == "cap" and one.source == view.source]
        if view.deleted is not None or (limits is None and not made):
            continue
        for unit in view.stated():
            stamp = view.stamp(unit)
            if stamp is None or unit == "meta":
                continue
            own = [one for one in made if (one.unit, one.claim) == (unit, stamp.position)]
            ceiling = CERTAIN if limits is None else limits.of(unit)
            if weigh(stamp.confidence, own)[0] != min(stamp.confidence, ceiling):
                yield Worth(unit, view.source, stamp.position, ceiling)


def _as_decision(cap: Worth, position: int) -> Decision:
    return Decision("cap", cap.unit, cap.source, cap.claim, position, "", "~", cap.confidence)


def affected(before: Policy, after: Policy) -> list[str]:
    """The resource types for which some rule is another."""
    return [type for type in sorted(definitions().resource_types) if _differs(type, before, after)]


def _differs(type: str, before: Policy, after: Policy) -> bool:
    units = {ANY, *before.units(type), *after.units(type)}
    codes = before.codes(type) | after.codes(type)
    sets = [NO_CODES, *(frozenset((code,)) for code in sorted(codes)), *((codes,) if len(codes) > 1 else ())]
    return any(before.rule(type, u, own) != after.rule(type, u, own) for u in units for own in sets)


def bounded(policy: Policy, kinds: Mapping[str, str]) -> list[str]:
    """The resource types on which some source has a ceiling."""
    types = sorted(definitions().resource_types)
    return [type for type in types if any(policy.limits(type, kind) for kind in set(kinds.values()))]


POLICY = "policy"
"""The kind of the facts that tell which policy is in force and how far it is applied."""

COUNTED = ("resources", "lowered", "raised", "passed", "failed")
Counts = dict[str, dict[str, int]]
"""By ``Type`` and ``Type.element``: how many resources, claims and gates changed."""


def count(counts: Counts, entity: Entity, found: Consequences) -> None:
    """Add what changes for a resource: under its type the resource, under each element its claims and gates."""
    if not found:
        return
    type = entity.key.type
    _add(counts, type, "resources")
    for cap in found.caps:
        _add(counts, f"{type}.{member_of(cap.unit)}", "lowered" if _lowers(entity, cap) else "raised")
    for word, units in (("passed", found.passed), ("failed", found.failed)):
        for unit in units:
            _add(counts, f"{type}.{member_of(unit)}", word)
    for member in {member_of(unit) for unit in _touched(found)}:
        _add(counts, f"{type}.{member}", "resources")


def _touched(found: Consequences) -> Iterator[str]:
    yield from (cap.unit for cap in found.caps)
    yield from found.passed
    yield from found.failed


def _lowers(entity: Entity, cap: Worth) -> bool:
    view = entity.ledger.view(cap.source)
    stamp = view.stamp(cap.unit) if view else None
    claim = (cap.unit, cap.source, cap.claim)
    own = [m for m in entity.ledger.decisions if m.kind == "cap" and (m.unit, m.source, m.claim) == claim]
    return stamp is not None and cap.confidence < weigh(stamp.confidence, own)[0]


def _add(counts: Counts, name: str, word: str) -> None:
    row = counts.setdefault(name, {})
    row[word] = row.get(word, 0) + 1
