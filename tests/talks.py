"""Conversations on record, written over FHIR as the agent writes them, in any number."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from agent.quality import MEASURE
from agent.requests import Basis
from agent.tools.provenance import Speaker, provenance
from agent.tools.provenance import header as provenance_header
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject
from fhirserver.world.domain_events import CAMPAIGN
from fhirserver.world.vocabulary import BASE, CALL_QUALITY, CALLER_VOICE, ESCALATION_STAGE, TASK_CODE
from tests.facade import Client

_MODE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
_OUTCOME = f"{BASE}/CodeSystem/outreach-outcome"


def said(talk: str, confidence: str = "0.5") -> str:
    """The X-Provenance of what rests on a conversation."""
    basis = Basis(confidence, "confirmed", (1,))
    at = datetime.fromisoformat("2026-11-30T10:00:00+00:00")
    return provenance_header(provenance(Speaker(), basis, f"Communication/{talk}", "", at))["X-Provenance"]


def talk(
    id: str, status: str, sent: datetime, received: datetime | None = None, medium: str = "PHONE", **more: Any
) -> JsonObject:
    made: JsonObject = {
        "resourceType": "Communication",
        "id": id,
        "status": status,
        "medium": [{"coding": [{"system": _MODE, "code": medium}]}],
        "sent": instant(sent),
        **more,
    }
    return made | ({"received": instant(received)} if received else {})


def report(id: str, talk: str, score: int, latency: float) -> JsonObject:
    def group(code: str, value: float) -> JsonObject:
        coding = [{"system": CALL_QUALITY, "code": code}]
        return {"code": {"coding": coding}, "measureScore": {"value": value}}

    return {
        "resourceType": "MeasureReport",
        "id": id,
        "status": "complete",
        "type": "individual",
        "measure": MEASURE,
        "period": {"start": "2026-11-30", "end": "2026-11-30"},
        "evaluatedResource": [{"reference": f"Communication/{talk}"}],
        "group": [group("score", score), group("reply-latency-p95", latency)],
    }


def moods(id: str, talk: str, valence: list[float]) -> JsonObject:
    def coded(code: str) -> JsonObject:
        return {"coding": [{"system": CALLER_VOICE, "code": code}]}

    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": coded("mood-timeline"),
        "focus": [{"reference": f"Communication/{talk}"}],
        "component": [{"code": coded("valence"), "valueQuantity": {"value": one}} for one in valence],
    }


def escalation(id: str, talk: str, stage: str) -> JsonObject:
    return {
        "resourceType": "Task",
        "id": id,
        "status": "requested" if stage == "requested" else "in-progress",
        "intent": "order",
        "code": {"coding": [{"system": TASK_CODE, "code": "escalation"}]},
        "businessStatus": {"coding": [{"system": ESCALATION_STAGE, "code": stage}]},
        "focus": {"reference": f"Communication/{talk}"},
    }


def member(id: str, campaign: str, status: str = "active", outcome: str = "") -> JsonObject:
    category = [{"coding": [{"system": CAMPAIGN, "code": campaign}]}]
    if outcome:
        category.append({"coding": [{"system": _OUTCOME, "code": outcome}]})
    return {
        "resourceType": "CommunicationRequest",
        "id": id,
        "status": status,
        "category": category,
        "subject": {"reference": "Patient/eve"},
    }


def visit(id: str, status: str) -> JsonObject:
    return {
        "resourceType": "Appointment",
        "id": id,
        "status": status,
        "start": "2027-01-04T10:00:00Z",
        "end": "2027-01-04T10:20:00Z",
        "participant": [{"actor": {"reference": "Patient/eve"}, "status": "accepted"}],
    }


@dataclass
class Practice:
    """Writes a practice's conversations at random, each as a whole."""

    agent: Client
    chance: random.Random
    numbered: int = 0

    async def hold(self, day: datetime) -> None:
        """One conversation on a day."""
        self.numbered += 1
        chance, id = self.chance, f"t{self.numbered}"
        started = day + timedelta(minutes=chance.randint(0, 600))
        ended = started + timedelta(seconds=chance.randint(30, 400))
        medium = chance.choice(("PHONE", "PHONE", "WRITTEN"))
        await self._put(talk(id, "in-progress", started, medium=medium), id)
        if chance.random() < 0.5:
            await self._put(visit(f"{id}-v", "booked"), id)
        if chance.random() < 0.3:
            cover: JsonObject = {
                "resourceType": "Coverage",
                "id": f"{id}-c",
                "status": "active",
                "subscriberId": f"M{self.numbered}",
                "beneficiary": {"reference": "Patient/eve"},
                "payor": [{"display": "Acme Health"}],
            }
            await self._put(cover, id)
        if chance.random() < 0.25:
            await self._put(escalation(f"{id}-e", id, "requested"), id)
            if chance.random() < 0.5:
                await self._put(escalation(f"{id}-e", id, "connected"), id)
        await self._put(talk(id, "completed", started, ended, medium), id)
        await self._put(report(f"{id}-q", id, chance.randint(60, 100), chance.uniform(0.4, 1.6)), id)
        if medium == "PHONE":
            start = chance.uniform(-0.6, 0.2)
            felt = [start, start + 0.1, start + chance.uniform(-0.2, 0.6)]
            await self._put(moods(f"{id}-m", id, felt), id)

    async def _put(self, resource: JsonObject, talk: str) -> None:
        answer = await self.agent.put(resource, x_provenance=said(talk))
        assert answer.status_code in (200, 201), answer.text
