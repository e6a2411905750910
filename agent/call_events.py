"""What happens on a call, for whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from agent.requests import Request
from agent.results import Result
from agent.signals import Signal


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened on the call, for a timeline.

    ``kind``: ``ringing``, ``agent``, ``caller``, ``partial``, ``keys``, ``filler``, ``tool``, ``result``, ``state``,
    ``identified``, ``resumed`` (by another process), ``emotion``, ``speakers``, ``operator``, ``transfer``,
    ``escalate``, ``end``, ``record``. ``detail`` is the tool's request or result, or the signal, where there is one.
    """

    at: datetime
    kind: str
    text: str
    turn: int = 0
    detail: Request | Result | Signal | None = None
    seconds: float = 0.0


OnEvent: TypeAlias = Callable[[Event], None]
