"""How campaigns look at ``/platform``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.campaigns import Foreseen, MemberView, Progress, Rehearsal, Standing
from fhirserver.rest.platform.rights import Asked
from fhirserver.rest.platform.shapes import ID, Instant, Line, Link, Sent, Text, Told
from fhirserver.world.configuration import Configured

Document = Annotated[
    dict[str, Any],
    Field(max_length=40, description="The definition, as docs/campaigns.md describes it"),
]
State = Literal["draft", "active", "retired"]


class CampaignDefined(Sent):
    """A definition to be kept. `version` is the author's own word for it."""

    title: Line
    description: Text = ""
    version: Annotated[str, Field(max_length=40)] = ""
    status: State = "draft"
    document: Document


class NewCampaign(CampaignDefined):
    """The same with the id under which it is to be kept."""

    id: Annotated[str, Field(pattern=ID, max_length=64)]


class CampaignTemplate(Told):
    """A campaign that is shipped; its document can be kept as it is."""

    id: str
    title: str
    description: str
    document: dict[str, Any]


class CampaignTemplates(Told):
    """All that are shipped."""

    items: list[CampaignTemplate]


class CampaignChecked(Sent):
    """A definition to be looked at only."""

    document: Document


class CampaignRehearsed(Sent):
    """A dry run: of at most so many people, as if it were `at`."""

    most: Annotated[int, Field(ge=1, le=200)] = 50
    at: AwareDatetime | None = None


class DraftRehearsed(CampaignRehearsed):
    """The same of a definition that is not kept."""

    document: Document


class CampaignProblem(Told):
    """What is wrong, and where: a JSON Pointer into the document."""

    pointer: str
    detail: str


class CampaignCheck(Told):
    """Whether a definition can be carried out."""

    valid: bool
    problems: list[CampaignProblem]


class CampaignStanding(Told):
    """How it stands: `none` (never started), `in-progress`, `on-hold`, `completed`, `cancelled`."""

    status: str
    control: Link | None = None
    definition: Link | None = None
    started: Instant | None = None
    by: str = ""


class CampaignListed(Told):
    """A campaign."""

    id: str
    title: str
    status: State
    library: Link | None


class CampaignDetail(CampaignListed):
    """A campaign with its definition; `standing` is how the latest start of it stands."""

    description: str
    version: str
    document: dict[str, Any]
    plan: Link | None
    standing: CampaignStanding


class PersonForeseen(Told):
    """What would happen with one patient: `reach`, `wait`, `settle` or `leave out`, and why."""

    patient: Link | None
    what: str
    why: str
    channel: str
    at: Instant | None
    about: list[Link]
    zones: list[str]


class CampaignRehearsal(Told):
    """What a dry run found: `found` is everyone of the audience, `counts` are over `people`, `off` are channels of the
    campaign that cannot be used, and why."""

    found: int
    counts: dict[str, int]
    people: list[PersonForeseen]
    next_runs: list[Instant]
    off: dict[str, str]


class CampaignRun(Told):
    """One firing of a trigger: a Task. `why` is why it does not go on as it would, or why it failed."""

    run: Link | None
    status: str
    due: Instant | None
    why: str = ""


class CampaignProgress(Told):
    """How far it has come: members by `waiting` or outcome, attempts by channel and status, when the next is due."""

    standing: CampaignStanding
    members: int
    states: dict[str, int]
    channels: dict[str, dict[str, int]]
    next: Instant | None
    runs: list[CampaignRun]


class CampaignMember(Told):
    """One patient: `request` is the CommunicationRequest. `outcome` is `waiting` until there is one; `next` is when it
    is looked at, `why` why not before, or why it ended."""

    request: Link | None
    patient: Link | None
    run: Link | None
    status: str
    outcome: str
    why: str
    next: Instant | None
    about: list[Link]


class PatientStopped(Told):
    """How many outreaches were ended."""

    stopped: int


class CampaignStarted(Told):
    """The Task that says that it is under way."""

    control: Link | None
    repeated: bool = False


def standing_told(asked: Asked, one: Standing) -> CampaignStanding:
    return CampaignStanding(
        status=one.status,
        control=asked.link(one.control),
        definition=asked.link(one.definition.partition("/_history")[0]),
        started=parse_instant(one.started) if one.started else None,
        by=one.by,
    )


def listed(asked: Asked, found: Configured) -> CampaignListed:
    return CampaignListed(
        id=found.id, title=found.title, status=_state(found.status), library=asked.link(found.reference)
    )


def detailed(asked: Asked, found: Configured, standing: Standing) -> CampaignDetail:
    return CampaignDetail(
        **listed(asked, found).model_dump(),
        description=found.description,
        version=found.version,
        document=found.document,
        plan=asked.link(f"PlanDefinition/{found.id}"),
        standing=standing_told(asked, standing),
    )


def _state(status: str) -> State:
    return "active" if status == "active" else "retired" if status == "retired" else "draft"


def rehearsed(asked: Asked, found: Rehearsal) -> CampaignRehearsal:
    return CampaignRehearsal(
        found=found.found,
        counts=dict(found.counts),
        people=[_foreseen(asked, one) for one in found.people],
        next_runs=list(found.next_runs),
        off=dict(found.off),
    )


def _foreseen(asked: Asked, one: Foreseen) -> PersonForeseen:
    return PersonForeseen(
        patient=asked.link(one.patient),
        what=one.what,
        why=one.why,
        channel=one.channel,
        at=one.at,
        about=_links(asked, one.about),
        zones=list(one.zones),
    )


def progressed(asked: Asked, found: Progress) -> CampaignProgress:
    return CampaignProgress(
        standing=standing_told(asked, found.standing),
        members=found.members,
        states=dict(found.states),
        channels={channel: dict(counts) for channel, counts in found.channels.items()},
        next=found.next,
        runs=[_run(asked, one) for one in found.runs],
    )


def _run(asked: Asked, one: JsonObject) -> CampaignRun:
    due = str(one.get("due") or "")
    return CampaignRun(
        run=asked.link(str(one["reference"])),
        status=str(one["status"]),
        due=parse_instant(due) if due else None,
        why=str(one.get("why") or ""),
    )


def member_told(asked: Asked, one: MemberView) -> CampaignMember:
    return CampaignMember(
        request=asked.link(one.request),
        patient=asked.link(one.patient),
        run=asked.link(one.run),
        status=one.status,
        outcome=one.outcome,
        why=one.why,
        next=parse_instant(one.next) if one.next else None,
        about=_links(asked, one.about),
    )


def _links(asked: Asked, references: Any) -> list[Link]:
    return [link for one in references if (link := asked.link(one)) is not None]
