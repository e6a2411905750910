"""Other sample rates to and from that of the telephone."""

from __future__ import annotations

from typing import cast

import soxr

from agent.audio.frames import RATE, Pcm


def to_telephone(pcm: Pcm, rate: int) -> Pcm:
    """``pcm`` at ``rate`` samples a second as samples at RATE."""
    return pcm if rate == RATE else cast(Pcm, soxr.resample(pcm, rate, RATE))


class TelephoneStream:
    """The same for sound that comes in pieces, without a click at the joints."""

    def __init__(self, rate: int):
        self._stream = None if rate == RATE else soxr.ResampleStream(rate, RATE, 1, dtype="int16")

    def feed(self, pcm: Pcm, last: bool = False) -> Pcm:
        """The samples that are ready; ``last`` flushes."""
        return pcm if self._stream is None else cast(Pcm, self._stream.resample_chunk(pcm, last=last))
