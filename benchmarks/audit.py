"""``python -m benchmarks.audit``: what the audit costs of each request, in microseconds of processor time.

In process, without a socket: the FHIR edge on SQLite answers the same requests with and without the audit in turns, so
that what else the machine does meets both; of all rounds the cheapest counts, as a busy machine only adds. The time is
that of the whole process: noting, and the thread that packs, seals and writes batches. Then the same for the audit
alone, which needs no difference of two large figures; what the trail takes on disk; how fast AuditEvents are made of
it.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.dataset import people
from fhirserver.access.audit.event import NoAudit
from fhirserver.access.audit.recorder import Recorder
from fhirserver.access.principals import Principal, token_digest
from fhirserver.app.settings import SYSTEM, Settings
from fhirserver.app.wiring import make_application
from fhirserver.interactions.exchange import Request, Result
from fhirserver.interactions.noting import event_of
from fhirserver.kernel.json import dumps
from fhirserver.ports.storage import Version
from fhirserver.rest.application import Application
from fhirserver.world.sources import Source

EHR = Source("ehr", "ehr", authoritative=True)
ROUNDS = 7
REQUESTS = {"read": 2_000, "search, one match": 600, "search, 50 matches": 80, "create": 60}
DERIVED = 2_000
PATIENTS = 60
_TOKEN = "token"


def settings(folder: Path) -> Settings:
    principal = Principal("ehr", EHR, frozenset({"read", "write"}))
    return Settings(
        storage="sqlite",
        path=folder / "credence.db",
        sources={SYSTEM.id: SYSTEM, EHR.id: EHR},
        principals=((token_digest(_TOKEN), principal),),
    )


def scope(method: str, path: str, query: str = "") -> dict[str, Any]:
    """A request as a server hands it on."""
    headers = [
        (b"host", b"bench"),
        (b"authorization", f"Bearer {_TOKEN}".encode()),
        (b"accept", b"application/fhir+json"),
        (b"content-type", b"application/fhir+json"),
    ]
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": f"/fhir/{path}",
        "raw_path": f"/fhir/{path}".encode(),
        "query_string": query.encode(),
        "headers": headers,
        "client": ("127.0.0.1", 40000),
    }


async def ask(application: Application, asked: dict[str, Any], body: bytes = b"") -> None:
    """One request. Raises AssertionError where it is not answered well."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        assert message.get("status", 200) < 300, message

    await application(asked, receive, send)


async def cost(work: Callable[[], Awaitable[None]], count: int, recorder: Recorder) -> float:
    """Microseconds of processor time of one request, with all that is written because of it."""
    started = time.process_time()
    for number in range(count):
        await work()
        if number % 200 == 0:
            await asyncio.sleep(0)
    await recorder.flush()
    return (time.process_time() - started) / count * 1e6


def workload() -> dict[str, Callable[[Application], Awaitable[None]]]:
    patient = dumps(people(1, 0)[0].patient)
    return {
        "read": lambda app: ask(app, scope("GET", "Patient/p0")),
        "search, one match": lambda app: ask(app, scope("GET", "Patient", "_id=p0")),
        "search, 50 matches": lambda app: ask(app, scope("GET", "Patient", "_count=50")),
        "create": lambda app: ask(app, scope("POST", "Patient"), patient),
    }


async def measure(application: Application, recorder: Recorder) -> dict[str, tuple[float, float]]:
    """For each kind of request, what it costs without and with the audit: the cheapest of rounds in turns."""
    edge = application._edge
    audited = edge.context
    silent = replace(audited, audit=NoAudit())
    found = {}
    for name, work in workload().items():
        costs: dict[bool, list[float]] = {False: [], True: []}
        for number in range(ROUNDS * 2):
            with_audit = bool(number % 2)
            edge.context = audited if with_audit else silent
            spent = await cost(lambda work=work: work(application), REQUESTS[name], recorder)  # type: ignore[misc]
            costs[with_audit].append(spent)
        edge.context = audited
        found[name] = (min(costs[False]), min(costs[True]))
    return found


async def alone(recorder: Recorder, shown: int) -> float:
    """Microseconds for one event that shows so many versions: made, noted, packed, sealed, written."""
    principal = Principal("ehr", EHR, frozenset({"read"}))
    versions = [Version("Patient", f"p{number}", 1, 1, "", False, b"") for number in range(shown)]
    result = Result(200, version=versions[0]) if shown == 1 else Result(200, shown=versions)
    request = Request(principal, "GET", "Patient", "p0", address="192.0.2.7", number="5f0c2a91-1f")
    found = []
    for _ in range(ROUNDS):
        count, started = 20_000 // shown, time.process_time()
        for _ in range(count):
            recorder.note(event_of(request, "read", result))
        await recorder.flush()
        found.append((time.process_time() - started) / count * 1e6)
    return min(found)


async def derive(application: Application, recorder: Recorder, folder: Path) -> dict[str, float]:
    """What reads take in the trail, and what it takes to make AuditEvents of them."""
    trail = application.store.storage.trail
    before = await trail.last()
    for number in range(DERIVED):
        await ask(application, scope("GET", f"Patient/p{number % PATIENTS}"))
    await recorder.flush()
    batches = await trail.read(before.number if before else 0, 10_000)
    size = sum(len(batch.data) + len(batch.seal) * 2 + 60 for batch in batches)
    events = application._edge.context.audit_events
    assert events is not None
    database = _size(folder / "credence.db")
    started = time.process_time()
    await events.derive_batches([[batches[0].number, batches[-1].number]])
    took = time.process_time() - started
    return {
        "bytes of the trail for a read": size / DERIVED,
        "AuditEvents made in a second of processor time": DERIVED / took,
        "bytes of the database for an AuditEvent": (_size(folder / "credence.db") - database) / DERIVED,
    }


def _size(path: Path) -> int:
    """Bytes of a database with all that is in its write-ahead log."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path.stat().st_size


async def run(folder: Path) -> None:
    application = make_application(settings(folder))
    inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    outbox: asyncio.Queue[Any] = asyncio.Queue()
    lifespan = asyncio.ensure_future(application({"type": "lifespan", "state": {}}, inbox.get, outbox.put))
    await inbox.put({"type": "lifespan.startup"})
    assert (await outbox.get())["type"] == "lifespan.startup.complete"
    recorder = application._edge.context.audit
    assert isinstance(recorder, Recorder)
    for number, person in enumerate(people(PATIENTS, 0)):
        body = dumps({**person.patient, "id": f"p{number}"})
        await ask(application, scope("PUT", f"Patient/p{number}"), body)
    table = Table("request", "without µs", "with µs", "the audit µs", "%")
    for name, (without, with_audit) in (await measure(application, recorder)).items():
        more = with_audit - without
        table.add_row(name, f"{without:.1f}", f"{with_audit:.1f}", f"{more:.1f}", f"{more / without:.1%}")
    console = Console()
    console.print(table)
    for shown in (1, 50):
        console.print(f"the audit alone, {shown} shown: {await alone(recorder, shown):.1f} µs")
    for name, value in (await derive(application, recorder, folder)).items():
        console.print(f"{name}: {value:,.0f}")
    await inbox.put({"type": "lifespan.shutdown"})
    await lifespan


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="credence-audit-") as folder:
        asyncio.run(run(Path(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
