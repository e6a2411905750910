"""The port of a channel: a telephone, a chat, a terminal, a script."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from agent.effects import Filler
from agent.hints import Hints
from agent.manner import PLAIN, Manner
from agent.quality import Sound
from agent.requests import Request
from agent.signals import Signal


class Line(Protocol):
    """Says what the agent says and reports what the caller does. One call drives it, from one task.

    ``say``, ``fill`` and ``working`` return at once: what is said is queued, and how much of it was heard comes
    back as signals (``Spoken``, ``BargeIn``).
    """

    @property
    def in_turns(self) -> bool:
        """Whether the caller is asked only when nothing else is under way (a prompt), or may speak at any time."""
        ...

    @property
    def began(self) -> datetime | None:
        """When the sound began, from which places in a recording count; None for a line without sound."""
        ...

    async def prepare(self, text: str) -> None:
        """Have ready what will be said first."""
        ...

    async def answered(self) -> bool:
        """The call may be answered now; True when the caller is on the line, False when gone before that."""
        ...

    async def say(self, text: str, turn: int, manner: Manner = PLAIN, shielded: bool = False) -> None:
        """Say it after what is already queued; a ``shielded`` text is said to its end whoever speaks over it."""
        ...

    async def fill(self, filler: Filler, manner: Manner = PLAIN) -> None:
        """Words for a wait that has begun; left out where the wait is over first or needs none."""
        ...

    def working(self, request: Request | None) -> None:
        """A tool has begun (its request), or all are done (None)."""
        ...

    def expect(self, hints: Hints) -> None:
        """What the caller may well say next."""
        ...

    async def listen(self) -> Signal:
        """The caller's next signal. After HangUp it is not called again."""
        ...

    def sounds(self) -> tuple[Sound, ...]:
        """Who was heard when, in seconds since the call was answered; empty for a line without sound."""
        ...

    async def stop(self) -> None:
        """Say nothing of what is queued: a person has taken over."""
        ...

    def held(self, by_person: bool) -> None:
        """Whether a person holds the call: then there are no words for a wait, and nothing said is interrupted."""
        ...

    async def finish(self) -> None:
        """Return when all that was said has been heard, or the line is gone."""
        ...

    async def transfer(self, reason: str) -> None:
        """Hand the caller to a person; the agent leaves the line."""
        ...

    async def hang_up(self) -> None:
        """End the line; it may be gone already."""
        ...


class WrittenLine:
    """What lines of text have in common: nothing takes time, nothing is interrupted.

    A base for lines whose words are there at once; they add ``say`` and ``listen``.
    """

    in_turns = True
    began: datetime | None = None

    async def prepare(self, text: str) -> None:
        return None

    async def answered(self) -> bool:
        return True

    async def fill(self, filler: Filler, manner: Manner = PLAIN) -> None:
        return None

    def working(self, request: Request | None) -> None:
        return None

    def expect(self, hints: Hints) -> None:
        return None

    def sounds(self) -> tuple[Sound, ...]:
        return ()

    async def stop(self) -> None:
        return None

    def held(self, by_person: bool) -> None:
        return None

    async def finish(self) -> None:
        return None

    async def transfer(self, reason: str) -> None:
        return None

    async def hang_up(self) -> None:
        return None
