"""What the floor says of a call. ``at`` is the moment it became known, in seconds, and never goes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """The caller speaks since ``started``; exactly one TurnEnded or BackChannel closes it.

    ``continues``: the caller goes on with the turn that has just ended, before anything was heard of the agent.
    """

    at: float
    started: float
    continues: bool = False


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The caller has spoken from ``started`` to ``spoken_until``.

    ``reason``: ``silence``, ``complete`` (the words were a whole answer) or ``too_long`` (cut; the rest is a turn
    that ``continues``).
    """

    at: float
    started: float
    spoken_until: float
    reason: str


@dataclass(frozen=True, slots=True)
class BackChannel:
    """What was said since ``started`` was an "uh-huh", or nothing: it is no turn, and the agent speaks on."""

    at: float
    started: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Somebody speaks over the agent: stop the sound at once, and keep the rest. BargeIn or Resume follows."""

    at: float


@dataclass(frozen=True, slots=True)
class BargeIn:
    """The pause was an interruption: drop the rest. The turn goes on; its TurnEnded comes."""

    at: float


@dataclass(frozen=True, slots=True)
class Resume:
    """The pause was none: play the rest. If the turn is still open, its words are wanted to know what it was."""

    at: float


@dataclass(frozen=True, slots=True)
class Overlap:
    """The caller speaks while the agent says what is not to be interrupted; both go on."""

    at: float


@dataclass(frozen=True, slots=True)
class SilenceDue:
    """It is the caller's turn and nothing was said: the ``count``-th time in a row, from 1."""

    at: float
    count: int


FloorEvent: TypeAlias = (
    TurnStarted | TurnEnded | BackChannel | Pause | BargeIn | Resume | Overlap | SilenceDue
)
