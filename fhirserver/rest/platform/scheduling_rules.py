"""``/platform/scheduling-rules``: rule sets, and what they take away and why."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, Field, StringConstraints

from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.agents import Explanation, Looked
from fhirserver.rest.platform.configuring import (
    Change,
    Checked,
    NewId,
    OwnId,
    Titled,
    Validation,
    agents_of,
    change,
    libraries,
    link,
    refuse_faults,
    validation,
    with_etag,
)
from fhirserver.rest.platform.described import problems
from fhirserver.rest.platform.rights import Asked, Right, needs
from fhirserver.rest.platform.shapes import Cursor, Limit, Link, Page, Sent, Told, not_there, paged, wrong
from fhirserver.rest.platform.versions import IfMatch
from fhirserver.world.configuration import Configured
from fhirserver.world.configured.parts import Practitioner, Zone, written
from fhirserver.world.configured.scheduling_rules import SchedulingRules

router = APIRouter(prefix="/scheduling-rules", tags=["scheduling rules"])

Reading = Annotated[Asked, needs(Right.READ)]
Configuring = Annotated[Asked, needs(Right.CONFIGURE)]
KIND = "scheduling-rules"
_LONGEST = timedelta(days=120)
"""Of one explanation."""
SlotId = Annotated[str, StringConstraints(pattern=r"^(?:Slot/)?[A-Za-z0-9.-]{1,64}$")]
Patient = Annotated[str, StringConstraints(pattern=r"^Patient/[A-Za-z0-9.-]{1,64}$")]
Appointment = Annotated[str, StringConstraints(pattern=r"^Appointment/[A-Za-z0-9.-]{1,64}$")]


class SentRules(Titled):
    """A rule set, whole. It is in force with the next search of whoever uses it."""

    document: SchedulingRules


class NewRules(SentRules):
    """`id` is what an agent names it by."""

    id: NewId


class Rules(Told):
    """A rule set."""

    id: str
    title: str
    description: str
    document: SchedulingRules
    library: Link


class RulesListed(Told):
    """A rule set in a list."""

    id: str
    title: str
    description: str
    library: Link


class Question(Sent):
    """Which slots are meant: free ones that begin from `first` until before `last`, of them only `slots` where any are
    named. `patient` and `moves` (the appointment to be moved) matter to rules about patients. `document` is tried in
    place of what is stored, `now` in place of this moment. `zone`: of the practice, where the rules name none."""

    first: AwareDatetime | None = None
    last: AwareDatetime | None = None
    now: AwareDatetime | None = None
    zone: Zone = "America/New_York"
    practitioner: Practitioner | None = None
    patient: Patient | None = None
    moves: Appointment | None = None
    slots: Annotated[list[SlotId], Field(max_length=200)] = []
    limit: Annotated[int, Field(ge=1, le=1000)] = 200
    document: SchedulingRules | None = None


class Removed(Told):
    """A rule that takes the slot away, and why."""

    rule: str
    reason: str


class SlotExplained(Told):
    """A free slot. `offered`: no rule takes it away. Times are the practice's."""

    slot: Link
    start: AwareDatetime
    end: AwareDatetime
    practitioner: str
    practitioner_name: str
    location: str
    offered: bool
    removed_by: list[Removed]


class Explained(Told):
    """`counts`: by rule, how many slots it takes away; several may take the same. `more`: not all are shown."""

    zone: str
    slots: list[SlotExplained]
    offered: int
    counts: dict[str, int]
    more: bool


@router.get("", summary="List the rule sets")
async def list_scheduling_rules(asked: Reading, limit: Limit = 50, cursor: Cursor = "") -> Page[RulesListed]:
    """By their ids."""
    found, following = await libraries(asked).page(KIND, ("_sort", "_id"), limit=limit, cursor=cursor)
    items = [
        RulesListed(id=one.id, title=one.title, description=one.description, library=link(asked, one))
        for one in found
    ]
    return Page[RulesListed](items=items, next=following or None)


@router.post("", status_code=201, summary="Make a rule set", responses=problems(409))
async def create_scheduling_rules(sent: NewRules, asked: Configuring, response: Response) -> Rules:
    """Nothing changes by it until an agent names it."""
    made = await _write(asked, sent.id, sent, only_new=True)
    response.headers["Location"] = f"{asked.base}/scheduling-rules/{sent.id}"
    with_etag(response, made)
    return _rules(asked, made)


