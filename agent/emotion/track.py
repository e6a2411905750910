"""A piece of sound frame by frame: pitch, level, and how the energy lies in the spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agent.audio.frames import RATE, Pcm
from agent.emotion.pitch import HOP, WINDOW, Floats, pitch, spectra

SEGMENT = 2 * RATE
"""Samples of one piece that is analysed at once."""
FRAMES_A_SECOND = RATE / HOP

_BINS_A_HERTZ = 1024 / RATE
_TINY = 1e-3
FIELDS = ("hertz", "steady", "level", "alpha", "balance", "peaks")


@dataclass(frozen=True, slots=True)
class Track:
    """One value a frame (10 ms) in each array.

    ``hertz`` 0 where unvoiced; ``steady`` the autocorrelation at the period, 0 to 1; ``level`` dB (of full scale);
    ``alpha`` energy above 1 kHz against below it, dB; ``balance`` 500–1,500 Hz against below 500, dB; ``peaks``
    the strongest part above 2 kHz against the strongest below it, dB (Hammarberg index, its sign turned).
    """

    hertz: Floats
    steady: Floats
    level: Floats
    alpha: Floats
    balance: Floats
    peaks: Floats

    def __len__(self) -> int:
        return len(self.hertz)


def track(pcm: Pcm) -> Track:
    """Analyse one piece (any length; a segment is usual)."""
    power = spectra(pcm)
    hertz, steady = pitch(power)
    summed = np.cumsum(power, axis=1)

    def band(low: float, high: float) -> Floats:
        return np.asarray(summed[:, int(high * _BINS_A_HERTZ)] - summed[:, int(low * _BINS_A_HERTZ)])

    whole = summed[:, -1] / (np.sum(np.hanning(WINDOW) ** 2) * 512 * 32_768.0**2)
    return Track(
        hertz,
        steady,
        10 * np.log10(whole + 1e-10),
        _against(band(1000, 3500), band(60, 1000)),
        _against(band(500, 1500), band(60, 500)),
        _against(_strongest(power, 2000, 3500), _strongest(power, 60, 2000)),
    )


def segments(pcm: Pcm) -> list[Track]:
    """A longer piece cut into segments as a call is, each analysed by itself."""
    return [track(pcm[start : start + SEGMENT]) for start in range(0, len(pcm), SEGMENT)]


def joined(tracks: Sequence[Track]) -> Track:
    """Several pieces as one."""
    return Track(*(np.concatenate([getattr(t, name) for t in tracks] or [np.zeros(0)]) for name in FIELDS))


def _against(one: Floats, other: Floats) -> Floats:
    return np.asarray(10 * np.log10((one + _TINY) / (other + _TINY)))


def _strongest(power: Floats, low: float, high: float) -> Floats:
    """The strongest 125 Hz between two frequencies: wide enough that it is no single harmonic."""
    part = power[:, int(low * _BINS_A_HERTZ) : int(high * _BINS_A_HERTZ)]
    wide = part.shape[1] // 16 * 16
    blocks = part[:, :wide].reshape(len(part), wide // 16, 16).sum(axis=2)
    return np.asarray(blocks.max(axis=1)) if blocks.size else np.zeros(len(part))
