"""Many conversations by text at once, through the real server: how soon the first token comes.

``python -m benchmarks.chat [--conversations 500] [--think 10] [--messages 6] [--workers 2]``

Every user writes, reads the answer as NDJSON, thinks for a while and writes again, as people do. What is measured is
the time from the request to the first ``token`` in the answer, and the processor time that the server's processes took.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from fhirserver.kernel.json import dumps
from tests.chat_service import ChatService
from tests.server_process import ServerProcess

_TICKS = os.sysconf("SC_CLK_TCK")
KEPT_SECONDS = 3.0
"""For how long a connection is used again; the server keeps it for five."""
TARGET = 0.150
"""Seconds within which the first token comes, of 95 in a hundred messages."""


@dataclass
class Figures:
    """What was measured."""

    first: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    begun: float = 0.0

    def of(self, times: list[float], share: float) -> float:
        """A percentile in milliseconds."""
        ordered = sorted(times)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000 if ordered else float("nan")


class Wire:
    """One HTTP connection that is kept, as light as can be: what measures must not be what is measured."""

    def __init__(self, host: str, port: int, token: str):
        self._host, self._port = host, port
        self._head = f"Host: {host}\r\nAuthorization: Bearer {token}\r\n"
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._used = float("-inf")

    async def open(self) -> None:
        """Connect, unless the server still keeps the connection."""
        if time.perf_counter() - self._used > KEPT_SECONDS:
            if self._used > 0:
                self._writer.close()
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        self._used = time.perf_counter()

    def close(self) -> None:
        self._writer.close()

    async def ask(
        self, path: str, body: bytes = b"", accept: str = "application/json"
    ) -> tuple[int, list[tuple[float, bytes]]]:
        """POST; the status, and the pieces of the answer with the moments at which they came."""
        await self.open()
        head = f"POST {path} HTTP/1.1\r\n{self._head}Accept: {accept}\r\nContent-Type: application/json\r\n"
        self._writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        status, length = await self._headers()
        if length is not None:
            return status, [(time.perf_counter(), await self._reader.readexactly(length))]
        pieces: list[tuple[float, bytes]] = []
        while size := int(await self._reader.readline(), 16):
            piece = await self._reader.readexactly(size + 2)
            pieces.append((time.perf_counter(), piece[:-2]))
        await self._reader.readline()
        return status, pieces

    async def _headers(self) -> tuple[int, int | None]:
        status, length = int((await self._reader.readline()).split()[1]), None
        while (line := (await self._reader.readline()).strip()) != b"":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return status, length


async def converse(
    server: ServerProcess, token: str, script: list[str], think: float, figures: Figures
) -> None:
    """One user, from the first word to the last."""
    chance = random.Random(token)
    await asyncio.sleep(chance.uniform(0, think))
    wire = Wire("127.0.0.1", server.port, token)
    try:
        status, pieces = await wire.ask("/chat/services/clinic/conversations", b"")
        if status != 201:
            figures.problems.append(f"begin: {status}")
            return
        path = f"/chat/services/clinic/conversations/{json.loads(pieces[0][1])['id']}/messages"
        for text in script:
            await asyncio.sleep(chance.expovariate(1 / think) if think else 0)
            begun = time.perf_counter()
            status, pieces = await wire.ask(path, dumps({"text": text}), "application/x-ndjson")
            first = next((at for at, piece in pieces if b'"kind":"token"' in piece), None)
            if status != 200 or first is None:
                figures.problems.append(f"{text}: {status}")
                return
            figures.first.append(first - begun)
            figures.whole.append(pieces[-1][0] - begun)
    except (OSError, EOFError, ValueError, IndexError) as error:
        figures.problems.append(type(error).__name__)
    finally:
        if figures.begun:
            wire.close()


def processor_seconds(server: ServerProcess) -> float:
    """What the server's processes have taken so far."""
    total = 0.0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            told = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(told[2]) == server.pid or int(entry.name) == server.pid:
            total += (int(told[11]) + int(told[12])) / _TICKS
    return total


