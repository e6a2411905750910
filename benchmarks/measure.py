"""One measurement: an operation over some connections for some seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.operations import Operation, WrongAnswer
from benchmarks.server import Target
from benchmarks.wire import Request, Tally, drive


@dataclass(frozen=True, slots=True)
class Figures:
    """What one measurement gave: latencies in seconds, sorted, and how long it took.

    ``error`` says why there are none, or why they count for nothing. ``cpu`` is the processor time of the
    server in seconds, None where its processes are not known.
    """

    latencies: tuple[float, ...] = ()
    seconds: float = 0.0
    error: str = ""
    cpu: float | None = None

    def __add__(self, other: Figures) -> Figures:
        """Two rounds of the same measurement as one."""
        latencies = tuple(sorted(self.latencies + other.latencies))
        cpu = None if self.cpu is None or other.cpu is None else self.cpu + other.cpu
        return Figures(latencies, self.seconds + other.seconds, self.error or other.error, cpu)

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds if self.seconds and not self.error else 0.0

    @property
    def cpu_ms(self) -> float | None:
        """Processor time of the server per answer in milliseconds: what other load on the machine changes least."""
        return None if self.cpu is None or not self.latencies else self.cpu / len(self.latencies) * 1000

    def percentile_ms(self, share: float) -> float:
        """The latency in milliseconds that ``share`` of the answers did not exceed."""
        if not self.latencies:
            return 0.0
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * share))] * 1000


async def measure(
    target: Target, operation: Operation, connections: int, seconds: float, warm_up: float
) -> Figures:
    """Measure after a warm-up. Every kind of answer is checked, after the clock has stopped."""
    await drive(target.address, connections, _until(operation, warm_up))
    started, cpu = time.perf_counter(), target.cpu_seconds()
    tally = await drive(target.address, connections, _until(operation, seconds))
    took, used = time.perf_counter() - started, target.cpu_seconds()
    spent = None if cpu is None or used is None else used - cpu
    return Figures(tuple(sorted(tally.latencies)), took, _error(operation, tally), spent)


def _until(operation: Operation, seconds: float) -> Callable[[], Request | None]:
    deadline = time.perf_counter() + seconds
    requests = operation.requests
    return lambda: next(requests) if time.perf_counter() < deadline else None


def _error(operation: Operation, tally: Tally) -> str:
    if tally.wrong or tally.broken:
        said = tally.sample.decode(errors="replace")
        return f"statuses {tally.wrong or 'none'}, broken connections {tally.broken}: {said}"
    try:
        for key, body in tally.bodies.items():
            operation.check(key, body)
    except (WrongAnswer, KeyError, ValueError, TypeError) as error:
        return f"{type(error).__name__}: {error}"
    return "" if tally.latencies else "no answer in time"
