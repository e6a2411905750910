"""The sound of a call from its recording, for an operator who listens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import numpy as np

from agent.audio.frames import RATE, Pcm, to_bytes
from agent.voice.recording import Recording

_CHUNK = 0.1
_BEHIND = 0.2
"""Seconds behind the present: what is played may still be cut off."""


@dataclass
class RecordingEar:
    """Listens in on a recording that grows. ``now``: seconds since its start; None once the call is over."""

    recording: Recording
    now: Callable[[], float | None]

    async def listen(self) -> AsyncIterator[bytes]:
        """Chunks of a tenth of a second, both sides as far apart as they were."""
        start = self.now()
        at = max(0.0, (start or 0.0) - _BEHIND)
        while (now := self.now()) is not None:
            if now - _BEHIND < at + _CHUNK:
                await asyncio.sleep(_CHUNK / 2)
                continue
            yield both(self.recording, at, _CHUNK)
            at += _CHUNK


def both(recording: Recording, at: float, seconds: float) -> bytes:
    """A stretch of both tracks, interleaved: caller left, agent right; silence where nothing is."""
    length = round(seconds * RATE)
    sides = [_stretch(track.pcm(at), length) for track in (recording.caller, recording.agent)]
    return to_bytes(np.stack(sides, axis=1))


def _stretch(pcm: Pcm, length: int) -> Pcm:
    out = np.zeros(length, dtype=np.int16)
    out[: min(length, len(pcm))] = pcm[:length]
    return out
