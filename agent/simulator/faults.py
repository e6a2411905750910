"""What a telephone network does to a stream: sound that comes late, twice, or never. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Faults:
    """``jitter``: seconds by which a frame is late at most; ``loss`` and ``duplicates``: shares from 0 to 1."""

    jitter: float = 0.0
    loss: float = 0.0
    duplicates: float = 0.0
    seed: int = 0

    @property
    def any(self) -> bool:
        """Whether a frame can have any other fate than to be sent once, in time."""
        return bool(self.jitter or self.loss or self.duplicates)

    def source(self, call: int = 0) -> random.Random:
        """The chance of one call; the same again with the same seed."""
        return random.Random(self.seed * 1_000_003 + call)  # noqa: S311  (a simulation)

    def fate(self, chance: random.Random) -> Iterator[float]:
        """When a frame is sent: seconds of delay, one for each time it is sent; none for a frame that is lost."""
        if chance.random() < self.loss:
            return
        yield chance.uniform(0, self.jitter) if self.jitter else 0.0
        if chance.random() < self.duplicates:
            yield chance.uniform(0, self.jitter) if self.jitter else 0.0
