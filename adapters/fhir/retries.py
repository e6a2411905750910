"""When to try again: full jitter under a cap, never before the EHR allows it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from fhirserver.ports.ehr import Retryable

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long to wait before another attempt, and when to give up. Times are seconds.

    Waits grow from ``first`` by doubling up to ``cap``; each is drawn between 0 and that ("full jitter").
    A wait which the EHR asks for is kept to, with up to ``first`` on top, so that clients told the same time
    do not come back as one. After ``attempts`` tries, or when asked to wait longer than ``patience``,
    the error is raised.
    """

    first: float = 0.5
    cap: float = 30.0
    attempts: int = 8
    patience: float = 120.0
    random: random.Random = field(default_factory=random.Random, repr=False, compare=False)

    def delay(self, attempt: int, error: BaseException | None = None) -> float:
        """The wait after the failed ``attempt`` (from 1)."""
        after = error.after if isinstance(error, Retryable) else None
        if after is not None:
            return after + self.random.uniform(0.0, self.first)
        return self.random.uniform(0.0, min(self.cap, self.first * 2.0 ** min(attempt - 1, 60)))

    def gives_up(self, attempt: int, error: BaseException | None = None) -> bool:
        """Whether ``attempt`` was the last one."""
        after = error.after if isinstance(error, Retryable) else None
        return attempt >= self.attempts or (after is not None and after > self.patience)

    def retrying(self, sleep: Sleep = asyncio.sleep) -> AsyncRetrying:
        """A tenacity loop that retries :class:`Retryable` and raises everything else as it is."""
        return AsyncRetrying(
            sleep=sleep,
            wait=lambda state: self.delay(state.attempt_number, _error(state)),
            stop=lambda state: self.gives_up(state.attempt_number, _error(state)),
            retry=retry_if_exception_type(Retryable),
            reraise=True,
        )


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome is not None else None
