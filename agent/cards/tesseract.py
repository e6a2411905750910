"""Recognition by tesseract (https://tesseract-ocr.github.io), in a process of its own with limits."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys

from agent.cards.words import Illiterate, NotRead, TextRecogniser, Word
from agent.cards.worker import BROKEN


class Tesseract:
    """A :class:`~agent.cards.words.TextRecogniser`. ``at_once`` pictures are read at a time, the others wait.

    ``seconds`` is what one may take, ``megabytes`` what memory it may have.
    """

    def __init__(self, seconds: int = 30, megabytes: int = 1024, at_once: int = 1):
        self._seconds, self._megabytes = seconds, megabytes
        self._turn = asyncio.Semaphore(at_once)

    async def words(self, data: bytes) -> tuple[Word, ...]:
        async with self._turn:
            code, out = await self._run(data)
        if code == BROKEN:
            raise NotRead("broken", "the picture cannot be decoded")
        if code != 0:
            raise NotRead("failed", f"the recognition ended with code {code}")
        return tuple(Word(*found) for found in json.loads(out))

    async def _run(self, data: bytes) -> tuple[int, bytes]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "agent.cards.worker",
            str(self._seconds),
            str(self._megabytes),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(self._seconds * 2):
                out, _ = await process.communicate(data)
        except TimeoutError:
            raise NotRead("late", "the recognition took too long") from None
        finally:
            if process.returncode is None:  # with tesseract, which is in the same session
                os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        return process.returncode or 0, out


def recogniser() -> TextRecogniser:
    """Tesseract where it is installed; else one that reads nothing."""
    return Tesseract() if shutil.which("tesseract") else Illiterate()
