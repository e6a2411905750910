"""Several server processes on one port and one SQLite file, and the small parent that keeps them running.

The parent accepts connections and hands each to a worker (:mod:`fhirserver.app.door`). Every worker has the store
open and its share of the connectors; the first one also runs the followers, which must run once. A worker that
dies is started again; when the parent ends, however it ends, its workers do too.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import FrameType

from fhirserver.app.door import Door, Lane

log = logging.getLogger("credence.workers")

STOP_SECONDS = 15.0
"""How long workers may take to end in order."""
LOOK_SECONDS = 0.1
SOON_SECONDS = 2.0
"""A worker that ended sooner than this after its start failed, and is not started again at once."""
LONGEST_PAUSE = 10.0
START_SECONDS = 60.0
PATIENCE_SECONDS = 10.0
"""How long the first worker, when it is ready, waits for the others."""
MOST_AUTOMATIC = 4


def automatic() -> int:
    """One worker per processor, four at most, where the system spreads connections over them."""
    return min(len(os.sched_getaffinity(0)), MOST_AUTOMATIC) if hasattr(os, "sched_getaffinity") else 1


@dataclass(slots=True)
class Worker:
    """One process and its past: how often in a row it failed, and when it may be started again."""

    number: int
    process: subprocess.Popen[bytes]
    lane: Lane
    started: float
    failures: int = 0
    due: float = 0.0


class Workers:
    """The parent. ``command`` starts one worker; its number, its channel and the port are added to it."""

    def __init__(self, command: Sequence[str], count: int, host: str, port: int):
        self._command, self._count, self._host, self._port = list(command), count, host, port
        self._workers: list[Worker] = []
        self._stopping = False

    def run(self) -> int:
        """Run until a signal asks to end, or the first worker cannot even start. Returns the exit code."""
        try:
            door = Door(self._host, self._port)
        except OSError as error:
            print(f"credence: {self._host}:{self._port}: {error.strerror}", file=sys.stderr)
            return 1
        with self._signals():
            try:
                return self._run(door)
            finally:
                door.shut()
                self._end()
                door.close()

    def _run(self, door: Door) -> int:
        first = self._start(0, door)
        self._workers.append(first)
        code = self._await_first(first, door)
        if code is not None:
            return code
        self._workers += [self._start(number, door) for number in range(1, self._count)]
        patience = time.monotonic() + PATIENCE_SECONDS
        while not self._stopping:
            # Clients that come back all at once, and stay, would all be at the first one.
            if not door.opened and (self._all_ready() or time.monotonic() > patience):
                door.open()
            door.serve(LOOK_SECONDS)
            self._look_after(door)
        return 0

    def _all_ready(self) -> bool:
        return all(worker.lane.ready for worker in self._workers)

    def _start(self, number: int, door: Door) -> Worker:
        lane, theirs = door.lane()
        with theirs:
            ends = ["--worker", str(number), "--channel", str(theirs.fileno()), "--port", str(door.port)]
            process = subprocess.Popen([*self._command, *ends], pass_fds=(theirs.fileno(),))  # noqa: S603 - our own command line
        return Worker(number, process, lane, time.monotonic())

    def _await_first(self, first: Worker, door: Door) -> int | None:
        """Wait until the first worker is ready: it makes the database. Its exit code where it ended instead."""
        deadline = time.monotonic() + START_SECONDS
        while not self._stopping and time.monotonic() < deadline:
            door.serve(LOOK_SECONDS)
            if first.lane.ready:
                return None
            if first.process.poll() is not None:
                return first.process.returncode or 1
        return 0 if self._stopping else 1

    def _look_after(self, door: Door) -> None:
        for place, worker in enumerate(self._workers):
            if worker.process.poll() is not None:
                self._workers[place] = self._again(worker, door)

    def _again(self, worker: Worker, door: Door) -> Worker:
        """The worker that takes a dead one's place, after a pause where it keeps dying."""
        now = time.monotonic()
        if not worker.due:
            soon = now - worker.started < SOON_SECONDS
            worker.failures = worker.failures + 1 if soon else 0
            worker.due = now + (min(0.25 * 2**worker.failures, LONGEST_PAUSE) if soon else 0)
            log.warning("worker %d ended (%s), starting it again", worker.number, worker.process.returncode)
        if now < worker.due:
            return worker
        fresh = self._start(worker.number, door)
        fresh.failures = worker.failures
        return fresh

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        before = {one: signal.signal(one, self._stop) for one in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _end(self) -> None:
        for worker in self._workers:
            if worker.process.poll() is None:
                worker.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for worker in self._workers:
            try:
                worker.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()


def this_program() -> list[str]:
    """How the running command line is started again."""
    return [sys.executable, "-c", "from fhirserver.app.cli import main; main()"]
