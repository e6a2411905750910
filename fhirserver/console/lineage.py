"""Every value of a resource with who says it: how sure, since when, how, on what evidence, and who says otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fhirserver.console.speakers import said_of
from fhirserver.console.values import Line, lines, text
from fhirserver.ports.judge import Turn
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Key
from fhirserver.store.lineage import Traced, UnitLineage, lineage_of
from fhirserver.store.store import Store
from fhirserver.world.entity import Entity
from fhirserver.world.reasons import RULES
from fhirserver.world.survivorship import Win, wins
from fhirserver.world.units import member_of, same

_ROLES = {"wins": "holds"}
_RULED = {"approve": "approved", "reject": "rejected", "verify": "verified", "doubt": "doubted"}


@dataclass(frozen=True, slots=True)
class Testimony:
    """One claim on a value, with the commit and the words behind it. ``rulings``: what was decided, by whom.

    ``role`` is ``holds``, ``agrees``, ``contends``, ``rejected`` or ``superseded``.
    """

    role: str
    source: str
    of: str
    by: str
    value: str
    confidence: Decimal
    since: str
    method: str
    provenance: str
    rulings: Sequence[str]
    quotes: Sequence[Turn]


@dataclass(frozen=True, slots=True)
class Value:
    """One unit as it is shown. ``fresh``: this moment's commit changed it; ``today``: what holds now, where that
    is something else (None: the same); ``rule``: why the value holds, in words."""

    unit: str
    label: str
    lines: Sequence[Line]
    confidence: Decimal | None = None
    rule: str = ""
    testimonies: Sequence[Testimony] = ()
    fresh: bool = False
    today: str | None = None

    @property
    def contested(self) -> bool:
        return any(one.role == "contends" for one in self.testimonies)


async def values(store: Store, entity: Entity, before: Entity | None, now: Entity | None) -> list[Value]:
    """The units of an entity that have a value, or somebody who says one.

    ``before`` is the entity before the moment's commit (the very same one where the commit is not about it);
    ``now`` what it is today.
    """
    units = await lineage_of(store, entity, lambda unit: unit != "meta")
    was, today = _wins(before), _wins(now)
    spoken = [one for one in units if any(traced.claim.value is not None for traced in one.claims)]
    known = {one.unit for one in spoken}
    later = [Value(u, label(u), (), today=text(w.claim.value)) for u, w in today.items() if _new(u, w, known)]
    return [_value(entity.key.type, one, was.get(one.unit), today.get(one.unit)) for one in spoken] + later


def _wins(entity: Entity | None) -> dict[str, Win]:
    return wins(entity.ledger) if entity is not None and not entity.deleted else {}


def _new(unit: str, win: Win, known: set[str]) -> bool:
    """Whether nobody had spoken yet of a unit that has a value today."""
    return unit != "meta" and unit not in known and win.claim.value is not None


def _value(type: str, one: UnitLineage, before: Win | None, today: Win | None) -> Value:
    held = one.win.claim.value if one.win else None
    other = today.claim.value if today else None
    return Value(
        unit=one.unit,
        label=label(one.unit),
        lines=lines(held),
        confidence=one.win.confidence if one.win and held is not None else None,
        rule=RULES[one.rule],
        testimonies=[_testimony(type, traced) for traced in one.claims],
        fresh=_differs(one.win, before),
        today=None if same(held, other) else text(other),
    )


def _differs(win: Win | None, before: Win | None) -> bool:
    if win is None or before is None:
        return win is not before
    return win.confidence != before.confidence or not same(win.claim.value, before.claim.value)


def label(unit: str) -> str:
    """What a unit is called: the element, in words."""
    name = member_of(unit).removesuffix("[x]")
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name)


def _testimony(type: str, traced: Traced) -> Testimony:
    claim, word = traced.claim, traced.word
    role = _ROLES.get(traced.role, traced.role)
    settled = [traced.settled] if traced.settled is not None else []
    made = [(one.decision.kind, one.word.who, one.decision.reason) for one in (*traced.rulings, *settled)]
    said = [f"{_RULED.get(kind, kind)} by {who}{': ' if why else ''}{why}" for kind, who, why in made]
    return Testimony(
        role=role if claim.status == "live" else claim.status,
        source=claim.speaker,
        of=said_of(claim.source, type),
        by=word.principal,
        value=text(claim.value),
        confidence=claim.confidence,
        since=claim.stamp.since,
        method=claim.stamp.method,
        provenance=word.id,
        rulings=list(dict.fromkeys(said)),
        quotes=[quote for rests in word.rests for quote in rests.quotes],
    )


def about(commit: Commit, keys: Sequence[Key]) -> list[str]:
    """What a commit is about among some resources, in words that hold no values: ``Patient: telecom, name``."""
    found: dict[str, dict[str, None]] = {}
    for event in commit.events:
        if event["e"] != "noted" and Key(event["type"], event["id"]) in keys:
            named = found.setdefault(event["type"], {})
            named.update(dict.fromkeys(label(member) for member in _members(event)))
    return [f"{type}{': ' if named else ''}{', '.join(named)}" for type, named in found.items()]


def _members(event: Mapping[str, object]) -> list[str]:
    """The elements that an event speaks of; none for one about the whole resource."""
    if event["e"] == "decided":
        decisions: Sequence[Mapping[str, str]] = event["decisions"]  # type: ignore[assignment]
        return [member_of(one["unit"]) for one in decisions]
    if event["e"] != "asserted" or event.get("full"):
        return []
    content: Mapping[str, object] = event.get("content", {})  # type: ignore[assignment]
    absent: Sequence[str] = event.get("absent", ())  # type: ignore[assignment]
    return [*content, *(member_of(unit) for unit in absent)]
