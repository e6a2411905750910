"""One measurement: an operation over some connections for some seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.operations import Operation, WrongAnswer
from benchmarks.wire import Address, Request, Tally, drive


@dataclass(frozen=True, slots=True)
class Figures:
    """What one measurement gave: latencies in seconds, sorted, and how long it took.

    ``error`` says why there are none, or why they count for nothing.
    """

    latencies: tuple[float, ...] = ()
    seconds: float = 0.0
    error: str = ""

    def __add__(self, other: Figures) -> Figures:
        """Two rounds of the same measurement as one."""
        latencies = tuple(sorted(self.latencies + other.latencies))
        return Figures(latencies, self.seconds + other.seconds, self.error or other.error)

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds if self.seconds and not self.error else 0.0

    def percentile_ms(self, share: float) -> float:
        """The latency in milliseconds that ``share`` of the answers did not exceed."""
        if not self.latencies:
            return 0.0
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * share))] * 1000


async def measure(
    address: Address, operation: Operation, connections: int, seconds: float, warm_up: float
) -> Figures:
    """Measure after a warm-up. Every kind of answer is checked, after the clock has stopped."""
    await drive(address, connections, _until(operation, warm_up))
    started = time.perf_counter()
    tally = await drive(address, connections, _until(operation, seconds))
    took = time.perf_counter() - started
    return Figures(tuple(sorted(tally.latencies)), took, _error(operation, tally))


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
