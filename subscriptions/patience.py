"""How long a subscriber that does not answer is waited for."""

from __future__ import annotations

import random
from dataclasses import dataclass

from subscriptions.channels.channel import Undeliverable

_DOUBLINGS = 30


@dataclass(frozen=True, slots=True)
class Patience:
    """Waits are drawn at random up to a limit that doubles from ``first`` to ``cap`` seconds.

    After ``attempts`` failures in a row a subscription is in error, and is tried on; it is off when it has been in
    error for ``off_after`` seconds.
    """

    first: float = 0.5
    cap: float = 60.0
    attempts: int = 5
    off_after: float = 72 * 3600.0

    def wait(self, failures: int, error: Undeliverable) -> float:
        """Seconds until the next attempt, after so many failures in a row."""
        if error.after is not None:
            return max(0.0, min(error.after, self.off_after))
        limit = min(self.cap, self.first * 2 ** min(failures - 1, _DOUBLINGS))
        return random.uniform(0, limit)  # noqa: S311 - a wait, not a secret

    def is_error(self, failures: int, error: Undeliverable) -> bool:
        """Whether the subscription is in error by now."""
        return not error.retryable or failures >= self.attempts
