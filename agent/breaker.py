"""Stops asking what keeps failing. Pure: the time is an argument, in seconds of any steady clock."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Breaker:
    """Open (nothing may be asked) for ``rest`` seconds after ``limit`` failures in a row; then one is let through."""

    limit: int = 2
    rest: float = 10.0
    failures: int = 0
    opened: float | None = None

    def closed(self, now: float) -> bool:
        """Whether something may be asked."""
        return self.opened is None or now - self.opened >= self.rest

    def worked(self) -> None:
        self.failures, self.opened = 0, None

    def failed(self, now: float) -> None:
        self.failures += 1
        if self.failures >= self.limit:
            self.opened = now
