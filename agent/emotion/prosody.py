"""What can be measured of a turn of speech: pitch, range, loudness, rate, pauses, spectral tilt, harmonicity.

Jitter and shimmer are left out on purpose: they need single periods, and at 8 kHz through mu-law they measure the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from agent.emotion.pitch import STEADY, Floats
from agent.emotion.track import FRAMES_A_SECOND, Track, joined

Mask: TypeAlias = NDArray[np.bool_]
LEAST = 0.3
"""Seconds of voiced sound below which nothing is said about a piece."""
_FADE = 25.0
"""dB below the loudest frames where speech ends."""
_PAUSE = 20
"""Frames without speech (0.2 s) that make a pause; a shorter gap is a consonant."""
_DIP = 2.0
"""dB between two syllables (https://doi.org/10.3758/BRM.41.2.385, de Jong and Wempe)."""


@dataclass(frozen=True, slots=True)
class Prosody:
    """One turn. ``voiced`` in seconds; ``f0`` and ``high`` (its upper part) in semitones above 100 Hz; ``range`` in
    semitones; ``level`` dB of full scale; ``headroom`` dB of speech above the background; ``rate`` syllables a second
    of speech; ``pauses`` share of the turn; ``alpha``, ``balance`` and ``peaks`` as in :class:`Track`; ``hnr`` dB.
    """

    voiced: float
    f0: float
    high: float
    range: float
    level: float
    headroom: float
    rate: float
    pauses: float
    alpha: float
    balance: float
    peaks: float
    hnr: float


def prosody(tracks: Sequence[Track]) -> Prosody | None:
    """Measure the pieces of one turn together; None where too little of it is voiced."""
    whole = joined(tracks)
    speech = _speech(whole.level)
    voiced = (whole.hertz > 0) & speech & _lasting(whole.hertz > 0)
    seconds = float(voiced.sum() / FRAMES_A_SECOND)
    if seconds < LEAST:
        return None
    tones = 12 * np.log2(whole.hertz[voiced] / 100)
    low, middle, upper, top = np.quantile(tones, (0.1, 0.5, 0.8, 0.9))
    loud = voiced & (whole.level >= np.quantile(whole.level[voiced], 0.3))
    length, silent = _extent(speech)
    talk = max(length - silent, 1) / FRAMES_A_SECOND
    steady = np.clip(whole.steady[voiced], 0.01, 0.999)
    return Prosody(
        seconds,
        float(middle),
        float(upper),
        float(top - low),
        _power_mean(whole.level[speech]),
        float(np.quantile(whole.level[speech], 0.75) - np.quantile(whole.level, 0.05)),
        _nuclei(whole.level, whole.steady, speech) / talk,
        silent / length,
        float(np.mean(whole.alpha[loud])),
        float(np.mean(whole.balance[loud])),
        float(np.mean(whole.peaks[loud])),
        float(np.median(10 * np.log10(steady / (1 - steady)))),
    )


def _speech(level: Floats) -> Mask:
    """Which frames are speech: near the loudest ones and above the background, by the piece itself."""
    if not len(level):
        return np.zeros(0, dtype=bool)
    top, floor = np.quantile(level, 0.95), np.quantile(level, 0.05)
    return np.asarray(level > max(top - _FADE, min(floor + 4.0, top - 6.0)))


def _extent(speech: Mask) -> tuple[int, int]:
    """Frames from the first of speech to the last, and how many of them lie in pauses."""
    at = np.flatnonzero(speech)
    gaps = np.diff(at) - 1
    return int(at[-1] - at[0] + 1), int(gaps[gaps >= _PAUSE].sum())


def _lasting(voiced: Mask) -> Mask:
    """Voiced frames with a voiced neighbour on either side: single ones are chance."""
    padded = np.concatenate(([False], voiced, [False]))
    return np.asarray(padded[:-2] & padded[2:])


def _power_mean(level: Floats) -> float:
    return float(10 * np.log10(np.mean(10 ** (level / 10))))


def _nuclei(level: Floats, steady: Floats, speech: Mask) -> int:
    """Syllables: voiced peaks of the level with a dip before and after."""
    good = speech & (steady >= STEADY)
    count, rising = 0, True
    top, low, at = -np.inf, np.inf, 0
    for i, value in enumerate(np.convolve(level, np.ones(3) / 3, mode="same")):
        if value > top:
            top, at = value, i
        low = min(low, value)
        if rising and value < top - _DIP:
            count, rising, low = count + int(good[at]), False, value
        elif not rising and value > low + _DIP:
            rising, top, at = True, value, i
    return count
