"""The sound of calls, kept beside the record: files, because a log of statements is no place for megabytes of sound."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Loudness:
    """The course of a call's loudness, for a picture: 0.0 to 1.0 in equal steps, the same number for both sides."""

    seconds: float
    caller: tuple[float, ...]
    agent: tuple[float, ...]


class Recordings(Protocol):
    """Stereo WAVs (caller left, agent right) by the id of the call's Communication."""

    def file(self, call: str) -> Path | None:
        """Where the sound of a call is; None where none was kept."""
        ...

    def loudness(self, call: str) -> Loudness | None: ...
