"""``python -m tests.faults.booking_race``: many book one slot at once, exactly one gets it.

Each booking is one transaction: the Slot becomes busy with ``If-Match`` on the version that was read, and an
Appointment is made. The others must get 409 or 412 with an OperationOutcome, and leave nothing behind.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from fhirserver.kernel.json import dumps, loads
from tests.faults.writers import connect
from tests.server_process import ServerProcess

Json = dict[str, Any]
START, END = "2030-01-07T09:00:00Z", "2030-01-07T09:30:00Z"


@dataclass(slots=True)
class Outcome:
    """What the race gave. ``problems`` must be empty."""

    statuses: Counter[int]
    seconds: float
    problems: list[str] = field(default_factory=list)


async def race(server: ServerProcess, bookings: int, principal: str = "voice-agent") -> Outcome:
    """Let ``principal`` book one fresh slot ``bookings`` times at once."""
    async with connect(server) as client:
        slot, patients = await _prepare(client, bookings)
        client.headers.update(server.headers_of(principal))
        started = time.monotonic()
        answers = await asyncio.gather(*(_book(client, slot, patient) for patient in patients))
        outcome = Outcome(Counter(answer.status_code for answer in answers), time.monotonic() - started)
        outcome.problems += _wrong_answers(answers)
        outcome.problems += await _wrong_state(client, slot)
        return outcome


async def _prepare(client: httpx.AsyncClient, bookings: int) -> tuple[Json, list[str]]:
    location = await _create(client, {"resourceType": "Location", "name": "Room 1"})
    schedule = {"resourceType": "Schedule", "actor": [{"reference": f"Location/{location['id']}"}]}
    made = await _create(client, schedule)
    about = {"reference": f"Schedule/{made['id']}"}
    slot = {"resourceType": "Slot", "schedule": about, "status": "free", "start": START, "end": END}
    patients = [{"resourceType": "Patient", "name": [{"family": f"Racer{n}"}]} for n in range(bookings)]
    created = await asyncio.gather(*(_create(client, one) for one in patients))
    return await _create(client, slot), [f"Patient/{one['id']}" for one in created]


async def _create(client: httpx.AsyncClient, resource: Json) -> Json:
    answer = await client.post(resource["resourceType"], content=dumps(resource))
    answer.raise_for_status()
    made: Json = loads(answer.content)
    return made


async def _book(client: httpx.AsyncClient, slot: Json, patient: str) -> httpx.Response:
    where = f"Slot/{slot['id']}"
    busy = {name: value for name, value in slot.items() if name != "meta"} | {"status": "busy"}
    appointment = {
        "resourceType": "Appointment",
        "status": "booked",
        "slot": [{"reference": where}],
        "start": START,
        "end": END,
        "participant": [{"actor": {"reference": patient}, "status": "accepted"}],
    }
    match = f'W/"{slot["meta"]["versionId"]}"'
    entry = [
        {"resource": busy, "request": {"method": "PUT", "url": where, "ifMatch": match}},
        {"resource": appointment, "request": {"method": "POST", "url": "Appointment"}},
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entry}
    return await client.post("", content=dumps(bundle))


def _wrong_answers(answers: list[httpx.Response]) -> list[str]:
    won = sum(answer.status_code == 200 for answer in answers)
    problems = [] if won == 1 else [f"{won} bookings won"]
    for answer in answers:
        if answer.status_code not in (200, 409, 412):
            problems.append(f"a booking was answered with {answer.status_code}: {answer.text[:200]}")
        elif answer.status_code != 200 and not _explained(answer):
            problems.append(f"a {answer.status_code} without an OperationOutcome: {answer.text[:200]}")
    return problems


def _explained(answer: httpx.Response) -> bool:
    body = loads(answer.content)
    return body.get("resourceType") == "OperationOutcome" and bool(body["issue"][0].get("diagnostics"))


async def _wrong_state(client: httpx.AsyncClient, slot: Json) -> list[str]:
    """What is wrong with what the race left behind."""
    problems = []
    now = loads((await client.get(f"Slot/{slot['id']}")).content)
    if now["status"] != "busy" or now["meta"]["versionId"] != "2":
        problems.append(
            f"the slot is {now['status']} in version {now['meta']['versionId']}, not busy in version 2"
        )
    found = loads((await client.get("Appointment", params={"slot": f"Slot/{slot['id']}"})).content)
    if len(found.get("entry", ())) != 1:
        problems.append(f"{len(found.get('entry', ()))} appointments hold the slot")
    return problems


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--bookings", type=int, default=200)
    options = arguments.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="credence-race-") as directory,
        ServerProcess(Path(directory)) as server,
    ):
        outcome = asyncio.run(race(server, options.bookings))
    print(f"{options.bookings} bookings of one slot in {outcome.seconds:.2f} s: {dict(outcome.statuses)}")
    for problem in outcome.problems:
        print(f"PROBLEM {problem}")
    print(f"problems: {len(outcome.problems)}")
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main())
