"""What the review pages show: items in a list, and one item's claims as a provenance diff."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fhirserver.interactions.exchange import Context
from fhirserver.kernel.json import Json, JsonObject, loads, pretty
from fhirserver.search.expression import And, Or, Query, SortKey, TokenIs
from fhirserver.world.review import PENDING, REVIEW, Item, ReviewClaim, read_item
from fhirserver.world.survivorship import Claim, wins
from fhirserver.world.units import member_of
from fhirserver.world.vocabulary import TASK_CODE, verification_status

PAGE = 100


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the queue."""

    id: str
    description: str
    priority: str
    status: str
    owner: str
    authored: str
    lowest: Decimal
    patient: str


@dataclass(frozen=True, slots=True)
class Contender:
    """One claim on a unit, as the diff shows it."""

    source: str
    value: str
    confidence: Decimal
    word: str
    since: str
    method: str
    status: str
    wins: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One unit of an item: what is proposed, what stands, who says what."""

    unit: str
    path: str
    proposed: Sequence[tuple[str, str]]
    current: Sequence[tuple[str, str]]
    claim: ReviewClaim
    word: str
    contenders: Sequence[Contender]
    json: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One item as its page shows it."""

    id: str
    task: JsonObject
    item: Item
    rows: Sequence[Row]
    patient: str
    summary: str


async def queue(context: Context) -> list[Listed]:
    """The pending items, urgent ones first, then the oldest."""
    where = And(
        (
            TokenIs("code", TASK_CODE, REVIEW),
            Or(tuple(TokenIs("status", None, status) for status in PENDING)),
        )
    )
    page = await context.store.search(Query("Task", where, (SortKey("authored-on", "date"),), PAGE))
    listed = [await _listed(context, loads(version.content)) for version in page.versions]
    return sorted(listed, key=lambda item: item.priority != "urgent")


async def _listed(context: Context, task: JsonObject) -> Listed:
    item = read_item(task)
    return Listed(
        id=task["id"],
        description=task.get("description", ""),
        priority=task.get("priority", "routine"),
        status=item.status,
        owner=item.owner,
        authored=task.get("authoredOn", ""),
        lowest=min((claim.confidence for claim in item.claims), default=Decimal(0)),
        patient=await name_of(context, task.get("for", {}).get("reference", "")),
    )


async def name_of(context: Context, reference: str) -> str:
    """A patient's name and birth date, or the reference itself."""
    type, _, id = reference.partition("/")
    version = await context.store.read(type, id) if id else None
    if version is None or version.deleted:
        return reference
    resource = loads(version.content)
    names = resource.get("name") or [{}]
    name = names[0] if isinstance(names, list) else {"text": names}
    text = name.get("text") or " ".join([*name.get("given", ()), name.get("family", "")]).strip()
    born = resource.get("birthDate")
    return f"{text or reference}{f', born {born}' if born else ''}"


async def shown(context: Context, id: str) -> Shown | None:
    """One item with its lineage, or None where there is none."""
    version = await context.store.read("Task", id)
    if version is None or version.deleted:
        return None
    task: JsonObject = loads(version.content)
    try:
        item = read_item(task)
    except ValueError:
        return None
    entity = await context.store.entity(*item.focus)
    won = wins(entity.ledger) if entity else {}
    rows = []
    for claim in item.every:
        win = won.get(claim.unit)
        claims = [*win.agreeing, *win.losing] if win else []
        contenders = [_contender(one, win is not None and one is win.claim) for one in claims]
        rows.append(_row(item, claim, contenders))
    patient = await name_of(context, task.get("for", {}).get("reference", ""))
    return Shown(id, task, item, rows, patient, task.get("description", ""))


def _row(item: Item, claim: ReviewClaim, contenders: Sequence[Contender]) -> Row:
    return Row(
        unit=claim.unit,
        path=f"{item.focus[0]}.{member_of(claim.unit).removesuffix('[x]')}",
        proposed=lines(claim.proposed),
        current=lines(claim.current),
        claim=claim,
        word=verification_status(claim.confidence),
        contenders=contenders,
        json=_editable(claim),
    )


def _contender(claim: Claim, winner: bool) -> Contender:
    return Contender(
        source=claim.source,
        value="; ".join(f"{label} {text}".strip() for label, text in lines(claim.value)) or "nothing",
        confidence=claim.confidence,
        word=verification_status(claim.confidence),
        since=claim.stamp.since,
        method=claim.stamp.method,
        status=claim.status,
        wins=winner,
    )


def _editable(claim: ReviewClaim) -> str:
    """The JSON a correction starts from: the elements as they are proposed."""
    value = claim.proposed
    if isinstance(value, list):
        value = {member_of(claim.unit): value}
    return pretty(value or {member_of(claim.unit): None}).decode()


def lines(value: Json) -> list[tuple[str, str]]:
    """A unit's value as (label, text) lines that people can read, without the JSON around it."""
    if value is None:
        return []
    return [(label, text) for label, text in _leaves(value, "") if not label.endswith("url")]


def _leaves(value: Json, label: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in ("extension", "system") or name.startswith("_"):
                continue
            yield from _leaves(inner, name if not label or label == name else f"{label} {name}")
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, label)
    else:
        yield label, str(value)
