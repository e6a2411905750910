"""What the page of a review item shows: its claims as a provenance diff, with contenders and evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from fhirserver.console.evidence import Transcript, transcript
from fhirserver.console.speakers import said_of
from fhirserver.console.values import DiffLine, diff, text
from fhirserver.interactions.exchange import Context
from fhirserver.interactions.people import name_of
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.world.review import Item, ReviewClaim, is_review, read_item
from fhirserver.world.review_rules import holder
from fhirserver.world.survivorship import Claim, Win, wins
from fhirserver.world.units import member_of
from fhirserver.world.voices import speaker


@dataclass(frozen=True, slots=True)
class Contender:
    """One claim on a unit: who says what, how surely, since when and how."""

    source: str
    value: str
    confidence: Decimal
    since: str
    method: str
    status: str
    checked: str
    wins: bool
    of: str = ""
    """``said of Patient/dup`` where it is about a record that was merged into this one."""


@dataclass(frozen=True, slots=True)
class Row:
    """One unit of an item: what is proposed, what stands, who says what, and where it was said."""

    unit: str
    path: str
    diff: Sequence[DiffLine]
    claim: ReviewClaim
    contenders: Sequence[Contender]
    replaces: bool = False
    """Whether the old side is an item that the same statement takes away."""

    speaker: str = ""
    of: str = ""
    """Who proposes it, and of which record where that was merged."""

    @property
    def confirms(self) -> bool:
        """Whether what is proposed is what stands already: only how sure it is would change."""
        return not any(line.differs for line in self.diff)

    @property
    def stands(self) -> Contender | None:
        return next((one for one in self.contenders if one.wins), None)


@dataclass(frozen=True, slots=True)
class Shown:
    """One item as its page shows it; ``rows`` are its claims, those that wait first."""

    id: str
    version: int
    task: JsonObject
    item: Item
    rows: Sequence[Row]
    owner: str
    """Who holds it now, or empty."""
    patient: str
    """The reference to the patient."""
    name: str
    transcript: Transcript | None = None

    @property
    def open(self) -> bool:
        return self.item.pending

    @property
    def type(self) -> str:
        return self.item.focus[0]

    @property
    def deciders(self) -> Sequence[str]:
        """Who decided, in the order of the claims; who closed an item that has none."""
        closer = [self.item.owner] if self.item.owner and not self.item.every else []
        return closer or list(dict.fromkeys(c.settled.by for c in self.item.decided if c.settled is not None))

    @property
    def description(self) -> str:
        return str(self.task.get("description", ""))


async def shown(context: Context, id: str) -> Shown | None:
    """One item with its lineage, or None where there is none."""
    version = await context.store.read("Task", id)
    if version is None or version.deleted:
        return None
    task: JsonObject = loads(version.content)
    if not is_review(task):
        return None
    try:
        item = read_item(task)
    except ValueError:
        return None
    patient = task.get("for", {}).get("reference", "")
    name = await name_of(context.store, patient)
    owner = holder(item, instant(context.clock.now()))
    heard = await transcript(context.store, _conversation(task), _quotes(item))
    rows = await _rows(context, item)
    return Shown(id, version.version, task, item, rows, owner, patient, name, heard)


async def _rows(context: Context, item: Item) -> list[Row]:
    entity = await context.store.entity(*item.focus)
    won = wins(entity.ledger) if entity else {}
    return [_row(item, claim, won.get(claim.unit)) for claim in item.every]


def _conversation(task: JsonObject) -> str:
    return str(task.get("reasonReference", {}).get("reference", ""))


def _quotes(item: Item) -> dict[int, list[str]]:
    quotes: dict[int, list[str]] = {}
    for quote in (quote for claim in item.every for quote in claim.quotes):
        quotes.setdefault(quote.turn, []).append(quote.text)
    return quotes


def _row(item: Item, claim: ReviewClaim, win: Win | None) -> Row:
    old = _taken_away(item, claim)
    return Row(
        unit=claim.unit,
        path=f"{item.focus[0]}.{member_of(claim.unit).removesuffix('[x]')}",
        diff=diff(claim.current if old is None else old.current, claim.proposed),
        claim=claim,
        contenders=contenders(win, item.focus[0]),
        replaces=old is not None,
        speaker=speaker(claim.source),
        of=said_of(claim.source, item.focus[0]),
    )


def _taken_away(item: Item, claim: ReviewClaim) -> ReviewClaim | None:
    """The claim by which the same statement takes away the one item in whose place a new one comes."""
    same = [
        one
        for one in item.every
        if (one.source, one.position, member_of(one.unit))
        == (claim.source, claim.position, member_of(claim.unit))
    ]
    gone = [one for one in same if one.proposed is None and one.current is not None]
    come = [one for one in same if one.proposed is not None and one.current is None]
    return gone[0] if len(gone) == 1 and come == [claim] else None


def contenders(win: Win | None, type: str) -> list[Contender]:
    """Every claim on a unit of a resource of the type, the winner first."""
    claims = (*win.agreeing, *win.losing) if win else ()
    listed = [contender(one, type, win is not None and one is win.claim) for one in claims]
    return sorted(listed, key=lambda one: (not one.wins, one.status != "live", -one.confidence))


def contender(claim: Claim, type: str, winner: bool) -> Contender:
    """One claim as the pages show it."""
    return Contender(
        source=claim.speaker,
        value=text(claim.value),
        confidence=claim.confidence,
        since=claim.stamp.since,
        method=claim.stamp.method,
        status=claim.status,
        checked=claim.checked,
        wins=winner,
        of=said_of(claim.source, type),
    )
