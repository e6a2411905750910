"""How fast a sink wants to be asked: pauses that it demands, and a circuit breaker for when it is down."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.fhir.retries import RetryPolicy
from fhirserver.ports.ehr import EhrError, Throttled, Unauthorized

OPENS_AFTER = 6
"""Failures in a row after which the sink counts as down; one attempt at a time then asks whether it is back."""


@dataclass(slots=True)
class Pace:
    """One sink's. Times are monotonic seconds."""

    retries: RetryPolicy
    failures: int = 0
    until: float = 0.0

    def answered(self) -> None:
        """The sink did what it was asked, or said why not."""
        self.failures = 0

    def failed(self, error: EhrError, now: float) -> None:
        """The sink could not. Throttling pauses everything; so does a run of failures, longer and longer."""
        if isinstance(error, Throttled):
            self.until = max(self.until, now + self.retries.delay(1, error))
            return
        self.failures += 1
        if isinstance(error, Unauthorized):
            self.failures = max(self.failures, OPENS_AFTER)
        if self.failures >= OPENS_AFTER:
            self.until = max(self.until, now + self.retries.delay(self.failures - OPENS_AFTER + 1))

    def free_at(self, now: float, running: int) -> float:
        """When another attempt may start; while the sink is down, not before those that run have ended."""
        if self.failures >= OPENS_AFTER and running:
            return max(self.until, now + self.retries.first)
        return self.until
