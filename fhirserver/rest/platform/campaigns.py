"""``/platform/campaigns``: defined, checked, rehearsed, started, held, and how far they have come.

The definition is a Library, what FHIR readers see of it a PlanDefinition; who is reached is CommunicationRequests.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import StringConstraints

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Issue, Refusal, refuse
from fhirserver.ports.campaigns import Campaigns
from fhirserver.rest.platform.campaign_shapes import (
    CampaignCheck,
    CampaignChecked,
    CampaignDefined,
    CampaignDetail,
    CampaignListed,
    CampaignMember,
    CampaignProblem,
    CampaignProgress,
    CampaignRehearsal,
    CampaignRehearsed,
    CampaignStanding,
    CampaignStarted,
    CampaignTemplate,
    CampaignTemplates,
    DraftRehearsed,
    NewCampaign,
    PatientStopped,
    detailed,
    listed,
    member_told,
    progressed,
    rehearsed,
    standing_told,
)
from fhirserver.rest.platform.described import problems
from fhirserver.rest.platform.fhir import etag_of
from fhirserver.rest.platform.once import IdempotencyKey, once
from fhirserver.rest.platform.rights import Asked, Right, needs
from fhirserver.rest.platform.shapes import Cursor, Id, Limit, Page, not_there
from fhirserver.rest.platform.versions import IfMatch, check_match
from fhirserver.world.configuration import KIND, Configured, NoConfiguration, configured, library

router = APIRouter(prefix="/campaigns", tags=["campaigns"])

Reading = Annotated[Asked, needs(Right.READ)]
Acting = Annotated[Asked, needs(Right.ACT)]
Configuring = Annotated[Asked, needs(Right.CONFIGURE)]
_CAMPAIGN = "campaign"
PatientId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,64}$")]


@router.get("", summary="List campaigns", responses=problems(409))
async def list_campaigns(
    asked: Reading,
    status: Annotated[Literal["", "draft", "active", "retired"], Query()] = "",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Page[CampaignListed]:
    """Those that are kept, by the time of their last change."""
    params = [("type", f"{KIND}|{_CAMPAIGN}"), ("_sort", "-_lastUpdated")]
    found = await asked.fhir.search(
        "Library", [*params, *([("status", status)] if status else [])], limit, cursor
    )
    return Page(items=[listed(asked, one) for one in map(_read, found.resources) if one], next=found.next)


@router.post("/check", summary="Check a definition", responses=problems(409))
async def check_campaign(sent: CampaignChecked, asked: Reading) -> CampaignCheck:
    """What is wrong with it, and where; nothing is kept."""
    found = _desk(asked).check(sent.document)
    told = [CampaignProblem(pointer=one.pointer, detail=one.detail) for one in found]
    return CampaignCheck(valid=not told, problems=told)


@router.post("/rehearse", summary="Rehearse a definition", responses=problems(409))
async def rehearse_draft(sent: DraftRehearsed, asked: Acting) -> CampaignRehearsal:
    """A dry run of a definition that is not kept: who would be reached when, who not and why."""
    return rehearsed(asked, await _desk(asked).rehearse(sent.document, sent.most, sent.at))


@router.post("", status_code=201, summary="Keep a new campaign", responses=problems(409, 412))
async def create_campaign(sent: NewCampaign, asked: Configuring, response: Response) -> CampaignDetail:
    """It is refused where something is wrong with it, or where there is one of this id (412)."""
    return await _keep(asked, sent.id, sent, response, only_new=True)


@router.get("/templates", summary="Campaigns that are shipped", responses=problems(409))
async def list_campaign_templates(asked: Reading) -> CampaignTemplates:
    """Documents to begin with, with their words in English and Spanish."""
    told = [
        CampaignTemplate(id=one.id, title=one.title, description=one.description, document=dict(one.document))
        for one in _desk(asked).templates()
    ]
    return CampaignTemplates(items=told)


@router.get("/{id}", summary="A campaign", responses=problems(404, 409, 410))
async def read_campaign(id: Id, asked: Reading, response: Response) -> CampaignDetail:
    """Its definition as it is now; what is under way goes by the version that it was started with."""
    found = await _found(asked, id)
    response.headers["ETag"] = f'W/"{found.revision}"'
    return detailed(asked, found, await _desk(asked).standing(id))


@router.put("/{id}", summary="Change a campaign", responses=problems(404, 409, 410, 412))
async def update_campaign(
    id: Id, sent: CampaignDefined, asked: Configuring, response: Response, if_match: IfMatch = ""
) -> CampaignDetail:
    """What is under way is not touched by it."""
    found = await _found(asked, id)
    check_match(if_match, f'W/"{found.revision}"')
    return await _keep(asked, id, sent, response, if_match)


@router.post("/{id}/rehearse", summary="Rehearse a campaign", responses=problems(404, 409, 410))
async def rehearse_campaign(id: Id, sent: CampaignRehearsed, asked: Acting) -> CampaignRehearsal:
    """A dry run: nobody is reached."""
    found = await _found(asked, id)
    return rehearsed(asked, await _desk(asked).rehearse(found.document, sent.most, sent.at))


@router.post("/{id}/start", status_code=201, summary="Start a campaign", responses=problems(404, 409, 410))
async def start_campaign(id: Id, asked: Acting, key: IdempotencyKey = "") -> CampaignStarted:
    """As it is defined now. 409 where it is under way, or retired."""
    found = await _found(asked, id)

    async def work() -> CampaignStarted:
        return CampaignStarted(control=asked.link(await _desk(asked).start(id, asked.name)))

    body = CampaignListed(id=id, title=found.title, status="active", library=None)
    started, repeated = await once(asked, key, "start-campaign", body, work, CampaignStarted)
    return started.model_copy(update={"repeated": repeated})


@router.post("/{id}/pause", summary="Pause a campaign", responses=problems(404, 409, 410))
async def pause_campaign(id: Id, asked: Acting) -> CampaignStanding:
    """It holds before the next attempt; calls that go on are not cut off."""
    return await _changed(asked, id, "pause")


@router.post("/{id}/resume", summary="Resume a campaign", responses=problems(404, 409, 410))
async def resume_campaign(id: Id, asked: Acting) -> CampaignStanding:
    """It goes on."""
    return await _changed(asked, id, "resume")


@router.post("/{id}/cancel", summary="Cancel a campaign", responses=problems(404, 409, 410))
async def cancel_campaign(id: Id, asked: Acting) -> CampaignStanding:
    """It ends, and everyone who waits is left out."""
    return await _changed(asked, id, "cancel")


@router.post(
    "/{id}/patients/{patient}/stop", summary="Stop reaching a patient", responses=problems(404, 409, 410)
)
async def stop_patient(id: Id, patient: PatientId, asked: Acting) -> PatientStopped:
    """The patient is left out of this campaign from now on."""
    await _found(asked, id)
    return PatientStopped(stopped=await _desk(asked).stop(id, f"Patient/{patient}", asked.name))


@router.get("/{id}/progress", summary="How far a campaign has come", responses=problems(404, 409, 410))
async def read_campaign_progress(id: Id, asked: Reading) -> CampaignProgress:
    """Counted now, over all its runs."""
    await _found(asked, id)
    return progressed(asked, await _desk(asked).progress(id))


@router.get("/{id}/members", summary="List the patients of a campaign", responses=problems(404, 409, 410))
async def list_campaign_members(
    id: Id,
    asked: Reading,
    state: Annotated[str, Query(pattern=r"^[a-z-]{0,30}$", description="`waiting`, or an outcome")] = "",
    patient: Annotated[
        str, Query(pattern=r"^[A-Za-z0-9.-]{0,64}$", description="The id of one patient")
    ] = "",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Page[CampaignMember]:
    """With what became of each and why, those that are due first coming first."""
    await _found(asked, id)
    whom = f"Patient/{patient}" if patient else ""
    found = await _desk(asked).members(id, state, whom, limit, cursor)
    return Page(items=[member_told(asked, one) for one in found.items], next=found.next or None)


def _desk(asked: Asked) -> Campaigns:
    found = asked.platform.campaigns
    if found is None:
        raise refuse(
            Category.CONFLICT, "not-supported", "Campaigns are off: see [campaigns] in docs/settings.md"
        )
    return found


def _read(resource: dict[str, object]) -> Configured | None:
    try:
        return configured(resource)
    except NoConfiguration:
        return None


async def _found(asked: Asked, id: str) -> Configured:
    found = _read(await asked.fhir.read("Library", id))
    if found is None or found.kind != _CAMPAIGN:
        raise not_there("campaign")
    return found


async def _changed(asked: Asked, id: str, action: str) -> CampaignStanding:
    await _found(asked, id)
    return standing_told(asked, await _desk(asked).change(id, action, asked.name))


async def _keep(
    asked: Asked,
    id: str,
    sent: CampaignDefined,
    response: Response,
    if_match: str = "",
    only_new: bool = False,
) -> CampaignDetail:
    """Store both resources; refuses (422) a definition that is wrong, with every place."""
    desk = _desk(asked)
    wrong = desk.check(sent.document)
    if wrong:
        raise Refusal(
            Category.UNPROCESSABLE,
            [Issue("invalid", one.detail, (f"/document{one.pointer}",)) for one in wrong],
        )
    plan = desk.plan(id, sent.title, sent.document, sent.status)
    await _not_of_others(asked, plan)
    kept = Configured(_CAMPAIGN, id, sent.title, sent.document, sent.status, sent.version, sent.description)
    stored = await asked.fhir.update(library(kept), if_match, only_new)
    await asked.fhir.update(plan)
    response.headers["ETag"] = etag_of(stored)
    if only_new:
        response.headers["Location"] = f"{asked.base}/campaigns/{id}"
    return detailed(asked, configured(stored), await desk.standing(id))


async def _not_of_others(asked: Asked, plan: JsonObject) -> None:
    """A PlanDefinition that somebody else keeps under this id is not overwritten (409)."""
    there = await asked.fhir.find("PlanDefinition", str(plan["id"]))
    if there is not None and there.get("url") != plan["url"]:
        text = f"PlanDefinition/{plan['id']} is not a campaign's: give the campaign another id"
        raise refuse(Category.CONFLICT, "conflict", text, "id")
