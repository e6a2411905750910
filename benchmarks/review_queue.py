"""How soon after its commit a claim is in the review queue, at a steady rate of claims at 0.5.

``RATE`` claims a second for ``QUEUE_SECONDS``, each a new Patient by the agent, open loop: a slow answer does not slow
the next. The clock of a claim starts when its write is answered, right after its commit, and stops when a search
of the queue (``Task?code=review``) that began later shows the Task about it. Exit 1 where the median is over a second.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.server import Target
from benchmarks.wire import Address
from tests.server_process import ServerProcess

RATE = float(os.environ.get("RATE", "200"))
SECONDS = float(os.environ.get("QUEUE_SECONDS", "20"))
WORKERS = int(os.environ.get("WORKERS", "2"))
POLL_SECONDS = 0.05
LINES = 16
DRAIN_SECONDS = 60.0
PAGE = 1000
LIMIT_SECONDS = 1.0
PROVENANCE = (
    '{"resourceType":"Provenance","extension":[{"url":"https://credence.health/fhir/StructureDefinition/confidence",'
    '"valueDecimal":0.5}]}'
)


@dataclass(slots=True)
class Run:
    """When each claim was committed, and when it was seen in the queue; seconds of one clock."""

    committed: dict[str, float] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)
    failed: int = 0
    started: float = 0.0
    ended: float = 0.0
    cpu: float = 0.0

    def latencies(self) -> list[float]:
        """Commit → seen, sorted; what was never seen is missing."""
        return sorted(
            max(0.0, at - self.committed[id]) for id, at in self.seen.items() if id in self.committed
        )


async def _write(client: httpx.AsyncClient, run: Run, number: int, lines: asyncio.Semaphore) -> None:
    day = f"19{number % 80 + 10}-{number % 12 + 1:02d}-{number % 28 + 1:02d}"
    patient = {"resourceType": "Patient", "name": [{"family": f"Queue{number}"}], "birthDate": day}
    async with lines:  # httpx looks through all that wait for a connection, each time one is free
        answer = await client.post("Patient", json=patient, headers={"X-Provenance": PROVENANCE})
    if answer.status_code == 201:
        run.committed[answer.headers["location"].split("/Patient/")[1].split("/")[0]] = time.perf_counter()
    else:
        run.failed += 1


async def _writing(client: httpx.AsyncClient, run: Run) -> None:
    run.started = time.perf_counter()
    tasks, lines = [], asyncio.Semaphore(LINES)
    for number in range(int(RATE * SECONDS)):
        pause = run.started + number / RATE - time.perf_counter()
        if pause > 0:
            await asyncio.sleep(pause)
        tasks.append(asyncio.create_task(_write(client, run, number, lines)))
    await asyncio.gather(*tasks)
    run.ended = time.perf_counter()


async def _watching(client: httpx.AsyncClient, run: Run, total: int) -> None:
    """Search the queue for what is new until all is seen. The answer's arrival is the moment of being seen."""
    since = ""
    while len(run.seen) < total:
        if run.ended and time.perf_counter() > run.ended + DRAIN_SECONDS:
            return
        query: dict[str, Any] = {
            "code": "review",
            "_count": PAGE,
            "_sort": "_lastUpdated",
            "_elements": "focus",
        }
        answer = await client.get("Task", params=query | ({"_lastUpdated": f"ge{since}"} if since else {}))
        answer.raise_for_status()
        now = time.perf_counter()
        for entry in answer.json().get("entry", ()):
            run.seen.setdefault(entry["resource"]["focus"]["reference"].split("/")[1], now)
            since = entry["resource"]["meta"]["lastUpdated"]
        await asyncio.sleep(POLL_SECONDS)


async def measure(base: str, writer: str, operator: str) -> Run:
    """Write and watch at once."""
    limits = httpx.Limits(max_connections=LINES, max_keepalive_connections=LINES)
    run = Run()
    async with (
        httpx.AsyncClient(
            base_url=f"{base}/", headers={"Authorization": f"Bearer {writer}"}, timeout=60, limits=limits
        ) as ours,
        httpx.AsyncClient(
            base_url=f"{base}/", headers={"Authorization": f"Bearer {operator}"}, timeout=60
        ) as theirs,
    ):
        await asyncio.gather(_writing(ours, run), _watching(theirs, run, int(RATE * SECONDS)))
    return run


def report(run: Run) -> int:
    """Print the figures; 0 where they hold."""
    found, total = run.latencies(), int(RATE * SECONDS)
    if len(found) < total or run.failed:
        print(f"{len(found)} of {total} claims seen in the queue, {run.failed} writes failed")
        return 1
    p50, p95, p99 = (found[min(len(found) - 1, int(len(found) * share))] for share in (0.5, 0.95, 0.99))
    rate = total / (run.ended - run.started)
    print(
        f"{total} claims at {rate:.0f} a second (asked for: {RATE:.0f}), {WORKERS} workers, load "
        f"{os.getloadavg()[0]:.1f}"
    )
    print(
        f"commit to visible in the queue: p50 {p50:.3f} s, p95 {p95:.3f} s, p99 {p99:.3f} s, longest {found[-1]:.3f} s"
    )
    print(
        f"processor time of the server: {run.cpu / total * 1000:.2f} ms a claim, the polling of the queue included"
    )
    return 0 if p50 <= LIMIT_SECONDS and rate >= RATE * 0.95 else 1


def main() -> int:
    """Against a server of its own with fresh data."""
    with (
        tempfile.TemporaryDirectory(prefix="credence-queue-") as folder,
        ServerProcess(Path(folder), workers=WORKERS) as server,
    ):
        target = Target("credence", Address.of(server.base, server.token), server.pid)
        before = target.cpu_seconds() or 0.0
        run = asyncio.run(measure(server.base, server.tokens["voice-agent"], server.tokens["admin"]))
        run.cpu = (target.cpu_seconds() or 0.0) - before
        return report(run)


if __name__ == "__main__":
    sys.exit(main())
