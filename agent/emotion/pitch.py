"""Fundamental frequency by autocorrelation: https://www.fon.hum.uva.nl/paul/papers/Proceedings_1993.pdf (Boersma).

Everything is done for all frames of a piece at once; frames are WINDOW samples long and HOP apart.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from agent.audio.frames import RATE, Pcm

Floats: TypeAlias = NDArray[np.floating[Any]]

WINDOW = 320
"""40 ms: three periods of the lowest voice."""
HOP = 80
"""10 ms."""
FLOOR, CEILING = 65.0, 600.0
"""Hz; an angry voice of a woman reaches 500."""
STEADY = 0.45
"""Autocorrelation from which a frame counts as voiced."""

_LENGTH = 1024
_OCTAVE_COST = 0.02
"""What a period twice as long must be better by: the multiples of a period are all peaks."""
_SHAPE = np.hanning(WINDOW + 2)[1:-1]
_LAGS = np.arange(int(RATE / CEILING), int(RATE / FLOOR) + 2)


def _own() -> Floats:
    """The autocorrelation of the window itself, by which that of the sound is divided."""
    whole = np.fft.irfft(np.abs(np.fft.rfft(_SHAPE, _LENGTH)) ** 2)
    return np.asarray(whole / whole[0])


_OWN = _own()


def spectra(pcm: Pcm) -> Floats:
    """The power spectra of the frames (frames × 513); none where the piece is shorter than a window."""
    if len(pcm) < WINDOW:
        return np.zeros((0, _LENGTH // 2 + 1), dtype=np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(pcm.astype(np.float32), WINDOW)[::HOP]
    centred = (frames - frames.mean(axis=1, keepdims=True)) * _SHAPE.astype(np.float32)
    transformed = np.fft.rfft(centred, _LENGTH, axis=1)
    return np.asarray(transformed.real**2 + transformed.imag**2)


def pitch(power: Floats) -> tuple[Floats, Floats]:
    """Hz and steadiness (0 to 1) of each frame; Hz is 0 where it is not voiced.

    Looked for twice: the second time only in the range of this voice
    (https://hal.science/hal-00455262, De Looze and Hirst), so that octaves are not mistaken.
    """
    if not len(power):
        return np.zeros(0), np.zeros(0)
    correlation = np.fft.irfft(power, axis=1)[:, : _LAGS[-1] + 2]
    correlation /= np.maximum(correlation[:, :1], 1e-9)
    correlation /= _OWN[: correlation.shape[1]]
    hertz, steady = _best(correlation, FLOOR, CEILING)
    sure = hertz[steady > 0.6]
    if len(sure) >= 10:
        low, high = np.quantile(sure, (0.35, 0.65))
        hertz, steady = _best(correlation, max(FLOOR, low * 0.72 - 10), min(CEILING, high * 1.9 + 10))
    return np.where(steady >= STEADY, hertz, 0.0), np.clip(steady, 0.0, 1.0)


def _best(correlation: Floats, floor: float, ceiling: float) -> tuple[Floats, Floats]:
    """The best period of each frame between the bounds, between samples by a parabola."""
    lags = _LAGS[(RATE / ceiling <= _LAGS) & (RATE / floor >= _LAGS)]
    here = correlation[:, lags]
    before, after = correlation[:, lags - 1], correlation[:, lags + 1]
    peaks = (here >= before) & (here >= after)
    judged = np.where(peaks, here - _OCTAVE_COST * np.log2(lags / _LAGS[0]), -1.0)
    rows, found = np.arange(len(here)), judged.argmax(axis=1)
    a, b, c = before[rows, found], here[rows, found], after[rows, found]
    bend = a - 2 * b + c
    shift = np.where(np.abs(bend) > 1e-9, 0.5 * (a - c) / np.where(np.abs(bend) > 1e-9, bend, 1.0), 0.0)
    steady = np.where(peaks[rows, found], b - 0.25 * (a - c) * shift, 0.0)
    return RATE / (lags[found] + np.clip(shift, -0.5, 0.5)), steady
