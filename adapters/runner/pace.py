"""How an EHR is faring: pauses that it demands, and a circuit breaker for when it is down.

*closed*: all is well. *open*: six failures in a row; nothing is asked until a wait is over that grows with every
further failure. *half-open*: one probe at a time asks whether it is back; its answer closes the breaker.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from adapters.fhir.retries import RetryPolicy
from fhirserver.kernel.instants import Clock, SystemClock
from fhirserver.ports.ehr import EhrError, Throttled, Unauthorized

OPENS_AFTER = 6
"""Failures in a row after which the EHR counts as down; one attempt at a time then asks whether it is back."""
CLOSED, OPEN, HALF_OPEN = "closed", "open", "half-open"


@dataclass(slots=True)
class Pace:
    """One EHR's, for everything that is asked of it. Times are monotonic seconds.

    ``error`` is the class of the last failure, empty after an answer; ``last`` is when the EHR last answered.
    """

    retries: RetryPolicy
    failures: int = 0
    until: float = 0.0
    error: str = ""
    last: datetime | None = None
    clock: Clock = field(default_factory=SystemClock, repr=False)

    def answered(self) -> None:
        """The EHR did what it was asked, or said why not."""
        self.failures, self.error, self.last = 0, "", self.clock.now()

    def failed(self, error: EhrError, now: float) -> None:
        """The EHR could not. Throttling pauses everything; so does a run of failures, longer and longer."""
        self.error = type(error).__name__
        if isinstance(error, Throttled):
            self.until = max(self.until, now + self.retries.delay(1, error))
            return
        self.failures += 1
        if isinstance(error, Unauthorized):
            self.failures = max(self.failures, OPENS_AFTER)
        if self.failures >= OPENS_AFTER:
            self.until = max(self.until, now + self.retries.delay(self.failures - OPENS_AFTER + 1))

    def breaker(self, now: float) -> str:
        """``closed``, ``open`` or ``half-open``."""
        if self.failures < OPENS_AFTER:
            return CLOSED
        return OPEN if now < self.until else HALF_OPEN

    def free_at(self, now: float, running: int) -> float:
        """When another attempt may start; while the EHR is down, not before those that run have ended."""
        if self.failures >= OPENS_AFTER and running:
            return max(self.until, now + self.retries.first)
        return self.until
