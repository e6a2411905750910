"""Every value of a resource with who says it: how sure, since when, how, on what evidence, and who says otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from fhirserver.console.evidence import Heard, Transcript, said_in, transcript
from fhirserver.console.values import Line, lines, text
from fhirserver.ports.log import Commit
from fhirserver.store.store import Store
from fhirserver.world.entity import Entity
from fhirserver.world.survivorship import Claim, Win, wins
from fhirserver.world.units import member_of, same


@dataclass(frozen=True, slots=True)
class Testimony:
    """One claim on a value, with the commit and the words behind it."""

    role: str
    """``holds``, ``agrees``, ``contends``, ``rejected`` or ``superseded``."""
    source: str
    by: str
    value: str
    confidence: Decimal
    since: str
    method: str
    checked: str
    provenance: str
    quoted: Sequence[Heard] = ()


@dataclass(frozen=True, slots=True)
class Value:
    """One unit as it is shown. ``fresh``: this moment's commit changed it; ``today``: what holds now, where that
    is something else (None: the same)."""

    unit: str
    label: str
    lines: Sequence[Line]
    confidence: Decimal | None
    testimonies: Sequence[Testimony]
    fresh: bool = False
    today: str | None = None

    @property
    def contested(self) -> bool:
        return any(one.role == "contends" for one in self.testimonies)


@dataclass
class Evidence:
    """Commits and transcripts that were read already, so that each is read once for a page."""

    store: Store
    commits: dict[int, Commit] = field(default_factory=dict)
    transcripts: dict[str, Transcript | None] = field(default_factory=dict)

    async def commit(self, position: int) -> Commit:
        if position not in self.commits:
            (self.commits[position],) = await self.store.read_log(position - 1, 1)
        return self.commits[position]

    async def heard(self, commit: Commit, entity: Entity) -> Sequence[Heard]:
        """The turns that a statement names."""
        own = (event.get("entity") for event in commit.events if _is_about(event, entity))
        conversation, turns = said_in(next((one for one in own if one), commit.statement.entity))
        if not conversation or not turns:
            return ()
        if conversation not in self.transcripts:
            self.transcripts[conversation] = await transcript(self.store, conversation, {})
        found = self.transcripts[conversation]
        return [turn for turn in found.turns if turn.number in turns] if found else ()


def _is_about(event: Mapping[str, object], entity: Entity) -> bool:
    return (event.get("type"), event.get("id")) == entity.key


async def values(
    evidence: Evidence, entity: Entity, before: Entity | None, now: Entity | None
) -> list[Value]:
    """The units of an entity that have a value, or somebody who says one.

    ``before`` is the entity before the moment's commit (the very same one where the commit is not about it);
    ``now`` what it is today.
    """
    won, was = wins(entity.ledger), _wins(before)
    today = _wins(now)
    shown: list[Value] = []
    for unit, win in won.items():
        if unit == "meta" or not any(claim.value is not None for claim in (*win.agreeing, *win.losing)):
            continue
        told = [await _testimony(evidence, entity, role, claim) for role, claim in _claims(win)]
        shown.append(_value(unit, win, told, was.get(unit), today.get(unit)))
    return shown + [_gone(unit, win) for unit, win in today.items() if _is_missing(unit, win, won)]


def _wins(entity: Entity | None) -> dict[str, Win]:
    return wins(entity.ledger) if entity is not None and not entity.deleted else {}


def _is_missing(unit: str, win: Win, won: Mapping[str, Win]) -> bool:
    return unit != "meta" and unit not in won and win.claim.value is not None


def _gone(unit: str, win: Win) -> Value:
    """A unit of which nobody had spoken yet."""
    return Value(unit, label(unit), (), None, (), False, text(win.claim.value))


def _value(unit: str, win: Win, told: Sequence[Testimony], before: Win | None, today: Win | None) -> Value:
    fresh = before is None or _differs(win, before) or before.confidence != win.confidence
    later = _differs(win, today) if today is not None else True
    shown = text(today.claim.value) if today else "nothing"
    confidence = win.confidence if win.claim.value is not None else None
    return Value(unit, label(unit), lines(win.claim.value), confidence, told, fresh, shown if later else None)


def _differs(one: Win, other: Win) -> bool:
    return not same(one.claim.value, other.claim.value)


def label(unit: str) -> str:
    """What a unit is called: the element, in words."""
    name = member_of(unit).removesuffix("[x]")
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name)


def _claims(win: Win) -> list[tuple[str, Claim]]:
    agreeing = [("holds" if claim is win.claim else "agrees", claim) for claim in win.agreeing]
    losing = [("contends" if claim.status == "live" else claim.status, claim) for claim in win.losing]
    return sorted(agreeing, key=lambda pair: pair[0] != "holds") + losing


async def _testimony(evidence: Evidence, entity: Entity, role: str, claim: Claim) -> Testimony:
    commit = await evidence.commit(claim.stamp.evidence)
    return Testimony(
        role=role,
        source=claim.source,
        by=commit.statement.principal,
        value=text(claim.value),
        confidence=claim.confidence,
        since=claim.stamp.since,
        method=claim.stamp.method,
        checked=claim.checked,
        provenance=commit.id,
        quoted=await evidence.heard(commit, entity),
    )


def paths_of(commit: Commit, of: Mapping[tuple[str, str], str]) -> list[str]:
    """What a commit is about among some resources, in words that hold no values: ``Patient: telecom``."""
    found: dict[str, None] = {}
    for event in commit.events:
        if (event.get("type", ""), event.get("id", "")) in of:
            for member in _members(event):
                found.setdefault(f"{event['type']}: {label(member)}" if member else event["type"])
    return list(found)


def _members(event: Mapping[str, object]) -> list[str]:
    """The elements that an event speaks of; one empty name for a whole resource."""
    if event["e"] == "decided":
        decisions: Sequence[Mapping[str, str]] = event["decisions"]  # type: ignore[assignment]
        return list(dict.fromkeys(member_of(one["unit"]) for one in decisions))
    content: Mapping[str, object] = event.get("content", {})  # type: ignore[assignment]
    if event["e"] != "asserted" or event.get("full"):
        return [""]
    absent: Sequence[str] = event.get("absent", ())  # type: ignore[assignment]
    return list(dict.fromkeys([*content, *(member_of(unit) for unit in absent)]))
