"""``python -m benchmarks.hl7_arrival``: HL7v2 messages over MLLP into a real server, each answered when durable.

``COUNT`` (10,000) messages of :mod:`benchmarks.adt_feed` about ``PATIENTS`` (2,000) patients over
``CONNECTIONS`` (16), each connection with one message under way, from a process of its own; the server runs
with ``WORKERS`` (as many as ``credence init`` sets here) on a SQLite file. ``MESSAGES`` names a folder of
``.hl7`` files to send in turn instead, with control ids and patients of their own. ``ANSWER=stored`` has messages
answered when they are stored; then it also says how long all took to be taken in. Prints messages a second,
how long an answer took, processor time a message, and the server's memory as it goes. Exit code 1 where it is
below 300 messages a second, where 99 of 100 answers took longer than 250 ms, where an answer was no AA, or
where memory grew by more than a tenth over the second half.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.adt_feed import message
from benchmarks.server import Target
from benchmarks.wire import Address
from fhirserver.app.workers import automatic
from fhirserver.kernel.json import dumps, loads
from tests.hl7_feed import FeedServer, code_of

LEAST_RATE, MOST_P99, MOST_GROWTH = 300.0, 0.25, 0.1
SAMPLES = 20


@dataclass(slots=True)
class Sent:
    """What the sending process saw."""

    codes: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    started: float = 0.0
    ended: float = 0.0


def made(count: int, lane: int, lanes: int, patients: int) -> Iterator[bytes]:
    """The messages of one connection, about patients that no other connection speaks of."""
    own = range(lane, patients, lanes)
    for number in range(lane, count, lanes):
        step, place = divmod(number // lanes, len(own))
        yield message(own[place], step, f"B{number}")


def copied(folder: Path, count: int, lane: int, lanes: int) -> Iterator[bytes]:
    """Messages of files in turn, each with a control id and a first patient identifier of its own."""
    files = [
        path.read_bytes().replace(b"\r\n", b"\r").replace(b"\n", b"\r")
        for path in sorted(folder.glob("*.hl7"))
    ]
    for number in range(lane, count, lanes):
        segments = files[number % len(files)].removeprefix(b"\xef\xbb\xbf").rstrip(b"\r").split(b"\r")
        yield b"".join(_own(segment, number) + b"\r" for segment in segments)


def _own(segment: bytes, number: int) -> bytes:
    fields = segment.split(b"|")
    if fields[0] == b"MSH":
        fields[9] = b"B%d" % number
        for wanted in (14, 15):
            if len(fields) > wanted:
                fields[wanted] = b""
    elif fields[0] == b"PID" and len(fields) > 3:
        first = fields[3].split(b"^")
        fields[3] = b"^".join([b"P%d" % number, *first[1:]])
    return b"|".join(fields)


async def send(port: int, count: int, lanes: int, patients: int, folder: Path | None) -> Sent:
    """All messages; what one connection waits for does not hold up the others."""
    sent = Sent(started=time.time())

    async def lane(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        messages = copied(folder, count, number, lanes) if folder else made(count, number, lanes, patients)
        for content in messages:
            begun = time.perf_counter()
            writer.write(b"\x0b" + content + b"\x1c\r")
            answer = await reader.readuntil(b"\x1c\r")
            sent.seconds.append(time.perf_counter() - begun)
            sent.codes[code_of(answer[1:-2])[:2]] += 1
        writer.close()

    await asyncio.gather(*(lane(number) for number in range(lanes)))
    sent.ended = time.time()
    return sent


def child(arguments: list[str]) -> None:
    """The sending process: prints what it saw as JSON."""
    port, count, lanes, patients = map(int, arguments[:4])
    folder = Path(arguments[4]) if arguments[4:] else None
    sent = asyncio.run(send(port, count, lanes, patients, folder))
    answer = {"codes": dict(sent.codes), "started": sent.started, "ended": sent.ended}
    sys.stdout.buffer.write(dumps({**answer, "micros": [round(one * 1e6) for one in sent.seconds]}))


class Memory:
    """Resident megabytes of the server, looked at now and then."""

    def __init__(self, target: Target):
        self._target = target
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.samples: list[float] = []

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(1.0):
            self.samples.append(self._target.resident_mb() or 0.0)


def measure(server: FeedServer, count: int, lanes: int, patients: int, folder: str) -> bool:
    """Send, print, judge."""
    target = Target("credence", Address.of(server.base, server.token), server.pid)
    before = target.cpu_seconds() or 0.0
    command = [sys.executable, "-m", "benchmarks.hl7_arrival", "send", str(server.mllp_port)]
    numbers = [str(count), str(lanes), str(patients), *([folder] if folder else [])]
    with Memory(target) as memory:
        done = subprocess.run([*command, *numbers], capture_output=True, check=True)
    cpu = (target.cpu_seconds() or 0.0) - before
    sent = loads(done.stdout)
    seconds, answers = sent["ended"] - sent["started"], sorted(sent["micros"])
    p50, p99 = (answers[int(len(answers) * share)] / 1e6 for share in (0.5, 0.99))
    print(
        f"{len(answers):,} messages over {lanes} connections in {seconds:.1f} s: {len(answers) / seconds:.0f}/s"
    )
    print(f"answers: {sent['codes']}; median {p50 * 1000:.1f} ms, 99 % {p99 * 1000:.1f} ms")
    print(f"processor time of the server: {cpu / len(answers) * 1000:.2f} ms a message")
    samples = memory.samples or [0.0]
    shown = samples[:: max(1, len(samples) // SAMPLES)]
    print(f"memory in MB as it went: {', '.join(f'{one:.0f}' for one in shown)}")
    half = samples[len(samples) // 2]
    flat = samples[-1] <= half * (1 + MOST_GROWTH)
    return set(sent["codes"]) == {"AA"} and len(answers) / seconds >= LEAST_RATE and p99 <= MOST_P99 and flat


def worked_off(server: FeedServer, count: int, began: float) -> None:
    """Wait until every message has its evidence, and say how long that took from the first one on."""
    client = httpx.Client(base_url=f"{server.base}/", headers=server.headers_of("admin"), trust_env=False)
    with client:
        while (total := client.get("Binary?_summary=count", timeout=60).json()["total"]) < count:
            time.sleep(1)
    seconds = time.time() - began
    print(f"{total:,} taken in {seconds:.1f} s after the first arrived: {total / seconds:.0f}/s")


def main() -> int:
    if sys.argv[1:2] == ["send"]:
        child(sys.argv[2:])
        return 0
    env = os.environ
    count, lanes = int(env.get("COUNT") or 10_000), int(env.get("CONNECTIONS") or 16)
    patients, workers = int(env.get("PATIENTS") or 2_000), int(env.get("WORKERS") or automatic())
    temporary = tempfile.TemporaryDirectory(prefix="credence-hl7-", dir=env.get("DATA") or None)
    answer = env.get("ANSWER") or "taken in"
    with (
        temporary as folder,
        FeedServer(Path(folder), f'answer = "{answer}"', workers=workers) as server,
    ):
        began = time.time()
        well = measure(server, count, lanes, patients, env.get("MESSAGES", ""))
        if answer == "stored":
            worked_off(server, count, began)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
