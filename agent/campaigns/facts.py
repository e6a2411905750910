"""Everything that a decision rests on, asked for in one batch (https://hl7.org/fhir/R4/http.html#batch)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from agent.campaigns.contacts import contacts
from agent.campaigns.decision import Facts
from agent.campaigns.definition import Campaign
from agent.campaigns.members import Member, member
from agent.campaigns.preferences import BARRED, barred_name
from agent.campaigns.runs import Run, run_of
from agent.tools.client import FhirClient, Unreachable
from fhirserver.kernel.instants import Clock, instant
from fhirserver.kernel.json import JsonObject

_CONTACTS = 100
"""As many of the last communications with a patient are looked at; the limits of a month are below."""


@dataclass(frozen=True, slots=True)
class Found:
    """``run`` and the facts as they are now."""

    run: Run
    facts: Facts


@dataclass(frozen=True, slots=True)
class Wants:
    """What else is asked for: the patient's appointments to come, forms that were filled in since it was due."""

    upcoming: bool = False
    filled: bool = False


_NOTHING = Wants()


def wants_of(campaign: Campaign) -> Wants:
    """What the decisions of a campaign rest on."""
    return Wants(campaign.need == "not-rebooked", any(step.channel == "form" for step in campaign.channels))


async def facts_of(client: FhirClient, one: Member, clock: Clock, wants: Wants = _NOTHING) -> Found | None:
    """The facts about a member; None where it, or its run, is gone. Raises :class:`Unreachable`."""
    asked = [one.run, one.reference, *_asked(one, clock.now(), wants)]
    run, request, *rest = await read_all(client, asked)
    if not run or not request:
        return None
    return Found(run_of(run), _facts(member(request), clock.now(), rest, wants))


async def facts_about(client: FhirClient, one: Member, now: datetime, wants: Wants = _NOTHING) -> Facts:
    """The facts about a member that is on no record. Raises :class:`Unreachable`."""
    return _facts(one, now, await read_all(client, _asked(one, now, wants)), wants)


def _asked(one: Member, now: datetime, wants: Wants) -> list[str]:
    patient = one.patient
    asked = [
        patient,
        _search("Consent", ("patient", patient), ("_count", "200")),
        _search("Flag", ("patient", patient), ("_count", "200")),
        _search("Communication", ("patient", patient), ("_sort", "-sent"), ("_count", str(_CONTACTS))),
        *one.about,
    ]
    if wants.upcoming:
        asked.append(
            _search("Appointment", ("patient", patient), ("date", f"ge{instant(now)}"), ("_count", "50"))
        )
    if wants.filled:
        since = ("authored", f"ge{instant(one.due)}")
        asked.append(_search("QuestionnaireResponse", ("patient", patient), ("status", "completed"), since))
    return asked


def _facts(one: Member, now: datetime, answers: list[JsonObject], wants: Wants) -> Facts:
    person, consents, flags, communications, *rest = answers
    filled = _matches(rest.pop()) if wants.filled else ()
    later = _matches(rest.pop()) if wants.upcoming else ()
    return Facts(
        now,
        one,
        person or None,
        _matches(consents),
        _matches(flags),
        contacts(_matches(communications)),
        [resource for resource in rest if resource],
        later,
        filled,
    )


async def number_flags(client: FhirClient, channel: str, number: str) -> Sequence[JsonObject]:
    """The Flags on a number, whoever's record they are on. Raises :class:`Unreachable`."""
    return await client.search("Flag", [("identifier", f"{BARRED}|{barred_name(channel, number)}")])


async def read_all(client: FhirClient, urls: Sequence[str]) -> list[JsonObject]:
    """What each url answers, empty for what is not there. Raises :class:`Unreachable`."""
    entries = [{"request": {"method": "GET", "url": url}} for url in urls]
    answer = await client.send("POST", "", {"resourceType": "Bundle", "type": "batch", "entry": entries})
    if not answer.ok:
        raise Unreachable(f"HTTP {answer.status}")
    return [_read(entry) for entry in answer.body.get("entry", ())]


def _read(entry: JsonObject) -> JsonObject:
    status = str(entry.get("response", {}).get("status", ""))[:3]
    if status.startswith("2"):
        return dict(entry.get("resource", {}))
    if status in ("404", "410"):
        return {}
    raise Unreachable(f"HTTP {status} in a batch")


def _search(type: str, *params: tuple[str, str]) -> str:
    return f"{type}?{urlencode(params)}"


def _matches(bundle: JsonObject) -> list[JsonObject]:
    found = (entry.get("resource", {}) for entry in bundle.get("entry", ()))
    return [resource for resource in found if resource.get("resourceType") != "OperationOutcome"]
