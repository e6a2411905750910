"""What goes wrong on purpose: slowness, errors, cut connections, conflicts, throttling, outages."""

from __future__ import annotations

import dataclasses
import random
import time
from dataclasses import dataclass
from typing import Any

from fhirserver.kernel.json import JsonObject

_RATES = ("error_rate", "cut_rate", "conflict_rate", "precondition_rate", "throttle_rate")


class InvalidFaults(ValueError):
    """The fault settings are wrong; the message names the field."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Fault settings. Rates are 0..1 and drawn for each request on its own; times are seconds.

    ``error_rate``: 5xx before anything is done. ``cut_rate``: a write is done and its connection closed
    without an answer. ``conflict_rate`` and ``precondition_rate``: a write is refused with 409 or 412.
    ``throttle_rate``: 429 with ``Retry-After: retry_after``. ``latency`` plus up to ``jitter``: before
    every answer. ``seed`` makes the draws repeatable.
    """

    latency: float = 0.0
    jitter: float = 0.0
    error_rate: float = 0.0
    cut_rate: float = 0.0
    conflict_rate: float = 0.0
    precondition_rate: float = 0.0
    throttle_rate: float = 0.0
    retry_after: float = 1.0
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("latency", "jitter", "retry_after", *_RATES):
            value = getattr(self, name)
            if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
                raise InvalidFaults(f"{name} must be a number, 0 or more")
        for name in _RATES:
            if getattr(self, name) > 1:
                raise InvalidFaults(f"{name} must be between 0 and 1")


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to one request."""

    latency: float = 0.0
    throttled: bool = False
    error: int = 0
    conflict: int = 0
    cut: bool = False


class FaultPlan:
    """The faults in force, changed at run time, and the draws from them."""

    def __init__(self, faults: Faults):
        self.faults = faults
        self.down_until = 0.0
        self._random = random.Random(faults.seed)  # noqa: S311

    def is_down(self) -> bool:
        return time.monotonic() < self.down_until

    def change(self, settings: JsonObject) -> None:
        """Set the named fields; ``reset`` true clears all first; ``down`` N cuts the EHR off for N seconds.

        Raises :class:`InvalidFaults` and then changes nothing.
        """
        wanted = {name: _number(name, value) for name, value in settings.items() if name != "reset"}
        down = wanted.pop("down", None)
        known = {field.name for field in dataclasses.fields(Faults)}
        if unknown := sorted(set(wanted) - known):
            raise InvalidFaults(f"unknown fault setting {unknown[0]}")
        start = Faults() if settings.get("reset") else self.faults
        changed: dict[str, Any] = wanted
        self.faults = dataclasses.replace(start, **changed)
        if "seed" in wanted:
            self._random = random.Random(wanted["seed"])  # noqa: S311
        if down is not None or settings.get("reset"):
            self.down_until = time.monotonic() + (down or 0.0)

    def as_json(self) -> JsonObject:
        down = max(0.0, self.down_until - time.monotonic())
        return {**dataclasses.asdict(self.faults), "down": round(down, 3)}

    def draw(self) -> Fate:
        """Decide one request. Every draw takes the same number of random values, so runs repeat."""
        now = self.faults
        jitter, throttle, error, conflict, precondition, cut = (self._random.random() for _ in range(6))
        refused = 409 if conflict < now.conflict_rate else 412 if precondition < now.precondition_rate else 0
        return Fate(
            latency=now.latency + jitter * now.jitter,
            throttled=throttle < now.throttle_rate,
            error=_server_error(error, now.error_rate),
            conflict=refused,
            cut=cut < now.cut_rate,
        )


def _number(name: str, value: object) -> float | int:
    if isinstance(value, bool):
        raise InvalidFaults(f"{name} must be a number, 0 or more")
    if isinstance(value, int):
        return value
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InvalidFaults(f"{name} must be a number, 0 or more") from None


def _server_error(draw: float, rate: float) -> int:
    """500, 502 or 503, chosen by where in the rate the draw fell."""
    if draw >= rate:
        return 0
    return (500, 502, 503)[int(draw / rate * 3)]
