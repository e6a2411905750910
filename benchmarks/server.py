"""The servers that are measured: our own, started here, or one that runs already."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from benchmarks.wire import Address
from tests.server_process import ServerProcess

_IDLE_SHARE = 0.1
"""Of a processor: what a server without requests does less than."""


@dataclass(frozen=True, slots=True)
class Target:
    """One server. ``pid`` is 0 where the process is not known, such as on another machine."""

    name: str
    address: Address
    pid: int = 0

    def resident_mb(self) -> float | None:
        """Resident memory of the process and all its children in megabytes (10⁶ bytes).

        Pages that processes share, such as those of the database's file, count once for each.
        """
        if not self.pid:
            return None
        return float(sum(one.memory_info().rss for one in self._tree())) / 1e6

    def cpu_seconds(self) -> float | None:
        """Processor time that the process and its children have used, without those that have ended."""
        if not self.pid:
            return None
        times = [one.cpu_times() for one in self._tree()]
        return float(sum(one.user + one.system for one in times))

    def _tree(self) -> list[psutil.Process]:
        process = psutil.Process(self.pid)
        return [one for one in (process, *process.children(recursive=True)) if one.is_running()]


async def settled(target: Target, seconds: float = 60.0) -> None:
    """Wait until the server has done what follows from what it was sent, such as to look for duplicates."""
    deadline, before = time.monotonic() + seconds, target.cpu_seconds()
    while before is not None and time.monotonic() < deadline:
        await asyncio.sleep(1)
        now = target.cpu_seconds() or 0.0
        if now - before < _IDLE_SHARE:
            return
        before = now


@contextmanager
def started(data: str, workers: int, settings: Callable[[Path], str] = lambda _: "") -> Iterator[Target]:
    """Our server with fresh data in ``data``, or in a temporary folder where that is empty.

    ``settings`` gives more tables of the configuration for the folder of the server.
    """
    with tempfile.TemporaryDirectory(prefix="credence-bench-", dir=data or None) as folder:
        server = ServerProcess(Path(folder), workers=workers, settings=settings(Path(folder)))
        with server:
            yield Target("credence", Address.of(server.base, server.token), server.pid)
