"""What somebody at a number was lately contacted about, and that they want no more of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from agent.campaigns.claims import language_of
from agent.campaigns.contacts import Contact, contact
from agent.campaigns.facts import read_all
from agent.campaigns.ledger import Ledger
from agent.campaigns.members import member
from agent.communication import PURPOSE, coded
from agent.errand import PURPOSES, Errand
from agent.tools.client import FhirClient
from fhirserver.kernel.instants import Clock, instant
from fhirserver.kernel.json import JsonObject
from fhirserver.world.spoken.identifiers import phone_key

_DAYS = 14
"""After so many days an answer is no answer any more."""
_MOST = 4


async def errands_at(
    client: FhirClient, phone: str, patients: Sequence[str], clock: Clock
) -> tuple[Errand, ...]:
    """What campaigns reached out for to this number and is still open, the latest first, one for each patient and
    matter. Raises :class:`Unreachable`."""
    since = clock.now() - timedelta(days=_DAYS)
    params = [
        ("patient", ",".join(patients)),
        ("sent", f"ge{instant(since)}"),
        ("_sort", "-sent"),
        ("_count", "50"),
    ]
    found = await Ledger(client, clock).page("Communication", params)
    meant: dict[str, tuple[Contact, JsonObject]] = {}
    for resource in found:
        one = contact(resource)
        if one is not None and one.name and one.request and phone_key(one.to) == phone_key(phone):
            meant.setdefault(one.request, (one, resource))
    requests = list(meant)[:_MOST]
    read = await read_all(client, requests) if requests else []
    open = [resource for resource in read if resource and _is_open(resource)]
    errands = [_errand(*meant[f"CommunicationRequest/{one['id']}"], one) for one in open]
    return tuple(await _with_languages(client, errands))


async def _with_languages(client: FhirClient, errands: Sequence[Errand]) -> list[Errand]:
    """In what language each patient was written to."""
    patients = list(dict.fromkeys(one.patient for one in errands))
    read = dict(zip(patients, await read_all(client, patients) if patients else (), strict=True))
    return [replace(one, language=language_of(read[one.patient])) for one in errands]


def _is_open(request: JsonObject) -> bool:
    """Whether an answer still matters: it waits for one, or nobody was reached."""
    return request.get("status") == "active" or member(request).outcome == "unreached"


def _errand(one: Contact, resource: JsonObject, request: JsonObject) -> Errand:
    purpose = coded(resource.get("reasonCode", ()), PURPOSE)
    held = member(request)
    return Errand(
        purpose if purpose in PURPOSES else "custom",
        held.patient,
        request=held.reference,
        run=held.run,
        channel=one.channel,
        about=held.about,
    )
