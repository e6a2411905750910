"""``python -m tests.faults.writeback_storm --count 500``: confirmed changes reach a failing EHR, once each.

A server process and a simulated EHR process. While the EHR answers 30 % of requests with 5xx, cuts 10 % of connections
after it did the write, throttles 5 % and is down for 20 s, an operator makes changes: new coverages, new
appointments, phone numbers of known patients. Then the EHR's own log of accepted writes must show each change once.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from fhirserver.kernel.json import dumps, loads
from tests.server_process import ServerProcess
from tests.unit.adapters.in_process import tiny_bundles
from tests.unit.adapters.simulated_ehr import TOKEN, SimulatedEhrProcess

Json = dict[str, Any]
FAULTS = {"error_rate": 0.3, "cut_rate": 0.1, "throttle_rate": 0.05, "retry_after": 0.2}
OPERATOR = "admin"
KEY = "https://credence.health/fhir/identifier/writeback|"
TASKS = "Task?code=https://credence.health/fhir/CodeSystem/task-code|writeback&_summary=count&_total=accurate&status="
_CONNECTOR = """
[[connector]]
name = "clinic"
source = "ehr"
url = "{url}"
token_file = "{token}"
pull_seconds = 2.0
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One change: what is written to the server, and what the EHR must hold in the end."""

    type: str
    id: str
    content: Json
    shows: str


@dataclass(slots=True)
class Outcome:
    """What came of the storm. ``problems`` must be empty; times are seconds."""

    wanted: int
    written: int = 0
    accepted: int = 0
    arrived: int = 0
    duplicates: int = 0
    lost: int = 0
    server_seconds: float = 0.0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


async def storm(
    directory: Path,
    count: int,
    down: float,
    limit: float = 600.0,
    kills: int = 0,
    bare: bool = False,
    cap: float = 0.0,
) -> Outcome:
    """Make ``count`` changes under the faults; ``kills`` times the server dies of ``kill -9`` meanwhile.

    A ``bare`` EHR knows no conditional create and answers writes without a body. ``cap``: seconds that a retry
    waits at most; 0 for what is usual.
    """
    options = ["--bundles", str(tiny_bundles(directory / "bundles")), *(["--bare"] if bare else [])]
    with SimulatedEhrProcess(directory / "ehr.db", *options) as ehr:
        patients = _patients(ehr, max(1, count // 5))
        with _server(directory, ehr, cap) as server:
            return await _run(server, ehr, patients, count, down, limit, kills)


def _patients(ehr: SimulatedEhrProcess, count: int) -> list[str]:
    """Patients of the EHR's own, who are known before the storm. Their ids there."""
    made = []
    for number in range(count):
        patient = {"resourceType": "Patient", "name": [{"family": f"Storm{number}"}], "gender": "female"}
        answer = ehr.http.post(f"{ehr.base}/Patient", json=patient)
        made.append(answer.headers["location"].split("/Patient/")[1].partition("/")[0])
    return made


def _server(directory: Path, ehr: SimulatedEhrProcess, cap: float) -> ServerProcess:
    server = ServerProcess(directory / "server")
    server._initialise()
    with server.config.open("a") as config:
        config.write(_CONNECTOR.format(url=ehr.base, token=server.secret(TOKEN)))
        config.write(f"retry_cap_seconds = {cap}\n" if cap else "")
    return server


async def _run(
    server: ServerProcess,
    ehr: SimulatedEhrProcess,
    patients: Sequence[str],
    count: int,
    down: float,
    limit: float,
    kills: int,
) -> Outcome:
    headers = server.headers_of(OPERATOR)
    async with httpx.AsyncClient(
        base_url=f"{server.base}/", headers=headers, timeout=60, trust_env=False
    ) as http:
        known = await _known(http, len(patients), limit)
        before = len(ehr.writes())
        outcome = Outcome(count)
        started = time.monotonic()
        ehr.faults(**FAULTS)
        outage = asyncio.get_running_loop().call_later(1.0, lambda: ehr.faults(down=down))
        changes = _changes(count, known)
        outcome.written = await _write(http, changes)
        outcome.server_seconds = time.monotonic() - started
        await _drain(server, http, count, started + limit, kills)
        outcome.seconds = time.monotonic() - started
        assert outage.when() < asyncio.get_running_loop().time(), "the outage fell outside"
        statuses = {
            status: await _count(http, status) for status in ("completed", "failed", "requested,in-progress")
        }
    ehr.faults(reset=True)
    _judge(outcome, ehr, changes, ehr.writes()[before:], statuses)
    return outcome


