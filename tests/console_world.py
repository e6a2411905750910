"""A morning at the desk: one call with its transcript, judged by the server, and a queue of smaller changes.

Everything is said by sources over the API and judged by the server's own follower; nothing is made up as a Task.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.judge import Turn
from fhirserver.store.transcripts import KIND
from fhirserver.world.judge.transcript import attachments
from fhirserver.world.vocabulary import TRANSCRIPT_TURNS
from tests.facade import Facade, said

TALK = "Communication/call-1"
STARTED = datetime(2026, 11, 28, 9, 47, tzinfo=UTC)
OLD, NEW = "+16175550134", "+16175550177"
LINES = (
    ("agent", "Good morning, this is the front desk. Who am I speaking with?"),
    ("caller", "Hi, this is Ada Okafor."),
    ("agent", "Thank you. And your date of birth, please?"),
    ("caller", "July second, nineteen eighty-four."),
    ("agent", "Thank you, Ada. How can I help?"),
    ("caller", "I lost my insurance card, and I have a new plan anyway."),
    ("agent", "I am sorry to hear that. Which insurance do you have now?"),
    ("caller", "I'm with Aetna now."),
    ("agent", "What is the member ID?"),
    ("caller", "W as in whiskey, one two double three four five"),
    ("agent", "I have Aetna, member ID W, one two three three, four five. Is that right?"),
    ("caller", "yes that's right"),
    ("agent", "Has anything else changed, your phone number for example?"),
    ("caller", "Yes, I have a new cell phone, it's 617 555 0177."),
    ("agent", "So your new number is 6 1 7, 5 5 5, 0 1 7 7?"),
    ("caller", "That's right."),
    ("agent", "Thank you. Is there anything else?"),
    ("caller", "No, that's all. Bye."),
)
ADA: JsonObject = {
    "resourceType": "Patient",
    "id": "ada",
    "identifier": [{"system": "urn:mrn", "value": "MRN-20417"}],
    "name": [{"use": "official", "family": "Okafor", "given": ["Ada", "Chioma"]}],
    "gender": "female",
    "birthDate": "1984-07-02",
    "telecom": [{"system": "phone", "value": OLD, "use": "mobile"}],
    "address": [{"use": "home", "line": ["12 Harbor Street"], "city": "Boston", "postalCode": "02110"}],
}
_GIVEN = ("Mary", "Luis", "Chen", "Aisha", "Tom", "Ingrid", "Ravi", "Sofia", "Noah", "Grace", "Omar", "Lena")
_FAMILY = ("Alvarez", "Brandt", "Cohen", "Diallo", "Evans", "Fontaine", "Garcia", "Haddad", "Ivanov", "Jones")


def evidence(turns: str, confidence: str = "0.5", method: str = "confirmed", mode: str = "") -> str:
    """An ``X-Provenance`` that names turns of the call."""
    extension = [{"url": TRANSCRIPT_TURNS, "valueString": turns}]
    entity = [{"role": "source", "what": {"reference": TALK}, "extension": extension}]
    return said(confidence, method, mode, entity=entity)


async def the_call(server: Facade) -> dict[str, str]:
    """Ada's call: insurance and phone rightly written down, birth date wrongly. The items' ids by resource."""
    await server.ehr.put(ADA)
    await server.ehr.put(_visit("visit-1", "2026-12-03T14:00:00Z"))
    await server.agent.put(_call())
    coverage: JsonObject = {
        "resourceType": "Coverage",
        "id": "plan",
        "status": "active",
        "beneficiary": {"reference": "Patient/ada"},
        "subscriberId": "W123345",
        "payor": [{"display": "Aetna"}],
    }
    await server.agent.put(coverage, x_provenance=evidence("8,10,11,12"))
    phone = [{"op": "replace", "path": "/telecom/0/value", "value": NEW}]
    media = "application/json-patch+json"
    await server.agent("PATCH", "Patient/ada", phone, media=media, x_provenance=evidence("14,15,16"))
    born = {"resourceType": "Patient", "id": "ada", "birthDate": "1984-07-12"}
    await server.agent.put(born, x_provenance=evidence("4", "0.5", "confirmed", "partial"))
    await server.agent.put(_transcript())
    return {key: await item_about(server, key) for key in ("Coverage/plan", "Patient/ada")}


def _visit(id: str, start: str) -> JsonObject:
    return {
        "resourceType": "Appointment",
        "id": id,
        "status": "booked",
        "description": "Follow-up with Dr. Lindqvist",
        "start": start,
        "end": start.replace(":00:00Z", ":30:00Z"),
        "participant": [{"actor": {"reference": "Patient/ada"}, "status": "accepted"}],
    }


def _call() -> JsonObject:
    return {
        "resourceType": "Communication",
        "id": "call-1",
        "status": "completed",
        "subject": {"reference": "Patient/ada"},
        "sent": "2026-11-28T09:47:00Z",
        "medium": [{"text": "phone"}],
    }


def _transcript() -> JsonObject:
    turns = [Turn(n, who, text, STARTED + timedelta(seconds=7 * n)) for n, (who, text) in enumerate(LINES, 1)]
    return {
        "resourceType": "DocumentReference",
        "id": "call-1-transcript",
        "status": "current",
        "category": [{"coding": [{"system": KIND, "code": "transcript"}]}],
        "content": attachments(turns, TALK, "America/New_York", STARTED),
        "context": {"related": [{"reference": TALK}]},
    }


async def small_changes(server: Facade, count: int, first: int = 0) -> list[str]:
    """Patients with a new phone number each, said without a transcript; the ids of their items."""
    dice = random.Random(first)
    for n in range(first, first + count):
        name = {"family": _FAMILY[n % len(_FAMILY)], "given": [_GIVEN[n % len(_GIVEN)]]}
        year, month, day = dice.randint(1935, 2010), dice.randint(1, 12), dice.randint(1, 28)
        record: JsonObject = {
            "resourceType": "Patient",
            "id": f"p{n}",
            "name": [name],
            "birthDate": f"{year}-{month:02}-{day:02}",
            "telecom": [{"system": "phone", "value": f"+1617555{1000 + n}"}],
        }
        await server.ehr.put(record)
        new = {"resourceType": "Patient", "id": f"p{n}", "telecom": [_phone(n)]}
        await server.agent.put(
            new, x_provenance=said(*(("0.5", "confirmed") if n % 3 else ("0.3", "mentioned")), "partial")
        )
    return [await item_about(server, f"Patient/p{n}") for n in range(first, first + count)]


def _phone(n: int) -> dict[str, Any]:
    return {"system": "phone", "value": f"+1617555{2000 + n}"}


async def item_about(server: Facade, reference: str) -> str:
    """The id of the pending item that the server makes about a resource."""
    async with asyncio.timeout(10):
        while not (found := await pending(server, reference)):
            await asyncio.sleep(0.02)
    return found[0]


async def pending(server: Facade, reference: str) -> Sequence[str]:
    return await server.ana.ids(f"Task?code=claims&status=requested,accepted&focus={reference}")
