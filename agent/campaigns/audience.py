"""Who is meant: the searches of an audience become a Group (https://hl7.org/fhir/R4/group.html) and one
CommunicationRequest for each patient, as often as it is done the same ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from agent.campaigns.definition import Audience, Campaign
from agent.campaigns.members import CAMPAIGN, MEMBER, new_member
from agent.campaigns.runs import RUN, Run
from agent.campaigns.search_text import filled, patients_of
from agent.tools.client import FhirClient, Unreachable, next_page
from fhirserver.kernel.json import JsonObject

_AT_ONCE = 100
"""Members that one transaction makes."""
_PAGE = 500
_MOST_ABOUT = 10


class BadSearch(ValueError):
    """A search that the server refuses; the message is what it says of it."""


async def people_of(
    client: FhirClient, audience: Audience, zone: str, at: datetime
) -> Mapping[str, tuple[str, ...]]:
    """References of patients, each with what was found about it (empty where the patient was found). Raises
    :class:`BadSearch`, :class:`Unreachable`."""
    found: dict[str, dict[str, None]] = {}
    for text in audience.searches:
        async for resource in _matches(client, text, zone, at):
            about = f"{resource['resourceType']}/{resource['id']}"
            for patient in patients_of(resource):
                of = found.setdefault(patient, {})
                if about != patient and len(of) < _MOST_ABOUT:
                    of[about] = None
    for text in audience.except_:
        async for resource in _matches(client, text, zone, at):
            for patient in patients_of(resource):
                found.pop(patient, None)
    return {patient: tuple(about) for patient, about in list(found.items())[: audience.most]}


async def _matches(client: FhirClient, text: str, zone: str, at: datetime) -> AsyncIterator[JsonObject]:
    type, params = filled(text, at.astimezone(ZoneInfo(zone)).date())
    params.append(("_count", str(_PAGE)))
    if type == "Patient":
        params.append(("_elements", "id"))
    path = f"{type}?{urlencode(params)}"
    while path:
        answer = await client.get(path)
        if answer.status == 400:
            issue: JsonObject = next(iter(answer.body.get("issue", ())), {})
            raise BadSearch(
                str(issue.get("diagnostics") or issue.get("details", {}).get("text") or "refused")
            )
        if not answer.ok:
            raise Unreachable(f"HTTP {answer.status}")
        for entry in answer.body.get("entry", ()):
            if entry.get("search", {}).get("mode", "match") == "match":
                yield entry["resource"]
        path = next_page(path, answer.body)


def group(run: Run, goal: str, patients: Sequence[str]) -> JsonObject:
    """The audience as FHIR readers see it."""
    return {
        "resourceType": "Group",
        "identifier": [{"system": RUN, "value": run.key}, {"system": CAMPAIGN, "value": run.campaign}],
        "active": True,
        "type": "person",
        "actual": True,
        "name": goal,
        "quantity": len(patients),
        "member": [{"entity": {"reference": patient}} for patient in patients],
    }


async def put_members(
    client: FhirClient,
    run: Run,
    campaign: Campaign,
    people: Mapping[str, Sequence[str]],
    due: datetime,
    now: datetime,
    headers: Mapping[str, str],
) -> None:
    """Make the CommunicationRequests that are not there yet. Raises :class:`Unreachable`; done again it does the
    rest."""
    made = [
        new_member(run.campaign, run.reference, campaign.purpose, patient, about, due, now)
        for patient, about in people.items()
    ]
    for start in range(0, len(made), _AT_ONCE):
        await put(client, made[start : start + _AT_ONCE], headers)


async def put(client: FhirClient, members: Sequence[JsonObject], headers: Mapping[str, str]) -> None:
    """One transaction of members, none of them twice. Raises :class:`Unreachable`."""
    if not members:
        return
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [member_entry(one) for one in members],
    }
    answer = await client.send("POST", "", bundle, headers)
    if not answer.ok:
        raise Unreachable(f"HTTP {answer.status} for members of a campaign")


def member_entry(one: JsonObject) -> JsonObject:
    key = one["identifier"][0]["value"]
    unless = f"identifier={quote(f'{MEMBER}|{key}', safe='')}"
    return {"resource": one, "request": {"method": "POST", "url": one["resourceType"], "ifNoneExist": unless}}
