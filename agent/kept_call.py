"""Calls that outlive the process that holds them: what is kept of them, and what another process goes on with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from agent.effects import Effect
from agent.signals import Signal


class Journal(Protocol):
    """Keeps what happens on a call, so that another process can go on with it."""

    async def keep(self, signal: Signal, effects: Sequence[Effect]) -> None:
        """A signal has been taken, and this is to be done about it: nothing of it is done before this returns. What it
        raises ends the call without a record."""
        ...

    async def opened(self, communication: str) -> None:
        """The call is on record."""
        ...

    async def quiet(self) -> None:
        """Nothing is under way: it is the caller's turn."""
        ...


@dataclass(frozen=True, slots=True)
class Past:
    """What was kept of a call that another process began: when, its signals, and whether it is on record."""

    started: datetime
    signals: Sequence[Signal] = ()
    opened: bool = False
