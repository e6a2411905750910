"""A campaign in the middle of its work, as its engine leaves it in the world."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from agent.campaigns.members import later, member, new_member, over
from agent.campaigns.runs import new_run
from agent.communication import called_out
from agent.errand import Errand
from agent.tools.provenance import Speaker
from fhirserver.kernel.instants import instant
from fhirserver.world.configuration import Configured, library
from fhirserver.world.outreach import CONTROL, OUTCOME
from fhirserver.world.vocabulary import TASK_CODE

Json = dict[str, Any]
ID = "confirm-visits"
DOCUMENT: Json = {
    "goal": "Visits of the coming week are confirmed",
    "purpose": "confirm",
    "audience": {"searches": ["Appointment?status=booked&date=ge{today+1d}"]},
    "channels": [{"channel": "sms"}, {"channel": "call", "attempts": 2}],
    "triggers": [{"kind": "once"}],
    "script": {"en": {"sms": "{practice}: please confirm your visit. Reply YES."}},
}
_ENDS = ("done",) * 9 + ("reached", "declined", "opted-out", "unreached", "unreached", "transferred")
_LEFT_OUT = (
    ("no-consent", "call: no consent; sms: no consent"),
    ("opted-out", "sms: opted out"),
    ("deceased", "the patient is recorded as deceased"),
    ("no-number", "sms: no number"),
)


def campaign_resources(count: int, now: datetime, seed: int = 1) -> Iterator[Json]:
    """Its Library, its Tasks, so many patients, and what became of each until ``now``."""
    chance, began = random.Random(seed), now - timedelta(hours=9)
    yield library(
        Configured("campaign", ID, "Confirm visits", DOCUMENT, "active", "1", str(DOCUMENT["goal"]))
    )
    by = {"display": "the front desk"}
    control = new_run(ID, "1", f"Library/{ID}/_history/1", "Confirm visits", 0, by, began, began)
    yield control | {
        "id": "storm-control",
        "status": "in-progress",
        "code": {"coding": [{"system": TASK_CODE, "code": CONTROL}]},
    }
    run = new_run(ID, "1.0", f"Library/{ID}/_history/1", "Confirm visits", 0, by, began, began)
    yield run | {"id": "run-1", "status": "in-progress", "partOf": [{"reference": "Task/storm-control"}]}
    for n in range(count):
        yield {
            "resourceType": "Patient",
            "id": f"c{n:03d}",
            "name": [{"family": f"Number{n}"}],
            "active": True,
        }
        yield from _member(n, chance, began, now)


def _member(n: int, chance: random.Random, began: datetime, now: datetime) -> Iterator[Json]:
    patient = f"Patient/c{n:03d}"
    made = new_member(ID, "Task/run-1", "confirm", patient, (), began, began) | {"id": f"m{n:03d}"}
    fate = chance.random()
    if fate < 0.18:
        outcome, why = chance.choice(_LEFT_OUT)
        yield over(member(made), "revoked", outcome, why)
        return
    sent = began + (now - began) * chance.random()
    if fate < 0.3:
        yield later(
            member(made), now + timedelta(minutes=chance.randrange(5, 600)), "quiet hours (Pacific/Honolulu)"
        )
        return
    outcome = chance.choice(_ENDS)
    yield over(member(made), "completed", outcome, "as it was")
    channels = ["sms"] if chance.random() < 0.6 else ["sms", "call"]
    for number, channel in enumerate(channels):
        ended = outcome if number == len(channels) - 1 else "delivered"
        ended = {"unreached": "no-answer"}.get(ended, ended)
        yield _contact(n, number, channel, patient, sent + timedelta(hours=number), ended)


def _contact(n: int, number: int, channel: str, patient: str, at: datetime, outcome: str) -> Json:
    errand = Errand(
        "confirm", patient, id=f"m{n:03d}.{number}", request=f"CommunicationRequest/m{n:03d}", run="Task/run-1",
        contact=f"c{n:03d}.{number}", channel=channel,
    )  # fmt: skip
    made = called_out(errand, "+12125550101", Speaker(), at)
    reason = {"coding": [{"system": OUTCOME, "code": outcome}], "text": outcome}
    return made | {
        "id": f"contact-{n:03d}-{number}",
        "status": "not-done" if outcome == "no-answer" else "completed",
        "sent": instant(at),
        "statusReason": reason,
    }


def put_campaign(base: str, headers: dict[str, str], count: int, now: datetime | None = None) -> None:
    """Write it into a server, patients first."""
    made = list(campaign_resources(count, now or datetime.now(UTC)))
    made.sort(key=lambda one: one["resourceType"] != "Patient")
    for start in range(0, len(made), 200):
        entries = [
            {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
            for one in made[start : start + 200]
        ]
        body = {"resourceType": "Bundle", "type": "batch", "entry": entries}
        answer = httpx.post(base, json=body, headers=headers, timeout=60, trust_env=False)
        answer.raise_for_status()
        wrong = [e for e in answer.json()["entry"] if not e["response"]["status"].startswith("2")]
        assert not wrong, wrong[:2]
