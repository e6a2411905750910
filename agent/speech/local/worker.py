"""A process of our own on the other end of two pipes: started when needed, started again when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from typing import TypeAlias

from agent.speech.local.pipe import FAILED, HEADER, READY, BrokenPipe, packed, unpacked
from agent.speech.ports import SpeechFailed

OnFrame: TypeAlias = Callable[[int, bytes], None]
"""Takes the kind and payload of each answer to one request; FAILED is the last when the worker dies."""


class WorkerDied(SpeechFailed):
    """The process ended while the request was under way; the next one finds a new process."""


DIED = b"the speech worker died"

_PASSED_ON = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "TMPDIR", "LANG", "SYSTEMROOT")
"""All that a worker gets of our environment: no keys, no tokens."""


class Worker:
    """Runs ``python -m module``. All methods belong to one event loop."""

    def __init__(self, module: str, *arguments: str, start_within: float = 20.0):
        self._command = (sys.executable, "-m", module, *arguments)
        self._start_within = start_within
        self._requests = itertools.count(1)
        self._answers: dict[int, OnFrame] = {}
        self._process: Process | None = None
        self._starting: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._ready = False
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The process that runs now."""
        return self._process.pid if self._process and self._process.returncode is None else None

    @property
    def ready(self) -> bool:
        return self._ready

    @property
    def busy(self) -> int:
        """Requests under way."""
        return len(self._answers)

    async def start(self) -> None:
        """Return when the worker is there. Raises SpeechFailed when it does not come up."""
        if self._closed:
            raise SpeechFailed("the speech worker is closed")
        if self._ready:
            return
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._start())
        await asyncio.shield(self._starting)

    async def _start(self) -> None:
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=environment
            )
        except OSError as error:
            raise SpeechFailed(f"the speech worker cannot be started: {error.strerror}") from None
        self._process = process
        come = asyncio.get_running_loop().create_future()
        self._reading = asyncio.create_task(self._read(process, come))
        try:
            async with asyncio.timeout(self._start_within):
                await come
        except TimeoutError:
            await self._end()
            raise SpeechFailed("the speech worker did not start in time") from None

    def request(self, on_frame: OnFrame) -> int:
        """The number of a new request; its answers go to ``on_frame`` until DONE or FAILED."""
        number = next(self._requests)
        self._answers[number] = on_frame
        return number

    def forget(self, request: int) -> None:
        """Its answers are not wanted any more."""
        self._answers.pop(request, None)

    def send(self, kind: int, request: int, payload: bytes = b"") -> None:
        """Returns at once. To a worker that has died since nothing is sent: the request has had its FAILED."""
        if self._ready and self._process and self._process.stdin and not self._process.stdin.is_closing():
            self._process.stdin.write(packed(kind, request, payload))

    async def _read(self, process: Process, come: asyncio.Future[None]) -> None:
        assert process.stdout
        try:
            while True:
                length, kind, request = unpacked(await process.stdout.readexactly(HEADER.size))
                payload = await process.stdout.readexactly(length)
                if kind == READY and not come.done():
                    self._ready = True
                    come.set_result(None)
                elif answer := self._answers.get(request):
                    answer(kind, payload)
        except (asyncio.IncompleteReadError, ConnectionError, BrokenPipe):
            pass
        finally:
            self._gone(come)
        await self._reap(process)
        if come.exception() is None and not self._closed:
            await self._again()

    def _gone(self, come: asyncio.Future[None]) -> None:
        """Tell everybody who waits."""
        self._ready = False
        if not come.done():
            come.set_exception(SpeechFailed("the speech worker ended before it was ready"))
        waiting, self._answers = self._answers, {}
        for answer in waiting.values():
            answer(FAILED, DIED)

    async def _again(self) -> None:
        """A worker that had been ready is started again ahead of the next request; one that never was is not."""
        self._starting = asyncio.create_task(self._start())
        try:
            await asyncio.shield(self._starting)
        except SpeechFailed:
            return  # the next request tries again and is told

    @staticmethod
    async def _reap(process: Process) -> None:
        if process.stdin:
            process.stdin.close()
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process:
            await self._reap(process)
        if self._reading and self._reading is not asyncio.current_task():
            await asyncio.wait([self._reading])

    async def close(self) -> None:
        """End the process. Requests under way fail."""
        self._closed = True
        await self._end()
        if self._starting and not self._starting.done():
            self._starting.cancel()
            await asyncio.wait([self._starting])
            await self._end()
