"""What goes wrong on purpose: at what the EHR receives, and in the feed that it sends."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import random
import time
from dataclasses import dataclass
from typing import Any

RATES = (
    "lost",
    "drop_before",
    "drop_after",
    "no_ack",
    "ae",
    "ar",
    "late",
    "duplicate",
    "disorder",
    "slow",
)


class InvalidFaults(ValueError):
    """The fault settings are wrong; the message names the field."""


@dataclass(frozen=True, slots=True)
class Faults:
    """All but the ``_seconds`` and the seed are rates, 0 to 1, drawn for each message on its own.

    What is received. ``lost``: nothing is done, nothing answered, the connection stays open. ``drop_before``: nothing
    is done, and the connection is cut; ``drop_after``: it is done first. ``no_ack``: it is done, never answered, the
    connection stays open. ``ae``: AE 206 (locked), ``ar``: AR 207; nothing is done. ``late``: it is done, and answered
    after ``late_seconds``.

    What is sent. ``duplicate``: a message that was acknowledged is sent once more, the same to the letter, at once or
    some seconds later. ``disorder``: one of another patient goes first. ``slow``: it waits ``slow_seconds``.
    """

    lost: float = 0.0
    drop_before: float = 0.0
    drop_after: float = 0.0
    no_ack: float = 0.0
    ae: float = 0.0
    ar: float = 0.0
    late: float = 0.0
    duplicate: float = 0.0
    disorder: float = 0.0
    slow: float = 0.0
    late_seconds: float = 2.0
    slow_seconds: float = 0.5
    seed: int = 1

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = _number(field.name, getattr(self, field.name))
            if field.name in RATES and value > 1:
                raise InvalidFaults(f"{field.name} must be between 0 and 1")


def with_rate(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings with ``rate``, where it is there, as every rate that is not named itself."""
    wanted = dict(settings)
    if (rate := wanted.pop("rate", None)) is not None:
        _number("rate", rate)
        wanted = {**dict.fromkeys(RATES, rate), **wanted}
    return wanted


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to one message that is received. ``refusal`` is AE, AR or nothing."""

    lost: bool = False
    dropped_before: bool = False
    refusal: str = ""
    dropped_after: bool = False
    unanswered: bool = False
    late: float = 0.0


class FaultPlan:
    """The faults in force, changed at run time, and the draws from them."""

    def __init__(self, faults: Faults):
        self.faults = faults
        self.down_until = 0.0
        self._changed = asyncio.Event()
        self._seed(faults.seed)

    def is_down(self) -> bool:
        return time.monotonic() < self.down_until

    def change(self, settings: dict[str, Any]) -> None:
        """Set the named fields; ``rate`` all rates; ``reset`` true clears all first; ``down`` N cuts it off for N s.

        Raises :class:`InvalidFaults` and then changes nothing.
        """
        wanted = with_rate(settings)
        reset, down = wanted.pop("reset", False), wanted.pop("down", None)
        if unknown := sorted(set(wanted) - {field.name for field in dataclasses.fields(Faults)}):
            raise InvalidFaults(f"unknown fault setting {unknown[0]}")
        if down is not None:
            _number("down", down)
        self.faults = dataclasses.replace(Faults() if reset else self.faults, **wanted)
        if "seed" in wanted:
            self._seed(wanted["seed"])
        if down is not None or reset:
            self.down_until = time.monotonic() + float(down or 0.0)
            self._changed.set()

    async def wait_until_down(self) -> None:
        while not self.is_down():
            self._changed.clear()
            await self._changed.wait()

    async def wait_until_up(self) -> None:
        while (left := self.down_until - time.monotonic()) > 0:
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), left)

    def as_json(self) -> dict[str, Any]:
        down = max(0.0, self.down_until - time.monotonic())
        return {**dataclasses.asdict(self.faults), "down": round(down, 3)}

    def of_arrival(self) -> Fate:
        """Decide one message that is received. Every draw takes as many random values, so that runs repeat."""
        now = self.faults
        lost, before, ae, ar, after, unanswered, late = (self._arrivals.random() for _ in range(7))
        return Fate(
            lost < now.lost,
            before < now.drop_before,
            "AE" if ae < now.ae else "AR" if ar < now.ar else "",
            after < now.drop_after,
            unanswered < now.no_ack,
            now.late_seconds if late < now.late else 0.0,
        )

    def repeat_after(self) -> float | None:
        """After how many seconds an acknowledged message of the feed is sent once more; None: it is not."""
        repeated, later, seconds = (self._feed.random() for _ in range(3))
        if repeated >= self.faults.duplicate:
            return None
        return 0.0 if later < 0.5 else 3 * seconds

    def wait(self) -> float:
        """How many seconds a message of the feed waits before it goes."""
        return self.faults.slow_seconds if self._feed.random() < self.faults.slow else 0.0

    def which(self, candidates: int) -> int:
        """Which of the messages that may go goes; 0 is the one whose turn it is."""
        disorder, choice = self._feed.random(), self._feed.random()
        if candidates < 2 or disorder >= self.faults.disorder:
            return 0
        return 1 + int(choice * (candidates - 1))

    def _seed(self, seed: float) -> None:
        self._arrivals = random.Random(seed)  # noqa: S311
        self._feed = random.Random(seed)  # noqa: S311


def _number(name: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e9:
        raise InvalidFaults(f"{name} must be a number, 0 or more")
    return float(value)