async def _known(http: httpx.AsyncClient, count: int, limit: float) -> list[Json]:
    """The patients as the server knows them after its first sync."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        answer = await http.get(f"Patient?family=Storm&_count={count}")
        found = [entry["resource"] for entry in loads(answer.content).get("entry", ())]
        if len(found) == count:
            return found
        await asyncio.sleep(0.2)
    raise TimeoutError("the first sync did not end")


def _changes(count: int, patients: Sequence[Json]) -> list[Wanted]:
    """One phone number for each patient, else coverages and appointments in turn."""
    made = [_phone(number, patient) for number, patient in enumerate(patients[:count])]
    for number in range(count - len(made)):
        about = {"reference": f"Patient/{patients[number % len(patients)]['id']}"}
        made.append(_coverage(number, about) if number % 2 else _appointment(number, about))
    return made


def _phone(number: int, patient: Json) -> Wanted:
    value = f"+1555{number:07}"
    return Wanted("Patient", patient["id"], {"telecom": [{"system": "phone", "value": value}]}, value)


def _coverage(number: int, about: Json) -> Wanted:
    member = f"MEMBER-{number:05}"
    content = {
        "status": "active",
        "subscriberId": member,
        "beneficiary": about,
        "payor": [{"display": "Aetna"}],
    }
    return Wanted("Coverage", f"storm-{number}", {"resourceType": "Coverage", **content}, member)


def _appointment(number: int, about: Json) -> Wanted:
    start = datetime(2030, 1, 7, 9, tzinfo=UTC) + timedelta(minutes=30 * number)
    content = {
        "status": "booked",
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=30)).isoformat(),
        "description": f"VISIT-{number:05}",
        "participant": [{"actor": about, "status": "accepted"}],
    }
    return Wanted(
        "Appointment", f"storm-{number}", {"resourceType": "Appointment", **content}, f"VISIT-{number:05}"
    )


async def _write(http: httpx.AsyncClient, changes: Sequence[Wanted]) -> int:
    gate = asyncio.Semaphore(16)

    async def one(change: Wanted) -> int:
        async with gate:
            path = f"{change.type}/{change.id}"
            if change.type == "Patient":
                patch = [{"op": "add", "path": "/telecom", "value": change.content["telecom"]}]
                kind = {"Content-Type": "application/json-patch+json"}
                answer = await http.patch(path, content=dumps(patch), headers=kind)
            else:
                answer = await http.put(path, content=dumps({**change.content, "id": change.id}))
            answer.raise_for_status()
            return 1

    return sum(await asyncio.gather(*(one(change) for change in changes)))


async def _drain(
    server: ServerProcess, http: httpx.AsyncClient, count: int, deadline: float, kills: int
) -> None:
    """Until no writeback is open, killing the server now and then."""
    while time.monotonic() < deadline:
        if kills:
            await asyncio.sleep(1.5)
            server.kill()
            server.start()
            kills -= 1
        closed = await _count(http, "completed,failed,cancelled")
        if closed >= count and await _count(http, "requested,in-progress") == 0:
            return
        await asyncio.sleep(0.25)


async def _count(http: httpx.AsyncClient, status: str) -> int:
    answer = await http.get(f"{TASKS}{status}")
    answer.raise_for_status()
    return int(loads(answer.content)["total"])


def _judge(
    outcome: Outcome,
    ehr: SimulatedEhrProcess,
    changes: Sequence[Wanted],
    writes: Sequence[Json],
    statuses: dict[str, int],
) -> None:
    """Compare what the EHR accepted with what was wanted: each change in one write, and held in the end."""
    outcome.accepted = len(writes)
    in_writes = Counter(change for write in writes for change in _changes_in(write, changes))
    held = "\n".join(
        dumps(record).decode()
        for type in ("Patient", "Coverage", "Appointment")
        for record in ehr.resources(type)
    )
    for change in changes:
        times = in_writes[change.shows]
        outcome.arrived += times > 0 and change.shows in held
        outcome.duplicates += max(0, times - 1)
        outcome.lost += times == 0 or change.shows not in held
    creates = Counter(
        mark
        for write in writes
        if write["method"] == "POST"
        for mark in write["identifiers"]
        if mark.startswith(KEY)
    )
    problems = {
        "changes lost": outcome.lost,
        "changes written again": outcome.duplicates,
        "creates repeated under one key": sum(times > 1 for times in creates.values()),
        "writes beyond one for each change": len(writes) - len(changes),
        "failed writebacks": statuses["failed"],
        "open writebacks": statuses["requested,in-progress"],
    }
    outcome.problems = [f"{number} {what}" for what, number in problems.items() if number]
    if ehr.state()["repeated"]:
        outcome.problems.append("the EHR saw an identifier created twice")


def _changes_in(write: Json, changes: Sequence[Wanted]) -> list[str]:
    """Which change a write brought (by its member id, visit or phone)."""
    body = write["body"] or {}
    marks = (
        str(body.get("subscriberId") or body.get("description") or ""),
        *(item.get("value", "") for item in body.get("telecom") or ()),
    )
    return [mark for mark in marks if mark]


def report(outcome: Outcome) -> str:
    """The figures, for people."""
    lines = (
        f"changes      {outcome.wanted}, acknowledged in {outcome.server_seconds:.1f} s",
        f"arrived      {outcome.arrived}",
        f"duplicates   {outcome.duplicates}",
        f"lost         {outcome.lost}",
        f"EHR accepted {outcome.accepted} writes",
        f"duration     {outcome.seconds:.1f} s",
        *(f"PROBLEM      {problem}" for problem in outcome.problems),
    )
    return "\n".join(lines)


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.faults.writeback_storm", description=__doc__)
    options.add_argument("--count", type=int, default=500)
    options.add_argument("--down", type=float, default=20.0, help="seconds the EHR is down")
    options.add_argument("--bare", action="store_true", help="an EHR without conditional create")
    options.add_argument("--kills", type=int, default=0, help="times the server is killed meanwhile")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="credence-storm-") as directory:
        drill = storm(Path(directory), chosen.count, chosen.down, kills=chosen.kills, bare=chosen.bare)
        outcome = asyncio.run(drill)
    print(report(outcome))
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main())
