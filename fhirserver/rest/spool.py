"""Where the answers to asynchronous requests wait: files beside the data, shared by all server processes.

A job is a file with its owner, touched while it is worked on, and a file with its answer once there is one.
Names are random; files are for the server's user only; both go when they have waited long enough.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path

KEEP_SECONDS = 3600.0
"""How long an answer waits."""
LOST_SECONDS = 60.0
"""After how long without a sign of life a job counts as lost with its process."""
_ID = re.compile(r"[0-9a-f]{32}\Z")


class Spool:
    """The files of all jobs. ``clock`` gives Unix seconds. A ``passing`` folder goes when the server ends."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time, passing: bool = False):
        self._folder, self._clock, self._passing = folder, clock, passing
        self._swept = 0.0

    def create(self, owner: str) -> str:
        """A new job of an owner; its id."""
        self._sweep()
        id = secrets.token_hex(16)
        self._write(self._job(id), owner.encode())
        return id

    def owner(self, id: str) -> str | None:
        """Whose job it is; None where there is no such job, or no more."""
        self._sweep()
        if not _ID.match(id):
            return None
        try:
            return self._job(id).read_text()
        except OSError:
            return None

    def touch(self, id: str) -> bool:
        """Say that a job is worked on. False where it was cancelled."""
        now = self._clock()
        try:
            os.utime(self._job(id), (now, now))
        except OSError:
            return False
        return True

    def finish(self, id: str, answer: bytes) -> None:
        """Keep the answer, whole or not at all; of a cancelled job nothing is kept."""
        if self.touch(id):
            self._write(self._answer(id), answer)

    def answer(self, id: str) -> bytes | None:
        """The answer, where there is one yet."""
        try:
            return self._answer(id).read_bytes()
        except OSError:
            return None

    def is_lost(self, id: str) -> bool:
        """Whether nobody works on a job that has no answer."""
        try:
            return self._clock() - self._job(id).stat().st_mtime > LOST_SECONDS
        except OSError:
            return True

    def expires(self, id: str) -> float:
        """When the job will be forgotten, in Unix seconds."""
        try:
            return self._job(id).stat().st_mtime + KEEP_SECONDS
        except OSError:
            return self._clock()

    def remove(self, id: str) -> None:
        """Forget a job; whoever works on it will find it gone."""
        for path in (self._job(id), self._answer(id)):
            path.unlink(missing_ok=True)

    def close(self) -> None:
        """Nothing is left of a passing folder."""
        if self._passing:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _job(self, id: str) -> Path:
        return self._folder / f"{id}.job"

    def _answer(self, id: str) -> Path:
        return self._folder / f"{id}.answer"

    def _write(self, path: Path, content: bytes) -> None:
        """A file that is there whole or not at all, readable by the server's user only."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        now = self._clock()
        os.utime(fresh, (now, now))
        fresh.replace(path)

    def _sweep(self) -> None:
        """Remove what has waited long enough, now and then."""
        now = self._clock()
        if abs(now - self._swept) < LOST_SECONDS or not self._folder.is_dir():
            return
        self._swept = now
        for path in self._folder.iterdir():
            with contextlib.suppress(OSError):
                if now - path.stat().st_mtime > KEEP_SECONDS:
                    path.unlink()
