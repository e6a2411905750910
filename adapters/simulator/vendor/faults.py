"""What goes wrong on purpose at a vendor's: slowness, errors, lost answers, throttling, short pages, late sight."""

from __future__ import annotations

import dataclasses
import random
import time
from dataclasses import dataclass
from typing import Any

_RATES = (
    "error_rate",
    "cut_rate",
    "drop_rate",
    "hang_rate",
    "throttle_rate",
    "late_error_rate",
    "partial_rate",
)


class InvalidFaults(ValueError):
    """The fault settings are wrong; the message names the field."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Rates are 0..1, drawn for each request on its own; times are seconds.

    ``error_rate``: 5xx before anything is done; ``late_error_rate``: 5xx after it was done.
    ``cut_rate``: it is done and the connection closed without an answer; ``drop_rate``: closed before it is done.
    ``hang_rate``: it is done, and the answer comes after ``hang`` seconds.
    ``throttle_rate``: 429, with Retry-After where ``retry_after`` is above 0.
    ``partial_rate``: a page of a list has fewer records than were asked for.
    ``visible_after``: so long after a write reads still show what was before.
    ``token_seconds``: how long an access token lives.
    """

    latency: float = 0.0
    jitter: float = 0.0
    error_rate: float = 0.0
    late_error_rate: float = 0.0
    cut_rate: float = 0.0
    drop_rate: float = 0.0
    hang_rate: float = 0.0
    hang: float = 5.0
    throttle_rate: float = 0.0
    retry_after: float = 1.0
    partial_rate: float = 0.0
    visible_after: float = 0.0
    token_seconds: float = 3600.0
    seed: int = 1

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
                raise InvalidFaults(f"{field.name} must be a number, 0 or more")
            if field.name in _RATES and value > 1:
                raise InvalidFaults(f"{field.name} must be between 0 and 1")


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to one request."""

    latency: float
    throttled: bool
    error: int
    late_error: bool
    cut: bool
    dropped: bool
    hangs: bool
    partial: bool


class FaultPlan:
    """The faults in force, changed at run time, and the draws from them."""

    def __init__(self, faults: Faults):
        self.faults = faults
        self.down_until = 0.0
        self._random = random.Random(faults.seed)  # noqa: S311

    def is_down(self) -> bool:
        return time.monotonic() < self.down_until

    def change(self, settings: dict[str, Any]) -> None:
        """Set the named fields; ``reset`` true clears all first; ``down`` N cuts the vendor off for N seconds."""
        wanted = dict(settings)
        reset, down = wanted.pop("reset", False), wanted.pop("down", None)
        known = {field.name for field in dataclasses.fields(Faults)}
        if unknown := sorted(set(wanted) - known):
            raise InvalidFaults(f"unknown fault setting {unknown[0]}")
        self.faults = dataclasses.replace(Faults() if reset else self.faults, **wanted)
        if "seed" in wanted:
            self._random = random.Random(wanted["seed"])  # noqa: S311
        if down is not None or reset:
            self.down_until = time.monotonic() + float(down or 0.0)

    def as_json(self) -> dict[str, Any]:
        down = max(0.0, self.down_until - time.monotonic())
        return {**dataclasses.asdict(self.faults), "down": round(down, 3)}

    def draw(self) -> Fate:
        """Decide one request. Every draw takes the same number of random values, so runs repeat."""
        now = self.faults
        jitter, throttle, error, late, cut, drop, hang, partial = (self._random.random() for _ in range(8))
        return Fate(
            latency=now.latency + jitter * now.jitter,
            throttled=throttle < now.throttle_rate,
            error=(500, 502, 503)[int(error * 1000) % 3] if error < now.error_rate else 0,
            late_error=late < now.late_error_rate,
            cut=cut < now.cut_rate,
            dropped=drop < now.drop_rate,
            hangs=hang < now.hang_rate,
            partial=partial < now.partial_rate,
        )
