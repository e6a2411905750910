"""A practice with a server in this process, a clock that stands, and ways out that only note whom they reach."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agent.campaigns.beside import Beside
from agent.campaigns.channels import Settled
from agent.campaigns.contacts import Contact
from agent.campaigns.control import Desk
from agent.campaigns.engine import Engine, Practice
from agent.campaigns.operators import Attends, Rota
from agent.communication import OUTCOME, called_out
from agent.errand import Errand, NotPlaced
from agent.tools.client import FhirClient
from agent.tools.provenance import Speaker
from fhirserver.kernel.instants import FixedClock
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.live_calls import LiveCall
from fhirserver.world.configuration import Configured, library
from tests.facade import BASE, Facade, facade

NOON = datetime(2026, 12, 1, 17, tzinfo=UTC)  # 12:00 in New York, a Tuesday
CATEGORY = "https://credence.health/fhir/CodeSystem/consent-category"
REMINDER: JsonObject = {
    "goal": "Appointments of the next days are confirmed",
    "purpose": "confirm",
    "zone": "America/New_York",
    "audience": {"searches": ["Appointment?status=booked&date=ge{today+1d}&date=lt{today+5d}"]},
    "channels": [
        {"channel": "sms", "attempts": 1, "then_minutes": 240},
        {"channel": "call", "attempts": 2, "then_minutes": 180},
    ],
    "triggers": [{"kind": "once"}],
    "limits": {"per_day": 3, "spacing_minutes": 30},
}


@dataclass
class Way:
    """A channel that notes whom it was to reach; ``outcome`` by number, ``silent`` ones leave the record open."""

    client: FhirClient
    clock: FixedClock
    reached: list[tuple[Errand, str, str]] = field(default_factory=list)
    outcome: dict[str, str] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    known: Settled | None = None
    free: int = 10
    holds: asyncio.Event | None = None
    """Until it is set, attempts go on."""

    async def reach(self, errand: Errand, number: str, words: str) -> Awaitable[None] | None:
        self.reached.append((errand, number, words))
        if self.holds is not None:
            await self.holds.wait()
        if number in self.lost:
            raise NotPlaced("cut off", sure=False)
        code = self.outcome.get(number, "sent" if errand.channel == "sms" else "no-answer")
        made = called_out(errand, number, Speaker(), self.clock.now()) | {
            "status": "completed" if code != "no-answer" else "not-done",
            "statusReason": {"coding": [{"system": OUTCOME, "code": code}], "text": code},
        }
        answer = await self.client.send("PUT", errand.communication, made)
        assert answer.ok, answer.body
        return None

    async def settle(self, contact: Contact) -> Settled | None:
        return self.known


@dataclass
class World:
    server: Facade
    client: FhirClient
    clock: FixedClock
    sms: Way
    call: Way

    def engine(self, operators: Attends | None = None) -> Engine:
        practice = Practice("Lakeside Clinic", "America/New_York")
        ways = {"sms": self.sms, "call": self.call}
        return Engine(self.client, practice, ways, self.clock, operators=operators, in_flight=0)

    def rota(self, calls: Callable[[], Sequence[LiveCall]] = lambda: ()) -> Rota:
        """The operators as the server knows them; asked anew each time."""
        ticks = itertools.count(0, 10)
        beside = Beside(BASE.removesuffix("/fhir"), "token-agent", self.server.transport)
        return Rota(beside, calls, lambda id: id, lambda: float(next(ticks)))

    async def present(self, operator: str, state: str) -> None:
        """An operator says how it is with them."""
        url = f"{BASE.removesuffix('/fhir')}/platform/operators/me/presence"
        headers = {"Authorization": f"Bearer token-{operator}"}
        answer = await self.server.ehr.http.put(url, json={"state": state}, headers=headers)
        assert answer.status_code == 200, answer.text

    async def put(self, resource: JsonObject) -> None:
        answer = await self.server.ehr.put(resource)
        assert answer.status_code in (200, 201), answer.text

    async def person(self, id: str, phone: str = "", consent: str = "permit", **more: Any) -> None:
        telecom = {"telecom": [{"system": "phone", "use": "mobile", "value": phone}]} if phone else {}
        name = [{"family": "Whitfield", "given": ["Laura"]}]
        await self.put({"resourceType": "Patient", "id": id, "name": name, **telecom, **more})
        if consent:
            await self.put(
                {
                    "resourceType": "Consent",
                    "id": f"c-{id}",
                    "status": "active",
                    "scope": {"coding": [{"code": "patient-privacy"}]},
                    "category": [{"coding": [{"system": CATEGORY, "code": "outreach"}]}],
                    "patient": {"reference": f"Patient/{id}"},
                    "dateTime": "2026-01-01",
                    "policyRule": {"coding": [{"code": "OPTIN"}]},
                    "provision": {"type": consent},
                }
            )

    async def visit(
        self, id: str, patient: str, days: float = 2, status: str = "needs-action", **more: Any
    ) -> None:
        start = self.clock.now() + timedelta(days=days)
        await self.put(
            {
                "resourceType": "Appointment",
                "id": id,
                "status": "booked",
                "start": start.isoformat(),
                "end": (start + timedelta(minutes=30)).isoformat(),
                "participant": [{"actor": {"reference": f"Patient/{patient}"}, "status": status}],
                **more,
            }
        )

    async def start(self, document: JsonObject, id: str = "reminder") -> str:
        made = library(Configured("campaign", id, "Reminder", document, "active"))
        assert (await self.server.admin.put(made)).status_code in (200, 201)
        return await Desk(self.client, self.clock, "America/New_York").start(id, "ana")

    async def settle(self, engine: Engine, turns: int = 30) -> None:
        for _ in range(turns):
            busy = await engine.turn()
            while engine.in_hand:
                await asyncio.sleep(0.01)
                busy = True
            if not busy:
                return

    async def members(self) -> dict[str, JsonObject]:
        found = await self.client.search("CommunicationRequest", [("_count", "500")])
        return {one["subject"]["reference"].removeprefix("Patient/"): one for one in found}

    async def outcomes(self) -> dict[str, tuple[str, str]]:
        """Status and outcome by patient."""
        told = {}
        for id, one in (await self.members()).items():
            codes = [c["code"] for k in one["category"] for c in k["coding"] if c["system"] == OUTCOME]
            told[id] = (one["status"], codes[0] if codes else "")
        return told


@contextlib.asynccontextmanager
async def campaign_world(folder: Path, storage: str = "memory", **changes: Any) -> AsyncIterator[World]:
    """``folder`` is for the server's files; ``changes`` are of its settings."""
    async with facade(folder, storage, **changes) as server:
        world = world_of(server, FixedClock(NOON))
        yield world
        await world.client.close()


def world_of(server: Facade, clock: FixedClock) -> World:
    """The practice as a server has it."""
    client = FhirClient(BASE, "token-agent", server.transport)
    return World(server, client, clock, Way(client, clock), Way(client, clock))
