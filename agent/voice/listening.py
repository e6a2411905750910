"""The port of whoever else listens to the caller: how the voice sounds, who speaks."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from agent.audio.frames import Pcm


class Listening(Protocol):
    """Gets the caller's sound as it comes; returns at once and drops rather than waits."""

    def hear(self, pcm: Pcm) -> None:
        """Sound of the caller, as it comes."""
        ...

    def turn(self, text: str, at: datetime) -> None:
        """The caller has finished a turn with these words."""
        ...

    def close(self) -> None:
        """The call is over."""
        ...
