"""What the page of a review item shows: its claims as a provenance diff, with contenders and evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from fhirserver.console.evidence import Transcript, transcript
from fhirserver.console.people import name_of
from fhirserver.console.values import DiffLine, diff, text
from fhirserver.interactions.exchange import Context
from fhirserver.kernel.json import Json, JsonObject, loads, pretty
from fhirserver.world.review import PENDING, Item, ReviewClaim, is_review, read_item
from fhirserver.world.survivorship import Claim, Win, wins
from fhirserver.world.units import member_of


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


@dataclass(frozen=True, slots=True)
class Row:
    """One unit of an item: what is proposed, what stands, who says what, and where it was said."""

    unit: str
    path: str
    diff: Sequence[DiffLine]
    claim: ReviewClaim
    contenders: Sequence[Contender]

    @property
    def confirms(self) -> bool:
        """Whether what is proposed is what stands already: only how sure it is would change."""
        return not any(line.differs for line in self.diff)

    @property
    def stands(self) -> Contender | None:
        return next((one for one in self.contenders if one.wins), None)


@dataclass(frozen=True, slots=True)
class Shown:
    """One item as its page shows it. ``item`` and ``rows`` are empty for an item of another kind than claims."""

    id: str
    task: JsonObject
    item: Item | None
    rows: Sequence[Row]
    patient: str
    """The reference to the patient."""
    name: str
    transcript: Transcript | None = None

    @property
    def open(self) -> bool:
        return self.task.get("status") in PENDING

    @property
    def owner(self) -> str:
        return str(self.task.get("owner", {}).get("identifier", {}).get("value", ""))

    @property
    def type(self) -> str:
        return str(self.task.get("focus", {}).get("reference", "")).partition("/")[0]

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
    patient = task.get("for", {}).get("reference", "")
    name = await name_of(context.store, patient)
    try:
        item = read_item(task)
    except ValueError:
        return Shown(id, task, None, (), patient, name)
    heard = await transcript(context.store, _conversation(task), _quotes(item))
    return Shown(id, task, item, await _rows(context, item), patient, name, heard)


async def _rows(context: Context, item: Item) -> list[Row]:
    entity = await context.store.entity(*item.focus)
    won = wins(entity.ledger) if entity else {}
    return [_row(item, claim, won.get(claim.unit)) for claim in item.claims]


def _conversation(task: JsonObject) -> str:
    return str(task.get("reasonReference", {}).get("reference", ""))


def _quotes(item: Item) -> dict[int, list[str]]:
    quotes: dict[int, list[str]] = {}
    for quote in (quote for claim in item.claims for quote in claim.quotes):
        quotes.setdefault(quote.turn, []).append(quote.text)
    return quotes


def _row(item: Item, claim: ReviewClaim, win: Win | None) -> Row:
    return Row(
        unit=claim.unit,
        path=f"{item.focus[0]}.{member_of(claim.unit).removesuffix('[x]')}",
        diff=diff(claim.current, claim.proposed),
        claim=claim,
        contenders=contenders(win),
    )


def contenders(win: Win | None) -> list[Contender]:
    """Every claim on a unit, the winner first."""
    claims = (*win.agreeing, *win.losing) if win else ()
    listed = [contender(one, win is not None and one is win.claim) for one in claims]
    return sorted(listed, key=lambda one: (not one.wins, one.status != "live", -one.confidence))


def contender(claim: Claim, winner: bool) -> Contender:
    """One claim as the pages show it."""
    return Contender(
        source=claim.source,
        value=text(claim.value),
        confidence=claim.confidence,
        since=claim.stamp.since,
        method=claim.stamp.method,
        status=claim.status,
        checked=claim.checked,
        wins=winner,
    )


def correctable(claim: ReviewClaim) -> JsonObject:
    """The elements that a correction starts from: as proposed, or as they stand where absence is proposed."""
    member = member_of(claim.unit)
    value: Json = claim.proposed if claim.proposed is not None else claim.current
    if isinstance(value, list):
        return {member: value}
    return value if isinstance(value, dict) else {member: None}


def editable(claim: ReviewClaim) -> str:
    """The same as JSON text for people to edit."""
    return pretty(correctable(claim)).decode()
