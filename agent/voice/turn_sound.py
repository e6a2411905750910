"""The sound of one turn of the caller on its way to a recogniser."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from agent.audio.frames import FRAME_MS, Pcm
from agent.hints import Hints
from agent.speech.ports import OnPartial, Recogniser, Recognition, SpeechFailed, Transcription

_FRAME = FRAME_MS / 1000
_NOTHING = Transcription("", 0.0)


class PreRoll:
    """The last moments before a turn is known to have begun: its first consonant lies there."""

    def __init__(self, seconds: float = 0.6):
        self._frames: deque[tuple[float, Pcm]] = deque(maxlen=round(seconds * 1000 / FRAME_MS))

    def keep(self, at: float, pcm: Pcm) -> None:
        self._frames.append((at, pcm))

    def since(self, at: float) -> list[Pcm]:
        """What is kept from second ``at`` on."""
        return [pcm for began, pcm in self._frames if began >= at]


@dataclass(slots=True)
class Together:
    """Frames that follow each other, the first at second ``at``."""

    at: float = 0.0
    frames: list[Pcm] = field(default_factory=list)

    def follows(self, at: float) -> bool:
        """Whether a frame at ``at`` goes on where these end."""
        return not self.frames or abs(at - self.at - len(self.frames) * _FRAME) < _FRAME / 2

    def add(self, at: float, pcm: Pcm) -> None:
        if not self.frames:
            self.at = at
        self.frames.append(pcm)


class TurnSound:
    """Feeds a recogniser that is still being opened, and is as patient with one that fails."""

    def __init__(self, ears: Recogniser, hints: Hints, on_partial: OnPartial):
        self._waiting: list[Pcm] = []
        self._recognition: Recognition | None = None
        self._opening = asyncio.create_task(self._open(ears, hints, on_partial))

    async def _open(self, ears: Recogniser, hints: Hints, on_partial: OnPartial) -> Recognition | None:
        try:
            recognition = await ears.open(hints, on_partial)
        except SpeechFailed:
            return None
        for pcm in self._waiting:
            recognition.feed(pcm)
        self._waiting.clear()
        self._recognition = recognition
        return recognition

    def feed(self, pcm: Pcm) -> None:
        """Take sound; returns at once."""
        if self._recognition is not None:
            self._recognition.feed(pcm)
        elif not self._opening.done():
            self._waiting.append(pcm)

    async def finish(self) -> Transcription:
        """The words; none where nothing was understood or the recogniser failed."""
        recognition = await self._opening
        if recognition is None:
            return _NOTHING
        try:
            return await recognition.finish()
        except SpeechFailed:
            return _NOTHING

    def cancel(self) -> None:
        """The turn is not wanted."""
        if self._recognition is not None:
            self._recognition.cancel()
        self._opening.cancel()
