"""A Credence process and the simulated HL7v2 EHR with a fifth of everything going wrong, and a kill -9 of either."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx

from tests.hl7_ehr import Hospital, start_hospital
from tests.hl7_feed import FeedServer
from tests.server_process import free_port

NPI = "http://hl7.org/fhir/sid/us-npi"
STATUS = {"Booked": "booked", "Cancelled": "cancelled", "Noshow": "noshow"}


class World:
    """What a client of the server sees and writes."""

    def __init__(self, server: FeedServer):
        self.http = httpx.AsyncClient(
            base_url=f"{server.base}/", headers=server.headers_of("admin"), timeout=30, trust_env=False
        )

    async def all(self, type: str, **query: str) -> list[dict[str, Any]]:
        answer = await self.http.get(type, params={"_count": "500", **query})
        assert answer.status_code == 200, answer.text
        return [one["resource"] for one in answer.json().get("entry", ())]

    async def with_number(self, type: str, value: str) -> list[dict[str, Any]]:
        return [
            one
            for one in await self.all(type)
            if value in [number.get("value") for number in one.get("identifier", ())]
        ]

    async def named(self, type: str, value: str) -> dict[str, Any]:
        """The only one that has this number."""
        (found,) = await self.with_number(type, value)
        return found

    async def practitioner(self, npi: str) -> dict[str, Any]:
        """The practitioner of a slot. The EHR tells of them with their first appointment, so not yet of all."""
        if found := await self.with_number("Practitioner", npi):
            return found[0]
        made = {"resourceType": "Practitioner", "id": npi, "identifier": [{"system": NPI, "value": npi}]}
        await self.put(made)
        return made

    async def book(self, id: str, mrn: str, slot: dict[str, Any]) -> None:
        whom = (await self.named("Patient", mrn), await self.practitioner(slot["practitioner"]))
        actors = [f"{one['resourceType']}/{one['id']}" for one in whom]
        await self.put(
            {
                "resourceType": "Appointment",
                "id": id,
                "status": "booked",
                "start": slot["start"],
                "end": slot["ends"],
                "minutesDuration": 30,
                "participant": [{"actor": {"reference": one}, "status": "accepted"} for one in actors],
            }
        )

    async def cancel(self, id: str) -> None:
        known = (await self.http.get(f"Appointment/{id}")).json()
        await self.put({**known, "status": "cancelled"})

    async def put(self, resource: dict[str, Any]) -> None:
        answer = await self.http.put(f"{resource['resourceType']}/{resource['id']}", json=resource)
        assert answer.status_code in (200, 201), answer.text

    async def appointments(self) -> dict[str, tuple[str, str]]:
        """Start and status by the EHR's number; those without one by our id."""
        found = {}
        for one in await self.all("Appointment"):
            fillers = [
                number["value"]
                for number in one.get("identifier", ())
                if number.get("value", "").startswith("A0")
            ]
            key = fillers[0] if fillers else one["id"]
            assert key not in found, "nothing is there twice"
            found[key] = (one["start"][:16], one["status"])
        return found


async def theirs(hospital: Hospital) -> dict[str, tuple[str, str]]:
    _, appointments = await hospital.records()
    return {one["filler"]: (one["start"][:16], STATUS[one["status"]]) for one in appointments}


async def until_same(world: World, hospital: Hospital, count: int, seconds: float) -> None:
    """Both have the same, and nothing is on its way: no message, and no write that waits for its answer."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                ours, state = await world.appointments(), await hospital.state()
                still = state["feed_waiting"] == state["feed_repeats"] == 0
                written = all(one["status"] == "completed" for one in await world.all("Task"))
                if still and written and len(ours) == count and ours == await theirs(hospital):
                    return
                await asyncio.sleep(0.3)
    except TimeoutError:
        tasks = [(one["status"], one.get("statusReason")) for one in await world.all("Task")]
        raise AssertionError(f"{ours}\n{await theirs(hospital)}\n{state}\n{tasks}") from None


async def test_both_end_with_the_same(tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "ehr.db"
    server = FeedServer(
        tmp_path / "server", f'send = "127.0.0.1:{port}"\nanswer_seconds = 0.5\nretry_cap_seconds = 0.5'
    )
    server.start()
    hospital = await start_hospital(
        server.mllp_port, "--patients", "3", "--days", "3", "--feed-timeout", "3", data=data, port=port
    )
    world = World(server)
    try:
        await until_same(world, hospital, 3, 60)
        await hospital.faults(rate=0.2, late_seconds=0.2, slow_seconds=0.05)
        patients, appointments = await hospital.records()
        slots = await hospital.list("slots", free="1")
        for number in range(6):
            await world.book(f"b{number}", patients[number % 3]["mrn"], slots[number])
        clerk = {"patient": patients[0]["mrn"], "practitioner": slots[20]["practitioner"]}
        assert (
            await hospital.http.post("/appointments", json={**clerk, "start": slots[20]["start"]})
        ).status_code == 201
        moved = {"start": slots[30]["start"], "practitioner": slots[30]["practitioner"]}
        await hospital.http.patch(f"/appointments/{appointments[0]['filler']}", json=moved)
        await hospital.kill()
        hospital = await start_hospital(server.mllp_port, "--feed-timeout", "3", data=data, port=port)
        await hospital.faults(rate=0.2, late_seconds=0.2, slow_seconds=0.05)
        await hospital.http.delete(f"/appointments/{appointments[1]['filler']}")
        await until_same(world, hospital, 10, 150)
        await world.cancel("b2")
        server.kill()
        server.start()
        await hospital.http.patch(f"/patients/{patients[2]['mrn']}", json={"phone": "^PRN^PH^^^555^5550002"})
        await until_same(world, hospital, 10, 120)

        statuses = sorted(status for _, status in (await theirs(hospital)).values())
        assert statuses == ["booked"] * 8 + ["cancelled"] * 2
        changed = await world.named("Patient", patients[2]["mrn"])
        assert "5550002" in str(changed["telecom"]).replace("-", "")
        assert len(await world.all("Patient")) == len(await hospital.list("patients")) == 3
        booked = [
            one["placer"] for one in await hospital.list("writes") if one["event"] == "S12" and one["placer"]
        ]
        assert sorted(booked) == [f"b{number}^CREDENCE" for number in range(6)], "each was done once"
        tasks = await world.all("Task")
        assert {one["status"] for one in tasks} == {"completed"} and len(tasks) == 7
    finally:
        await world.http.aclose()
        await hospital.close()
        server.stop()
