"""The port of what carries sound to and from a caller: Twilio's media stream, or another's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from agent.audio.frames import Pcm


@dataclass(frozen=True, slots=True)
class Frame:
    """Sound of the caller; ``at`` is its place in the stream in seconds from its start, as the carrier says."""

    at: float
    pcm: Pcm


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the caller's telephone was pressed: one of ``0123456789*#``."""

    digit: str


@dataclass(frozen=True, slots=True)
class Played:
    """Everything sent before the mark of this name has been played to the caller, or was cleared."""

    mark: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The stream has ended; nothing comes after it. ``reason`` is for the log: no words of the call."""

    reason: str


MediaEvent: TypeAlias = Frame | Key | Played | Gone


class Media(Protocol):
    """One stream of sound in both directions, already begun. Sending to one that is gone does nothing."""

    async def receive(self) -> MediaEvent:
        """What comes next; after Gone it is not called again."""
        ...

    async def play(self, pcm: Pcm) -> None:
        """Queue sound behind what is queued at the carrier."""
        ...

    async def mark(self, name: str) -> None:
        """Ask for ``Played(name)`` when everything queued so far has been played."""
        ...

    async def clear(self) -> None:
        """Drop what is queued at the carrier; its marks come back at once."""
        ...

    async def close(self) -> None:
        """End the stream, and with it the call's sound."""
        ...