@router.get("/{id}", summary="A rule set", responses=problems(404))
async def read_scheduling_rules(id: OwnId, asked: Reading, response: Response) -> Rules:
    """As it is in force."""
    found = await libraries(asked).read(KIND, id)
    with_etag(response, found)
    return _rules(asked, found)


@router.put("/{id}", summary="Change a rule set", responses=problems(404, 409, 412))
async def change_scheduling_rules(
    id: OwnId, sent: SentRules, asked: Configuring, response: Response, if_match: IfMatch = ""
) -> Rules:
    """The whole of it, in force for conversations that begin from now on."""
    await libraries(asked).read(KIND, id)
    changed = await _write(asked, id, sent, if_match)
    with_etag(response, changed)
    return _rules(asked, changed)


@router.delete("/{id}", status_code=204, summary="Delete a rule set", responses=problems(404, 409, 412))
async def delete_scheduling_rules(id: OwnId, asked: Configuring, if_match: IfMatch = "") -> None:
    """One that an agent in force names is kept (409): without it that agent would offer nothing."""
    for agent in await libraries(asked).all("agent", ("status", "active")):
        if agent.document.get("scheduling_rules") == id:
            text = f"The agent '{agent.id}' that is in force uses it"
            raise refuse(Category.CONFLICT, "conflict", text)
    await libraries(asked).delete(KIND, id, if_match)


@router.get("/{id}/history", summary="How a rule set came about", responses=problems(404))
async def scheduling_rules_history(
    id: OwnId, asked: Reading, limit: Limit = 50, cursor: Cursor = ""
) -> Page[Change]:
    """Every change with who made it, the latest first."""
    await libraries(asked).read(KIND, id)
    past = await libraries(asked).history(id)
    return paged([(f"{number:06}", change(one)) for number, one in enumerate(past)], cursor, limit)


@router.post("/{id}/validate", summary="What is wrong with rules", responses=problems(404))
async def validate_scheduling_rules(id: OwnId, sent: Checked, asked: Reading) -> Validation:
    """Of what is stored, or of a document that is sent; nothing is stored."""
    document = (await libraries(asked).read(KIND, id)).document if sent.document is None else sent.document
    return validation(agents_of(asked).check(KIND, document))


@router.post("/{id}/explain", summary="Which rule takes which slot away", responses=problems(404))
async def explain_scheduling_rules(id: OwnId, sent: Question, asked: Reading) -> Explained:
    """Every free slot that is looked at with each rule that takes it away, and why; read as who asks may read."""
    stored = await libraries(asked).read(KIND, id)
    document = stored.document if sent.document is None else written(sent.document)
    if sent.document is not None:
        refuse_faults(asked, KIND, document)
    looked = _looked(sent, asked.platform.context.clock.now())
    found = await agents_of(asked).explain(document, looked, asked.principal)
    return _explained(asked, found)


def _looked(sent: Question, now: datetime) -> Looked:
    at = sent.now or now
    first = sent.first or at
    last = sent.last or first + timedelta(days=14)
    if not first < last <= first + _LONGEST:
        raise wrong("/last", f"'last' is after 'first', by at most {_LONGEST.days} days")
    return Looked(
        first,
        last,
        at,
        sent.zone,
        sent.practitioner or "",
        sent.patient or "",
        sent.moves or "",
        sent.limit,
        tuple(one.removeprefix("Slot/") for one in sent.slots),
    )


def _explained(asked: Asked, found: Explanation) -> Explained:
    slots = []
    for one in found.slots:
        to = asked.link(one.slot)
        if to is None:
            raise not_there("slot")
        removed = [Removed(rule=rule, reason=reason) for rule, reason in one.removed_by]
        slots.append(
            SlotExplained(
                slot=to,
                start=one.start,
                end=one.end,
                practitioner=one.practitioner,
                practitioner_name=one.practitioner_name,
                location=one.location,
                offered=not removed,
                removed_by=removed,
            )
        )
    offered = sum(one.offered for one in slots)
    return Explained(
        zone=found.zone, slots=slots, offered=offered, counts=dict(found.counts), more=found.more
    )


async def _write(
    asked: Asked, id: str, sent: SentRules, if_match: str = "", only_new: bool = False
) -> Configured:
    document = written(sent.document)
    refuse_faults(asked, KIND, document)
    stated = Configured(KIND, id, sent.title, document, "active", "", sent.description)
    return await libraries(asked).write(stated, if_match, only_new)


def _rules(asked: Asked, one: Configured) -> Rules:
    return Rules(
        id=one.id,
        title=one.title,
        description=one.description,
        document=SchedulingRules.model_validate(one.document),
        library=link(asked, one),
    )
