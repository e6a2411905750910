"""The time of day of this process: the machine's, or in a drill one that begins elsewhere and runs faster.

``CREDENCE_CLOCK="2026-12-01T08:00:00Z@1764500000.0x100"``: at second 1764500000.0 of the machine (since 1970) it was
2026-12-01T08:00:00Z, and time runs a hundred times as fast. All processes of a drill are given the same text and so
agree. Whoever serves refuses it where anything but this machine could be reached (``fhirserver/app/drill_time.py``).
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from datetime import datetime

VARIABLE = "CREDENCE_CLOCK"
MOST_PACE = 1_000.0
_TEXT = re.compile(r"(?P<begin>[^@]+)@(?P<since>[0-9]+(?:\.[0-9]+)?)x(?P<pace>[0-9]+(?:\.[0-9]+)?)\Z")
_SHAPE = f'{VARIABLE} is such as "2026-12-01T08:00:00Z@1764500000.0x100"'


@dataclass(frozen=True, slots=True)
class Wall:
    """``begin``: the time (seconds since 1970) at the machine's second ``since``; ``pace``: how much faster it runs."""

    begin: float = 0.0
    since: float = 0.0
    pace: float = 1.0

    def at(self, machine: float) -> float:
        """The time at this second of the machine."""
        return self.begin + (machine - self.since) * self.pace

    @property
    def is_real(self) -> bool:
        return self == Wall()


def read_wall(text: str) -> Wall:
    """From the text of :data:`VARIABLE`; the machine's for an empty one. Raises :class:`ValueError` that says why."""
    if not text:
        return Wall()
    found = _TEXT.match(text)
    if found is None:
        raise ValueError(_SHAPE)
    try:
        begin = datetime.fromisoformat(found["begin"])
    except ValueError:
        raise ValueError(_SHAPE) from None
    pace = float(found["pace"])
    if begin.tzinfo is None or not 1 <= pace <= MOST_PACE:
        raise ValueError(f"{_SHAPE}: an instant with its zone, and a pace from 1 to {MOST_PACE:.0f}")
    return Wall(begin.timestamp(), float(found["since"]), pace)


def _of_environment() -> tuple[Wall, str]:
    try:
        return read_wall(os.environ.get(VARIABLE, "")), ""
    except ValueError as error:
        return Wall(), str(error)


WALL, PROBLEM = _of_environment()
"""This process's, and what is wrong with the text in the environment (then it is the machine's)."""


def seconds() -> float:
    """The time of day in seconds since 1970."""
    return WALL.at(time.time())


def waiting(seconds: float) -> float:
    """How long the machine has to wait while so many seconds of the day go by: for what waits for people."""
    return seconds / WALL.pace
