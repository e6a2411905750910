"""How a caller sounds: manner and level by mood, and what is in the background. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.audio.frames import FRAME, Pcm
from agent.manner import Manner

LEVEL = 2_600.0
"""RMS of a neutral caller's speech (-22 dBFS, an ordinary telephone)."""


@dataclass(frozen=True, slots=True)
class Mood:
    """``level`` is relative to a neutral caller's loudness."""

    manner: Manner
    level: float = 1.0


MOODS = {
    "neutral": Mood(Manner()),
    "angry": Mood(Manner(rate=1.18, pitch=1.22, range=1.6, volume=1.3), 1.7),
    "sad": Mood(Manner(rate=0.8, pitch=0.88, range=0.5, volume=0.8), 0.6),
    "hurried": Mood(Manner(rate=1.35, pitch=1.06, range=1.1), 1.1),
}


def levelled(pcm: Pcm, level: float = 1.0) -> Pcm:
    """Speech at ``level`` times the loudness of a neutral caller; peaks are clipped."""
    loud = pcm[np.abs(pcm.astype(np.int32)) > 100].astype(np.float64)
    if not len(loud):
        return pcm
    gain = LEVEL * level / float(np.sqrt(np.mean(loud**2)))
    made: Pcm = np.clip(np.rint(pcm * gain), -32_000, 32_000).astype(np.int16)
    return made


class Noise:
    """Background as in a room: noise that falls towards high frequencies, ``snr`` dB below a neutral caller."""

    def __init__(self, snr: float, seed: int):
        source, length = np.random.default_rng(seed), 400 * FRAME
        spectrum = np.fft.rfft(source.standard_normal(length))
        shaped = np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)) + 50.0), length)
        level = LEVEL / 10 ** (snr / 20)
        self.all: Pcm = np.clip(shaped / np.std(shaped) * level, -30_000, 30_000).astype(np.int16)
        """The 8 s after which it repeats: whole frames."""
        self.peak = int(np.abs(self.all).max())

    def at(self, start: int, count: int) -> Pcm:
        """Its samples from ``start`` on."""
        return np.take(self.all, np.arange(start, start + count), mode="wrap")
