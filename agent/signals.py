"""What reaches the session core. Every signal carries the moment it happened; the core has no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from agent.results import Result


@dataclass(frozen=True, slots=True)
class Ringing:
    """A call comes in from ``caller`` (E.164, empty when withheld); the agent may look things up."""

    at: datetime
    caller: str
    medium: str = "phone"


@dataclass(frozen=True, slots=True)
class Answered:
    """The line is open: the greeting may be spoken."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Utterance:
    """A finished turn of the caller."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Partial:
    """Words heard so far in a turn that is not finished."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Silence:
    """It was the caller's turn and nothing was said for a while."""

    at: datetime


@dataclass(frozen=True, slots=True)
class BargeIn:
    """The caller spoke over the agent; ``heard`` is the part of the agent's turn that was played."""

    at: datetime
    heard: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The outcome of the :class:`~agent.effects.RunTool` with the same id."""

    at: datetime
    id: int
    result: Result


@dataclass(frozen=True, slots=True)
class Emotion:
    """How the voice sounds: a soft signal about pace and tone, never about identity or health."""

    at: datetime
    label: str
    tier: str = "functional"


@dataclass(frozen=True, slots=True)
class Operator:
    """A person acts on the call: ``take_over``, ``hand_back``, or ``guide`` with a text to be said."""

    at: datetime
    action: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class HangUp:
    """The line is gone."""

    at: datetime


Signal: TypeAlias = (
    Ringing | Answered | Utterance | Partial | Silence | BargeIn | ToolResult | Emotion | Operator | HangUp
)
