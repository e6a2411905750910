"""``python -m tests.faults.lease_handover``: processes that share connectors die of ``kill -9``, and nothing is lost.

A server of two workers, five simulated EHRs, each a connector. While patients appear in the EHRs and an operator
changes those that are known, a worker that works on connectors is killed, again and again. In the end every patient
is in the world once, every change is in its EHR once, and every connector is at work in one process.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from fhirserver.kernel.json import loads
from tests.server_process import ServerProcess
from tests.unit.adapters.in_process import tiny_bundles
from tests.unit.adapters.simulated_ehr import TOKEN, SimulatedEhrThread

OPERATOR = "admin"
_CONNECTOR = """
[[source]]
id = "ehr{n}"
kind = "ehr"
authoritative = true

[[connector]]
name = "clinic{n}"
source = "ehr{n}"
url = "{url}"
token_file = "{token}"
pull_seconds = 0.5
reconcile_seconds = 0
"""


@dataclass(slots=True)
class Outcome:
    """What came of the drill. ``handover`` are the seconds from each kill until all connectors were held again."""

    patients: int = 0
    changes: int = 0
    kills: int = 0
    handover: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Drill:
    """One drill; ``ehrs`` run already and are the server's connectors."""

    def __init__(self, server: ServerProcess, ehrs: Sequence[SimulatedEhrThread], http: httpx.AsyncClient):
        self.server, self.ehrs, self.http = server, ehrs, http
        self.outcome = Outcome()

    async def run(self, rounds: int, kills: int) -> Outcome:
        """``rounds`` new patients in every EHR, each then changed; ``kills`` on the way."""
        every = max(1, rounds // max(1, kills))
        await self._until_held()
        for number in range(rounds):
            self._appear(number)
            if number % every == every - 1 and self.outcome.kills < kills:
                await self._kill_one()
            await self._change(number)
        await self._settle(rounds)
        self._judge(rounds)
        return self.outcome

    def _appear(self, number: int) -> None:
        for n, ehr in enumerate(self.ehrs):
            patient = {
                "resourceType": "Patient",
                "name": [{"family": _family(n, number)}],
                "gender": "female",
            }
            ehr.http.post(f"{ehr.base}/Patient", json=patient).raise_for_status()
            self.outcome.patients += 1

    async def _change(self, number: int) -> None:
        """Give every patient of the round a birth date, once it is known."""
        for n in range(len(self.ehrs)):
            id = await self._known(_family(n, number))
            patch = [{"op": "add", "path": "/birthDate", "value": _birth(number)}]
            await self._asked("PATCH", f"Patient/{id}", json=patch)
            self.outcome.changes += 1

    async def _known(self, family: str) -> str:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            entries = (await self._asked("GET", f"Patient?family={family}")).get("entry", ())
            if entries:
                return str(entries[0]["resource"]["id"])
            await asyncio.sleep(0.1)
        raise TimeoutError(f"{family} did not come in:\n{self.server.log_tail()}")

    async def _asked(self, method: str, path: str, **more: Any) -> Any:
        """Ask until a worker answers: the one that had the connection may be dead."""
        kind = {"Content-Type": "application/json-patch+json"} if method == "PATCH" else {}
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(httpx.TransportError):
                answer = await self.http.request(method, path, headers=kind, **more)
                if answer.status_code < 500:
                    answer.raise_for_status()
                    return loads(answer.content)
            if time.monotonic() > deadline:
                raise TimeoutError("no worker answers")
            await asyncio.sleep(0.1)

    def _holders(self) -> dict[str, int]:
        """The process that holds each connector, by the cells beside the database."""
        with contextlib.closing(sqlite3.connect(self.server.data / "credence.db-cells")) as cells:
            rows = cells.execute("SELECT key, value FROM cell WHERE key LIKE 'lease/%'").fetchall()
        told = {key.removeprefix("lease/"): loads(value) for key, value in rows}
        return {name: int(one["process"].split("/")[2]) for name, one in told.items() if one.get("holder")}

    def _held(self) -> dict[str, int]:
        return {name: pid for name, pid in self._holders().items() if _lives(pid)}

    async def _until_held(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(sqlite3.OperationalError):
                if len(self._held()) == len(self.ehrs):
                    return
            await asyncio.sleep(0.05)
        raise TimeoutError("some connectors are held by nobody")

    async def _kill_one(self) -> None:
        """Kill the worker that has the most connectors."""
        await self._until_held()
        pid = Counter(self._held().values()).most_common(1)[0][0]
        os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        while _lives(pid):
            await asyncio.sleep(0.01)
        await self._until_held()
        self.outcome.kills += 1
        self.outcome.handover.append(time.monotonic() - began)

    async def _settle(self, rounds: int) -> None:
        wanted = [(n, number) for n in range(len(self.ehrs)) for number in range(rounds)]
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            have = [self._births(ehr) for ehr in self.ehrs]
            if all(have[n].get(_family(n, number)) == _birth(number) for n, number in wanted):
                return
            await asyncio.sleep(0.3)

    @staticmethod
    def _births(ehr: SimulatedEhrThread) -> dict[str, str]:
        return {one["name"][0]["family"]: one.get("birthDate", "") for one in ehr.resources("Patient")}

    def _judge(self, rounds: int) -> None:
        problems = Counter[str]()
        for n, ehr in enumerate(self.ehrs):
            births = self._births(ehr)
            families = Counter(one["name"][0]["family"] for one in ehr.resources("Patient"))
            updates = Counter(
                w["body"]["name"][0]["family"]
                for w in ehr.writes()
                if w["type"] == "Patient" and w["method"] == "PUT"
            )
            for number in range(rounds):
                family = _family(n, number)
                problems["changes lost"] += births.get(family) != _birth(number)
                problems["changes written again"] += updates[family] > 1
                problems["records doubled in an EHR"] += families[family] > 1
        self.outcome.problems += [f"{count} {what}" for what, count in problems.items() if count]

    async def judge_world(self, rounds: int) -> None:
        """Every patient is in the world once, with one source: nothing was pulled twice into effect."""
        for n in range(len(self.ehrs)):
            for number in range(rounds):
                found = await self._asked("GET", f"Patient?family={_family(n, number)}")
                if found.get("total") != 1:
                    self.outcome.problems.append(f"a patient is {found.get('total')} times in the world")


def _family(ehr: int, number: int) -> str:
    """One that matches no other: patients of several EHRs must stay several."""
    letters = "".join(chr(ord("a") + int(digit)) for digit in f"{ehr}{number:04}")
    return f"Q{letters}x{letters[::-1]}"


def _birth(number: int) -> str:
    return f"{1930 + number % 80}-{1 + number % 12:02}-{1 + number % 28:02}"


def _lives(pid: int) -> bool:
    """Whether it runs; one that is dead and not yet collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


async def handover(directory: Path, rounds: int, kills: int, ehrs: int = 5) -> Outcome:
    """Run the drill in ``directory``."""
    with contextlib.ExitStack() as stack:
        bundles = str(tiny_bundles(directory / "bundles"))
        running = [
            stack.enter_context(SimulatedEhrThread(directory / f"ehr{n}.db", "--bundles", bundles))
            for n in range(ehrs)
        ]
        for n, ehr in enumerate(running):
            _number_apart(ehr, n)
        server = ServerProcess(directory / "server", workers=2)
        server._initialise()
        with server.config.open("a") as config:
            for n, ehr in enumerate(running):
                config.write(_CONNECTOR.format(n=n, url=ehr.base, token=server.secret(TOKEN)))
        with server:
            headers = server.headers_of(OPERATOR)
            base = f"{server.base}/"
            async with httpx.AsyncClient(base_url=base, headers=headers, timeout=30, trust_env=False) as http:
                drill = Drill(server, running, http)
                outcome = await drill.run(rounds, kills)
                await drill.judge_world(rounds)
        server.rebuild_and_verify()
    return outcome


def _number_apart(ehr: SimulatedEhrThread, n: int) -> None:
    """Have the EHR give record numbers of its own: those of all simulated EHRs are in one system."""
    port = int(ehr.base.split(":")[2].split("/")[0])
    ehr.kill()
    with contextlib.closing(sqlite3.connect(ehr.data)) as records:
        records.execute("UPDATE counters SET value = value + ?", (1000 * n,))
        records.commit()
    ehr.start(port)


def report(outcome: Outcome) -> str:
    """The figures, for people."""
    slowest = max(outcome.handover, default=0.0)
    lines = (
        f"patients  {outcome.patients}",
        f"changes   {outcome.changes}",
        f"kills     {outcome.kills}, the slowest handover took {slowest:.1f} s",
        *(f"PROBLEM   {problem}" for problem in outcome.problems),
    )
    return "\n".join(lines)


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.faults.lease_handover", description=__doc__)
    options.add_argument("--rounds", type=int, default=40)
    options.add_argument("--kills", type=int, default=10)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="credence-leases-") as directory:
        outcome = asyncio.run(handover(Path(directory), chosen.rounds, chosen.kills))
    print(report(outcome))
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main())
