"""Several server processes on one port and one SQLite file, and the small parent that keeps them running.

Every worker listens on the same address (``SO_REUSEPORT``: the kernel spreads the connections) and has the
store open; the first one also runs the followers and connectors, which must run once. A worker that dies is
started again; when the parent ends, however it ends, its workers do too.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import FrameType

log = logging.getLogger("credence.workers")

STOP_SECONDS = 15.0
"""How long workers may take to end in order."""
LOOK_SECONDS = 0.1
SOON_SECONDS = 2.0
"""A worker that ended sooner than this after its start failed, and is not started again at once."""
LONGEST_PAUSE = 10.0
START_SECONDS = 60.0
FREE_SECONDS = 3.0
"""How long a port may still be held by the workers of a parent that was killed."""
MOST_AUTOMATIC = 4


def automatic() -> int:
    """One worker per processor, four at most, where the system spreads connections over them."""
    return min(len(os.sched_getaffinity(0)), MOST_AUTOMATIC) if hasattr(os, "sched_getaffinity") else 1


def listening_socket(host: str, port: int, together: bool) -> socket.socket:
    """A socket bound to the address, not yet listening. ``together``: others may bind the same one."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if together:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind(address)
    return made


def claimed_socket(host: str, port: int) -> socket.socket:
    """A socket that keeps the address for this server's workers. Raises OSError where another server has it.

    Workers share their port, so a second server on it would be let in and get half of the first one's requests.
    """
    deadline = time.monotonic() + FREE_SECONDS
    while port:
        try:
            listening_socket(host, port, together=False).close()
            break
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(LOOK_SECONDS)
    return listening_socket(host, port, together=True)


@dataclass(slots=True)
class Worker:
    """One process and its past: how often in a row it failed, and when it may be started again."""

    number: int
    process: subprocess.Popen[bytes]
    started: float
    failures: int = 0
    due: float = 0.0


class Workers:
    """The parent. ``command`` starts one worker; its number and the parent's pipe are added to it."""

    def __init__(self, command: Sequence[str], count: int, host: str, port: int):
        self._command, self._count, self._host, self._port = list(command), count, host, port
        self._workers: list[Worker] = []
        self._stopping = False

    def run(self) -> int:
        """Run until a signal asks to end, or the first worker cannot even start. Returns the exit code."""
        try:
            place = claimed_socket(self._host, self._port)
        except OSError as error:
            print(f"credence: {self._host}:{self._port}: {error.strerror}", file=sys.stderr)
            return 1
        self._port = place.getsockname()[1]
        theirs, ours = os.pipe()
        try:
            with self._signals():
                return self._run(theirs)
        finally:
            os.close(ours)
            os.close(theirs)
            place.close()

    def _run(self, pipe: int) -> int:
        self._workers.append(self._start(0, pipe))
        code = self._await_first()
        if code is None:
            self._workers += [self._start(number, pipe) for number in range(1, self._count)]
            self._keep(pipe)
        self._end()
        return code or 0

    def _start(self, number: int, pipe: int) -> Worker:
        # The worker's end of the pipe is closed when this process dies: so it learns of that.
        command = [*self._command, "--worker", str(number), "--parent", str(pipe), "--port", str(self._port)]
        process = subprocess.Popen(command, pass_fds=(pipe,))  # noqa: S603 - our own command line
        return Worker(number, process, time.monotonic())

    def _await_first(self) -> int | None:
        """Wait until the first worker listens: it makes the database. Its exit code where it ended instead."""
        first, deadline = self._workers[0].process, time.monotonic() + START_SECONDS
        while not self._stopping and time.monotonic() < deadline:
            if first.poll() is not None:
                return first.returncode or 1
            with (
                contextlib.suppress(OSError),
                socket.create_connection((_reached(self._host), self._port), 1),
            ):
                return None
            time.sleep(LOOK_SECONDS / 4)
        return 0 if self._stopping else 1

    def _keep(self, pipe: int) -> None:
        while not self._stopping:
            time.sleep(LOOK_SECONDS)
            for place, worker in enumerate(self._workers):
                if worker.process.poll() is not None:
                    self._workers[place] = self._again(worker, pipe)

    def _again(self, worker: Worker, pipe: int) -> Worker:
        """The worker that takes a dead one's place, after a pause where it keeps dying."""
        now = time.monotonic()
        if not worker.due:
            soon = now - worker.started < SOON_SECONDS
            worker.failures = worker.failures + 1 if soon else 0
            worker.due = now + (min(0.25 * 2**worker.failures, LONGEST_PAUSE) if soon else 0)
            log.warning("worker %d ended (%s), starting it again", worker.number, worker.process.returncode)
        if now < worker.due:
            return worker
        fresh = self._start(worker.number, pipe)
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


def _reached(host: str) -> str:
    """Where a server that listens everywhere is reached on this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104


def end_with_parent(pipe: int) -> None:
    """Have this worker end at once when its parent is gone: then the other end of ``pipe`` is closed.

    A parent that ends in order ends its workers first, so this is what ``kill -9`` of the parent does.
    """

    def watch() -> None:
        while os.read(pipe, 1):
            pass
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def this_program() -> list[str]:
    """How the running command line is started again."""
    return [sys.executable, "-c", "from fhirserver.app.cli import main; main()"]
