"""Who speaks for a patient: a RelatedPerson of whom the record says so, looked at whenever they speak or read.

https://hl7.org/fhir/R4/relatedperson.html: ``active`` is whether "this related person's record is in active use",
``period`` when the relation holds.
"""

from __future__ import annotations

from datetime import date

from agent.tools.client import FhirClient, Unreachable
from fhirserver.kernel.instants import Clock
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.chats import ChatUser


async def check_relation(client: FhirClient, clock: Clock, user: ChatUser) -> None:
    """Refuses (403) whom the record does not have as speaking for the patient now; nothing for patients themselves."""
    if not user.related:
        return
    try:
        person = await client.read(user.related)
    except Unreachable:
        raise refuse(Category.BUSY, "transient", "The record cannot be read; ask again") from None
    if person is None:
        raise _no("There is no such RelatedPerson")
    if person.get("patient", {}).get("reference") != user.patient:
        raise _no("The RelatedPerson is not related to the patient of the token")
    if person.get("active") is False:
        raise _no("The RelatedPerson is not active")
    if not _holds(person, clock.now().date()):
        raise _no("The relation does not hold today")


def _holds(person: JsonObject, today: date) -> bool:
    """Partial dates hold for all that they may mean."""
    period, day = person.get("period", {}), today.isoformat()
    start, end = str(period.get("start", ""))[:10], str(period.get("end", ""))[:10]
    return (not start or start <= day[: len(start)]) and (not end or day[: len(end)] <= end)


def _no(why: str) -> Refusal:
    return refuse(Category.FORBIDDEN, "forbidden", f"{why}: nobody may speak here by this token")
