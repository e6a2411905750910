"""Both sides of a call on one time axis: the caller as heard, the agent as played."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agent.audio.frames import RATE, Pcm, of_bytes, to_bytes
from agent.audio.wav import write_stereo

_LONGEST = 4 * 3600 * RATE
_WIDTH = 2
"""Bytes a sample."""


class Track:
    """One channel, as long as the last thing put on it."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def put(self, at: float, pcm: Pcm) -> None:
        """Lay sound over the track from second ``at`` on; what was there is replaced."""
        start = max(round(at * RATE), 0)
        if start + len(pcm) > _LONGEST:
            return
        missing = start * _WIDTH - len(self._bytes)
        if missing > 0:
            self._bytes.extend(bytes(missing))
        self._bytes[start * _WIDTH : (start + len(pcm)) * _WIDTH] = to_bytes(pcm)

    def cut(self, at: float) -> None:
        """Nothing was played from second ``at`` on."""
        del self._bytes[max(round(at * RATE), 0) * _WIDTH :]

    def pcm(self, since: float = 0.0) -> Pcm:
        """The track from second ``since`` on."""
        return of_bytes(bytes(self._bytes[max(round(since * RATE), 0) * _WIDTH :]))

    @property
    def seconds(self) -> float:
        return len(self._bytes) / _WIDTH / RATE


class Recording:
    """Caller left, agent right; seconds count from the start of the stream."""

    def __init__(self) -> None:
        self.caller, self.agent = Track(), Track()

    @property
    def seconds(self) -> float:
        return max(self.caller.seconds, self.agent.seconds)

    def save(self, path: Path) -> None:
        """Write a stereo WAV."""
        write_stereo(path, self.caller.pcm(), self.agent.pcm())

    def mixed(self, since: float = 0.0) -> Pcm:
        """Both sides in one channel, for somebody who listens in."""
        left, right = self.caller.pcm(since), self.agent.pcm(since)
        both = np.zeros(max(len(left), len(right)), dtype=np.int32)
        both[: len(left)] += left
        both[: len(right)] += right
        return np.clip(both, -32_768, 32_767).astype(np.int16)