def world(server: ServerProcess, patients: int) -> None:
    """Patients with an appointment each, and doctors with open times."""
    start = datetime.now(UTC).replace(hour=15, minute=0, second=0, microsecond=0) + timedelta(days=2)
    resources: list[dict[str, Any]] = []
    for n in range(10):
        actor = {"reference": f"Practitioner/d{n}", "display": f"Dr. Ada Lane{chr(97 + n)}"}
        resources.append(
            {"resourceType": "Practitioner", "id": f"d{n}", "name": [{"family": f"Lane{chr(97 + n)}"}]}
        )
        resources.append({"resourceType": "Schedule", "id": f"s{n}", "active": True, "actor": [actor]})
        for slot in range(60):
            at = start + timedelta(days=slot // 12, minutes=30 * (slot % 12))
            resources.append({
                "resourceType": "Slot", "id": f"s{n}-{slot}", "schedule": {"reference": f"Schedule/s{n}"},
                "status": "free", "start": at.isoformat(), "end": (at + timedelta(minutes=30)).isoformat(),
            })  # fmt: skip
    for n in range(patients):
        given, family, born = person(n)
        resources.append({
            "resourceType": "Patient", "id": f"p{n}", "name": [{"given": [given], "family": family}],
            "birthDate": born.date().isoformat(),
            "telecom": [{"system": "phone", "value": f"+1412555{n:04d}", "use": "mobile"}],
        })  # fmt: skip
        at = start + timedelta(days=n % 20, hours=n % 6)
        resources.append({
            "resourceType": "Appointment", "id": f"a{n}", "status": "booked", "start": at.isoformat(),
            "end": (at + timedelta(minutes=30)).isoformat(),
            "participant": [
                {"actor": {"reference": f"Patient/p{n}"}, "status": "needs-action"},
                {"actor": {"reference": f"Practitioner/d{n % 10}", "display": f"Dr. Ada Lane{chr(97 + n % 10)}"},
                 "status": "accepted"},
            ],
        })  # fmt: skip
    for begin in range(0, len(resources), 500):
        entries = [
            {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
            for one in resources[begin : begin + 500]
        ]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        answer = httpx.post(server.base, content=dumps(bundle), headers=server.headers, timeout=120)
        answer.raise_for_status()


_GIVEN = ("Anna", "Carl", "Dora", "Emil", "Fay", "Greta", "Hugo", "Ida", "John", "Karin")
_FAMILY = ("Miller", "Baker", "Cook", "Fisher", "Hunter", "Mason", "Porter", "Smith", "Taylor", "Weaver")


def person(n: int) -> tuple[str, str, datetime]:
    """Given name, family name and birth date of a patient; together nobody else's."""
    return _GIVEN[n % 10], _FAMILY[n // 10 % 10], datetime(1950, 1, 1, tzinfo=UTC) + timedelta(days=17 * n)


def script(n: int, messages: int) -> list[str]:
    """What a user writes: asks when the visit is, is identified, confirms it, and takes leave."""
    given, family, born = person(n)
    lines = [
        "I want to confirm my appointment",
        f"{given} {family}, {born.strftime('%B')} {born.day}, {born.year}",
        "yes, I will be there",
        "When is my appointment?",
        "no, what time was that again?",
        "no thank you, goodbye",
    ]
    return lines[:messages]


async def run(server: ServerProcess, service: ChatService, options: argparse.Namespace) -> Figures:
    """All conversations at once."""
    figures = Figures()
    tokens = [service.token(f"user-{n}") for n in range(options.conversations)]
    figures.begun = time.perf_counter()
    await asyncio.gather(
        *(
            converse(server, token, script(n, options.messages), options.think, figures)
            for n, token in enumerate(tokens)
        )
    )
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chat")
    parser.add_argument("--conversations", type=int, default=500)
    parser.add_argument("--think", type=float, default=10.0, help="seconds between messages, on average")
    parser.add_argument("--messages", type=int, default=6)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="credence-bench-chat-"))
    try:
        with ServerProcess(folder, workers=options.workers) as server:
            world(server, options.conversations)
            service = ChatService(server)
            before = processor_seconds(server)
            figures = asyncio.run(run(server, service, options))
            seconds, used = time.perf_counter() - figures.begun, processor_seconds(server) - before
            return told(figures, options, seconds, used)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def told(figures: Figures, options: argparse.Namespace, seconds: float, used: float) -> int:
    """Print the figures; 1 where the target is missed or something went wrong."""
    count, p95 = len(figures.first), figures.of(figures.first, 0.95)
    print(
        f"{options.conversations} conversations at once, {count} messages in {seconds:.1f} s: {count / seconds:.0f}/s"
    )
    print(
        f"first token p50 {figures.of(figures.first, 0.5):.0f} ms, p95 {p95:.0f} ms (at most {TARGET * 1000:.0f})"
    )
    print(
        f"whole answer p50 {figures.of(figures.whole, 0.5):.0f} ms, p95 {figures.of(figures.whole, 0.95):.0f} ms"
    )
    print(f"processor time of the server: {used:.1f} s, {used / max(count, 1) * 1000:.1f} ms a message")
    for problem in sorted(set(figures.problems)):
        print(f"problem: {problem} ({figures.problems.count(problem)} times)")
    return int(bool(figures.problems) or p95 > TARGET * 1000)


if __name__ == "__main__":
    sys.exit(main())
