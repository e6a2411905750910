"""Which frames of a caller's sound are voice: WebRTC's detector behind a gate that knows the noise of the line."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import log10

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from agent.audio.frames import FRAME, RATE, SILENT, Pcm, to_bytes

_MODE = 2
"""Of WebRTC's four, 0 the most willing to call it voice."""
_BLOCK = 20
"""Frames whose quietest makes one entry of the noise's memory (0.4 s)."""
_BLOCKS = 5
_RISE = 1.0
"""Decibels a frame by which the noise may go up; down it goes at once."""
_DEAD = 6.0
"""Decibels below which a frame is no sound of a line but the filling of one that was lost."""
_FORGET = 0.02
"""Decibels a frame by which the caller's loudness is forgotten: a quieter person may have taken the telephone."""
_LAGS = slice(RATE // 400, RATE // 70)
"""Periods of voices, 70 to 400 Hz."""
_PERIODIC = 0.55


def level(pcm: Pcm) -> float:
    """Loudness in decibels above one step of the samples: full scale is 90, telephone speech 50 to 70, 0 silence."""
    samples = pcm.astype(np.float32)
    energy = float(samples @ samples) / len(samples) if len(samples) else 0.0
    return 10 * log10(max(energy, 1.0))


def periodicity(samples: NDArray[np.float32]) -> float:
    """How well two frames repeat themselves at a period of a voice: 1 wholly, about 0.2 for noise."""
    length = len(samples)
    x = np.zeros(length + _LAGS.stop - 1, dtype=np.float32)
    x[:length] = samples - np.add.reduce(samples) / length
    energy = np.add.accumulate(x * x)
    products = np.correlate(x, x[:length], "valid")[_LAGS.start :]
    heads = energy[length - _LAGS.stop : length - _LAGS.start][::-1]
    tails = energy[-1] - energy[_LAGS.start - 1 : _LAGS.stop - 1]
    heads_tails = np.maximum(heads * tails, 1.0)
    return float(np.maximum.reduce(products / np.sqrt(heads_tails)))


class NoiseFloor:
    """The loudness of what is always there: the quietest frame of the last two seconds, which speech leaves open."""

    def __init__(self, start: float):
        self._blocks: deque[float] = deque(maxlen=_BLOCKS)
        self._quietest = 90.0
        self._frames = 0
        self.level = start

    def hear(self, loudness: float) -> None:
        if loudness < _DEAD:
            return
        self._quietest = min(self._quietest, loudness)
        self._frames += 1
        self.level = min(self._quietest, *self._blocks, self.level + _RISE)
        if self._frames == _BLOCK:
            self._blocks.append(self._quietest)
            self._quietest, self._frames = 90.0, 0


@dataclass(frozen=True, slots=True)
class Levels:
    """In decibels, as :func:`level` gives them."""

    quietest: float = 30.0
    """Nothing below is voice."""
    above_noise: float = 6.0
    """How far voice is above the noise of the line."""
    background_below: float = 20.0
    """What is that far below the caller's own voice is somebody in the room."""
    quietest_over: float = 42.0
    """Nothing below is voice while the agent is heard."""
    usual_voice: float = 64.0
    """How loud a caller is taken to be until heard."""
    echo_below: float = 18.0
    """What is that far below the caller's own voice while the agent is heard is the agent's echo."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a frame is. ``tonal``: with the periods of a voice, unlike a cough, a click or an "s"."""

    voiced: bool
    tonal: bool


NOTHING = Heard(False, False)
USUAL = Levels()


class VoiceDetector:
    """One caller's sound, frame by frame."""

    def __init__(self, levels: Levels = USUAL):
        self._vad = webrtcvad.Vad(_MODE)
        self._levels = levels
        self._before: Pcm = SILENT
        self._sure = 0
        self.noise = NoiseFloor(levels.quietest - levels.above_noise)
        self.voice = levels.usual_voice
        """The caller's own loudness, from frames in which the agent was not heard."""

    def hear(self, pcm: Pcm, agent_heard: bool = False) -> Heard:
        """What this frame of FRAME samples is; frames come in order, lost ones left out. Raises ValueError."""
        if len(pcm) != FRAME:
            raise ValueError(f"a frame has {FRAME} samples, not {len(pcm)}")
        before, self._before = self._before, pcm
        loudness = level(pcm)
        speech = bool(self._vad.is_speech(to_bytes(pcm), RATE))
        self.noise.hear(loudness)
        if not agent_heard:
            self.voice = max(self.voice - _FORGET, 0.0)
        if not speech or loudness < self._gate(agent_heard):
            self._sure = 0
            return NOTHING
        if not agent_heard:
            self._learn(loudness)
        return Heard(True, self._is_tonal(before, pcm))

    def _is_tonal(self, before: Pcm, pcm: Pcm) -> bool:
        """Whether two frames have the periods of a voice. A voice that has them does not lose them at once: then the
        next two frames are not looked at."""
        if self._sure:
            self._sure -= 1
            return True
        both = np.concatenate((before, pcm)).astype(np.float32)
        tonal = periodicity(both) >= _PERIODIC
        self._sure = 2 if tonal else 0
        return tonal

    def _gate(self, agent_heard: bool) -> float:
        levels = self._levels
        gate = max(
            levels.quietest, self.noise.level + levels.above_noise, self.voice - levels.background_below
        )
        if agent_heard:
            gate = max(gate, levels.quietest_over, self.voice - levels.echo_below)
        return gate

    def _learn(self, loudness: float) -> None:
        """Loud frames count at once in part, quiet ones slowly: the level of the vowels."""
        step = 0.2 if loudness > self.voice else 0.002
        self.voice += (loudness - self.voice) * step
