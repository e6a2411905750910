"""A process that answers questions in bytes, one at a time; one that does not answer is killed and started anew."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import BinaryIO

_LARGEST = 16 * 1024 * 1024


class WorkerFailed(Exception):
    """No answer came: the process died, would not start, or took too long."""


class WorkerProcess:
    """``module`` is run as ``python -m module``; :func:`answers` is its other end.

    ``timeout`` seconds for an answer, ``patience`` for the first one of a process, which has to import first.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str] = (),
        timeout: float = 2.0,
        patience: float = 20.0,
        python: str = sys.executable,
    ):
        self._command = (python, "-m", module, *arguments)
        self._timeout, self._patience = timeout, patience
        self._process: asyncio.subprocess.Process | None = None
        self._fresh = True

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def ask(self, question: bytes) -> bytes:
        """The answer. Only one question at a time. Raises WorkerFailed."""
        try:
            async with asyncio.timeout(self._patience if self._fresh else self._timeout):
                answer = await self._exchange(question)
        except (TimeoutError, OSError, EOFError, ValueError) as error:
            await self.close()
            raise WorkerFailed(type(error).__name__) from None
        except asyncio.CancelledError:
            await self.close()
            raise
        self._fresh = False
        return answer

    async def _exchange(self, question: bytes) -> bytes:
        if not self.running:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
            self._fresh = True
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        process.stdin.write(len(question).to_bytes(4, "little") + question)
        await process.stdin.drain()
        size = int.from_bytes(await process.stdout.readexactly(4), "little")
        if size > _LARGEST:
            raise ValueError("an answer that long is none")
        return await process.stdout.readexactly(size)

    async def close(self) -> None:
        """Kill the process; the next question starts another."""
        process, self._process, self._fresh = self._process, None, True
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        await process.wait()


def questions(stream: BinaryIO) -> bytes | None:
    """In the process: the next question; None when the other end is gone."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    return stream.read(int.from_bytes(head, "little"))


def answers(stream: BinaryIO, answer: bytes) -> None:
    """In the process: give the answer."""
    stream.write(len(answer).to_bytes(4, "little") + answer)
    stream.flush()
