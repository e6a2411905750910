"""What the session core asks its channel to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from agent.requests import Request


@dataclass(frozen=True, slots=True)
class Say:
    """One turn of the agent; ``turn`` is its number in the transcript.

    ``more``: the turn before goes on with this (a sentence of a reply that comes by sentences). ``shielded``: it
    is said to its end, whoever speaks over it (what to do in an emergency).
    """

    text: str
    turn: int
    more: bool = False
    shielded: bool = False


@dataclass(frozen=True, slots=True)
class Filler:
    """A short sound for a wait (``working``, ``acknowledge``, ``empathy``); a channel may leave it out."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class RunTool:
    """Do ``request`` and answer with a ToolResult of the same id."""

    id: int
    request: Request


@dataclass(frozen=True, slots=True)
class Transfer:
    """Hand the caller to a person."""

    reason: str


@dataclass(frozen=True, slots=True)
class Escalate:
    """Call a person's attention; ``hard`` means at once, and the agent stops its own business."""

    reason: str
    hard: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """Hang up."""

    reason: str


Effect: TypeAlias = Say | Filler | RunTool | Transfer | Escalate | End
