"""``/platform/review``: what waits for a reviewer, and what is decided about it. The items are Tasks."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from fastapi import APIRouter, Query
from pydantic import Field, JsonValue

from fhirserver.kernel.instants import instant, parse_instant
from fhirserver.kernel.json import JsonObject, dumps
from fhirserver.rest.platform.described import problems
from fhirserver.rest.platform.rights import Asked, Right, needs
from fhirserver.rest.platform.shapes import (
    REFERENCE,
    Cursor,
    Id,
    Instant,
    Limit,
    Line,
    Link,
    Page,
    Sent,
    Told,
    not_there,
)
from fhirserver.rest.platform.versions import IfMatch
from fhirserver.world.review import PENDING, kind_of, read_item, reason_codes
from fhirserver.world.review_rules import holder
from fhirserver.world.vocabulary import REVIEW_REASON, SOURCE_PREFIX, TASK_CODE

router = APIRouter(prefix="/review", tags=["review"])

Operating = Annotated[Asked, needs(Right.OPERATE)]
Status: TypeAlias = Literal["requested", "accepted", "in-progress", "completed", "cancelled"]
Priority: TypeAlias = Literal["routine", "urgent", "asap", "stat"]
Order: TypeAlias = Literal["priority", "oldest", "newest"]
ItemId = Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,64}$")]
Unit = Annotated[str, Field(min_length=1, max_length=500)]
_SORTS: dict[Order, str] = {
    "priority": "-priority,authored-on",
    "oldest": "authored-on",
    "newest": "-authored-on",
}
MOST_ITEMS = 100
_CODE = r"^[A-Za-z0-9.-]{0,64}$"


class ReviewItem(Told):
    """Something that waits for a reviewer. `kind` is `claims`, `duplicate` or another; `holder` who has it now."""

    id: str
    task: Link
    kind: str
    status: str
    priority: str
    reasons: list[str]
    about: Link | None = None
    patient: Link | None = None
    conversation: Link | None = None
    units: list[str]
    holder: str = ""
    made: Instant | None = None
    due: Instant | None = None


class Approval(Sent):
    """Which claims: all of the item where no unit is named. `survivor`: of two patients who are one, who is left."""

    units: Annotated[list[Unit], Field(max_length=100)] = []
    survivor: Annotated[str, Field(pattern=r"^(Patient/[A-Za-z0-9.-]{1,64})?$")] = ""


class Rejection(Sent):
    """Which claims are wrong, and why."""

    reason: Line
    units: Annotated[list[Unit], Field(max_length=100)] = []


class Correction(Sent):
    """The right elements as FHIR JSON, `null` for what is absent: `{"birthDate": "1980-02-01"}`."""

    value: Annotated[dict[str, JsonValue], Field(min_length=1, max_length=100)]


class Undoing(Sent):
    """Which decisions are taken back."""

    units: Annotated[list[Unit], Field(max_length=100)] = []
    reason: Annotated[str, Field(max_length=200)] = ""


class Items(Sent):
    """Several items; each is decided by itself."""

    items: Annotated[
        list[Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,64}$")]],
        Field(min_length=1, max_length=MOST_ITEMS),
    ]


class ItemsRejected(Items):
    """Several items that are wrong for one reason."""

    reason: Line


class Decided(Told):
    """What the decision on the item alone would have answered."""

    id: str
    status: int
    detail: str = ""


class AllDecided(Told):
    """What became of each, in the order asked."""

    results: list[Decided]


class ReviewerCounts(Told):
    """What one reviewer did."""

    name: str
    items: int
    decisions: dict[str, int]
    seconds_to_decision: dict[str, float]


class ReviewCounts(Told):
    """The queue and the decisions on it, of the items made from `start` to `end`."""

    start: Instant
    end: Instant
    complete: bool
    items: int
    counts: dict[str, dict[str, int]]
    seconds_to_decision: dict[str, float]
    reviewers: list[ReviewerCounts]


@router.get("", summary="List review items")
async def list_review_items(
    asked: Operating,
    status: Annotated[list[Status] | None, Query(description="Those that wait where none is said")] = None,
    priority: Priority | None = None,
    reason: Annotated[str, Query(pattern=_CODE)] = "",
    patient: Annotated[str, Query(pattern=r"^(Patient/[A-Za-z0-9.-]{1,64})?$")] = "",
    about: Annotated[str, Query(pattern=f"^({REFERENCE[1:-1]})?$", max_length=105)] = "",
    held_by: Annotated[str, Query(max_length=200, pattern=r"^[^|,\\$]*$")] = "",
    since: Annotated[Instant | None, Query(alias="from")] = None,
    until: Annotated[Instant | None, Query(alias="to")] = None,
    order: Order = "priority",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Page[ReviewItem]:
    """The queue."""
    optional = (
        ("priority", priority or ""),
        ("_tag", f"{REVIEW_REASON}|{reason}" if reason else ""),
        ("patient", patient),
        ("focus", about),
        ("owner:identifier", f"{SOURCE_PREFIX}principal|{held_by}" if held_by else ""),
        ("authored-on", f"ge{instant(since)}" if since else ""),
        ("authored-on", f"lt{instant(until)}" if until else ""),
    )
    statuses = ",".join(status or PENDING)
    params = [("code", f"{TASK_CODE}|review"), ("status", statuses), ("_sort", _SORTS[order])]
    params += [pair for pair in optional if pair[1]]
    found = await asked.fhir.search("Task", params, limit, cursor)
    items = [told for task in found.resources if (told := _item(asked, task)) is not None]
    return Page(items=items, next=found.next)


@router.get("/statistics", summary="Review in figures")
async def read_review_statistics(
    asked: Operating,
    since: Annotated[
        Instant | None, Query(alias="from", description="30 days ago where it is not said")
    ] = None,
    until: Annotated[Instant | None, Query(alias="to")] = None,
) -> ReviewCounts:
    """Counts by status, priority, reason, outcome and decision, how long it took, and by whom."""
    bounds = (("start", since), ("end", until))
    params = [(name, instant(at)) for name, at in bounds if at]
    return _counts(await asked.fhir.ask("review-statistics", "Task", params=params))


@router.post("/approve", summary="Approve several items", responses=problems(413))
async def approve_review_items(sent: Items, asked: Operating) -> AllDecided:
    """Each by itself: one that cannot be approved holds no other up."""
    return _results(await asked.fhir.operate("approve", "Task", item=[f"Task/{one}" for one in sent.items]))


@router.post("/reject", summary="Reject several items", responses=problems(413))
async def reject_review_items(sent: ItemsRejected, asked: Operating) -> AllDecided:
    """Each by itself, for one reason."""
    items = [f"Task/{one}" for one in sent.items]
    return _results(await asked.fhir.operate("reject", "Task", item=items, reason=sent.reason))


@router.get("/{id}", summary="A review item", responses=problems(404, 410))
async def read_review_item(id: Id, asked: Operating) -> ReviewItem:
    """What the claims are, and on what evidence, the Task says."""
    return _told(asked, await asked.fhir.read("Task", id))


@router.post("/{id}/claim", summary="Take an item", responses=problems(404, 409, 410, 412, 423))
async def claim_review_item(id: Id, asked: Operating, if_match: IfMatch = "") -> ReviewItem:
    """So that nobody else can decide it, for a while."""
    return await _decided(asked, id, "claim", if_match)


@router.post("/{id}/release", summary="Give an item back", responses=problems(404, 409, 410, 412, 423))
async def release_review_item(id: Id, asked: Operating, if_match: IfMatch = "") -> ReviewItem:
    """Only who holds it can."""
    return await _decided(asked, id, "release", if_match)


@router.post("/{id}/approve", summary="Approve claims", responses=problems(404, 409, 410, 412, 423))
async def approve_review_item(id: Id, sent: Approval, asked: Operating, if_match: IfMatch = "") -> ReviewItem:
    """They are confirmed (0.95), and supersede what they contradict; two patients who are one are merged."""
    given = {"unit": list(sent.units), **({"survivor": sent.survivor} if sent.survivor else {})}
    return await _decided(asked, id, "approve", if_match, **given)


@router.post("/{id}/reject", summary="Reject claims", responses=problems(404, 409, 410, 412, 423))
async def reject_review_item(id: Id, sent: Rejection, asked: Operating, if_match: IfMatch = "") -> ReviewItem:
    """They fall to 0.0; two patients stay two."""
    return await _decided(asked, id, "reject", if_match, reason=sent.reason, unit=list(sent.units))


@router.post("/{id}/correct", summary="Correct values", responses=problems(404, 409, 410, 412, 423))
async def correct_review_item(
    id: Id, sent: Correction, asked: Operating, if_match: IfMatch = ""
) -> ReviewItem:
    """The right values (1.0) take the place of every claim."""
    return await _decided(asked, id, "correct", if_match, value=dumps(sent.value).decode())


@router.post("/{id}/undo", summary="Take decisions back", responses=problems(404, 409, 410, 412, 423))
async def undo_review_item(id: Id, sent: Undoing, asked: Operating, if_match: IfMatch = "") -> ReviewItem:
    """The item is open again."""
    given = {"unit": list(sent.units), **({"reason": sent.reason} if sent.reason else {})}
    return await _decided(asked, id, "undo", if_match, **given)


async def _decided(asked: Asked, id: str, name: str, if_match: str, **inputs: object) -> ReviewItem:
    task = await asked.fhir.operate(name, "Task", id, if_match, **inputs)
    return _told(asked, task)


def _told(asked: Asked, task: JsonObject) -> ReviewItem:
    told = _item(asked, task)
    if told is None:
        raise not_there("review item")
    return told


def _item(asked: Asked, task: JsonObject) -> ReviewItem | None:
    """The item that a Task is; None for one that is none, or that somebody made to look like one."""
    try:
        item = read_item(task)
    except ValueError:
        return None
    link = asked.link(f"Task/{task['id']}")
    assert link is not None
    return ReviewItem(
        id=task["id"],
        task=link,
        kind=kind_of(task),
        status=str(task.get("status", "")),
        priority=str(task.get("priority", "routine")),
        reasons=reason_codes(task),
        about=_reference(asked, task, "focus"),
        patient=_reference(asked, task, "for"),
        conversation=_reference(asked, task, "reasonReference"),
        units=list(dict.fromkeys(claim.unit for claim in item.every)),
        holder=holder(item, instant(asked.platform.context.clock.now())),
        made=_moment(task.get("authoredOn")),
        due=_moment(item.due),
    )


def _reference(asked: Asked, task: JsonObject, name: str) -> Link | None:
    return asked.link(str(task.get(name, {}).get("reference", "")))


def _moment(text: Any) -> Any:
    return parse_instant(text) if isinstance(text, str) and "T" in text else None


def _results(answer: JsonObject) -> AllDecided:
    told = []
    for one in answer.get("parameter", ()):
        parts = {part["name"]: part for part in one.get("part", ())}
        issues = parts.get("outcome", {}).get("resource", {}).get("issue") or [{}]
        id = str(parts["item"]["valueReference"]["reference"]).removeprefix("Task/")
        detail = str(issues[0].get("diagnostics", ""))
        told.append(Decided(id=id, status=parts["status"]["valueInteger"], detail=detail))
    return AllDecided(results=told)


def _counts(answer: JsonObject) -> ReviewCounts:
    parts = list(answer.get("parameter", ()))
    single = {one["name"]: one for one in parts}
    return ReviewCounts(
        start=single["start"]["valueInstant"],
        end=single["end"]["valueInstant"],
        complete=single["complete"]["valueBoolean"],
        items=single["items"]["valueUnsignedInt"],
        counts=_by_name(parts),
        seconds_to_decision=_took(single.get("timeToDecision", {})),
        reviewers=[_reviewer(one) for one in parts if one["name"] == "reviewer"],
    )


def _by_name(parts: list[JsonObject]) -> dict[str, dict[str, int]]:
    """``{"status": {"requested": 3}}``: the parts that count by a code."""
    found: dict[str, dict[str, int]] = {}
    for one in parts:
        inner = {part["name"]: part for part in one.get("part", ())}
        if inner.keys() == {"code", "count"}:
            code = inner["code"]["valueCode"]
            found.setdefault(one["name"], {})[code] = inner["count"]["valueUnsignedInt"]
    return found


def _took(part: JsonObject) -> dict[str, float]:
    told = {one["name"]: one for one in part.get("part", ())}
    return {
        name: float(one["valueQuantity"]["value"]) for name, one in told.items() if "valueQuantity" in one
    }


def _reviewer(part: JsonObject) -> ReviewerCounts:
    parts = part.get("part", [])
    single = {one["name"]: one for one in parts}
    return ReviewerCounts(
        name=single["name"]["valueString"],
        items=single["items"]["valueUnsignedInt"],
        decisions=_by_name(parts).get("decision", {}),
        seconds_to_decision=_took(single.get("timeToDecision", {})),
    )
