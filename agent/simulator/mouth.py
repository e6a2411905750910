"""What the caller's telephone sends, as mu-law in frames of 20 ms: speech over what is in the background. Pure."""

from __future__ import annotations

import numpy as np

from agent.audio import mulaw
from agent.audio.frames import FRAME, SILENT, Pcm
from agent.simulator.moods import Noise


class Mouth:
    """An utterance is encoded once, when it begins; its frames are slices. Places are samples of the call's axis."""

    def __init__(self, noise: Noise | None = None):
        self._noise = noise
        self._background = mulaw.encode(SILENT if noise is None else noise.all)
        self._speech, self._begun = b"", 0

    @property
    def speaking(self) -> bool:
        return bool(self._speech)

    def begin(self, pcm: Pcm, at: int) -> None:
        """Speak from sample ``at`` on; the last frame is filled up."""
        size = max(-(-len(pcm) // FRAME), 1) * FRAME
        around = SILENT[:1].repeat(size) if self._noise is None else self._noise.at(at, size)
        mixed = around.astype(np.int32)
        mixed[: len(pcm)] += pcm
        self._speech = mulaw.encode(np.clip(mixed, -32_768, 32_767).astype(np.int16))
        self._begun = at

    def frame(self, at: int) -> bytes:
        """The 20 ms from sample ``at`` on, a multiple of a frame."""
        if self._speech:
            place = at - self._begun
            codes = self._speech[place : place + FRAME]
            if place + FRAME >= len(self._speech):
                self._speech = b""
            return codes
        place = at % len(self._background)
        return self._background[place : place + FRAME]
