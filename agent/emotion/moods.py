"""The mood of a call, turn by turn: arousal, valence, trend, a label, and the tier of empathy it asks for.

A soft signal about pace, tone and wording. It says nothing of who somebody is or how healthy. Pure: no clock.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from agent.emotion.baseline import Baseline
from agent.emotion.prosody import Prosody
from agent.emotion.words import Words, words
from agent.signals import Emotion

TIERS = ("functional", "light touch", "full empathy", "hold space")
_RISES = (0.2, 0.42, 0.65)
"""Strain at which each tier above the first begins."""
_SLACK = 0.1
"""How far below that strain must lie, for _CALM_TURNS turns, before the tier ends."""
_CALM_TURNS = 2
_WINDOW = 5
_FADING = 0.55
"""What a turn weighs against the one after it."""
_ORDINARY = -1.0
"""Logit of the arousal of an ordinary turn (0.27)."""


@dataclass(frozen=True, slots=True)
class _Felt:
    arousal: float
    valence: float


@dataclass
class Moods:
    """Takes the turns of one caller in order."""

    baseline: Baseline = field(default_factory=Baseline)

    def __post_init__(self) -> None:
        self._felt: deque[_Felt] = deque(maxlen=_WINDOW)
        self._tier = 0
        self._calm = 0
        self._down = False

    def turn(self, at: datetime, text: str, measured: Prosody | None) -> Emotion:
        """One finished turn: its words and what was measured of its sound (None: nothing)."""
        score = self.baseline.follow(measured) if measured is not None else 0.0
        believed = score * self.baseline.sure
        said = words(text)
        self._felt.append(_Felt(arousal(believed, said), valence(believed, said)))
        now, trend = self._now(), self._trend()
        self._down = said.down or (self._down and not said.told)
        self._move(strain(now.arousal, now.valence, self._down))
        return Emotion(
            at, label(now.arousal, now.valence, trend), TIERS[self._tier],
            round(self._felt[-1].arousal, 3), round(self._felt[-1].valence, 3), round(trend, 3),
        )  # fmt: skip

    def _now(self) -> _Felt:
        """The last five turns, the newer the heavier."""
        weights = [_FADING**age for age in range(len(self._felt))][::-1]
        whole = sum(weights)
        return _Felt(
            sum(w * f.arousal for w, f in zip(weights, self._felt, strict=True)) / whole,
            sum(w * f.valence for w, f in zip(weights, self._felt, strict=True)) / whole,
        )

    def _trend(self) -> float:
        """How valence moves: the last two turns against those before them."""
        values = [felt.valence for felt in self._felt]
        if len(values) < 2:
            return 0.0
        cut = max(1, len(values) - 2)
        return sum(values[cut:]) / len(values[cut:]) - sum(values[:cut]) / cut

    def _move(self, strain: float) -> None:
        """One tier up at once; one down only after calm turns."""
        if self._tier < len(_RISES) and strain >= _RISES[self._tier]:
            self._tier, self._calm = self._tier + 1, 0
        elif self._tier and strain < _RISES[self._tier - 1] - _SLACK:
            self._calm += 1
            if self._calm >= _CALM_TURNS:
                self._tier, self._calm = self._tier - 1, 0
        else:
            self._calm = 0


def arousal(believed: float, said: Words) -> float:
    """0 to 1; an ordinary turn has 0.27. ``believed``: the score of the voice by how sure it is."""
    lift = 0.8 * max(0.0, -said.valence) if not said.down else 0.0
    return 1 / (1 + math.exp(-(1.3 * believed + lift + _ORDINARY)))


def valence(believed: float, said: Words) -> float:
    """-1 to 1: by the words; where they say nothing a roused voice counts as displeased, though less surely."""
    roused = min(1.0, max(0.0, (believed - 0.6) / 2.0))
    if said.valence > 0.15:
        return said.valence
    if not said.told:
        return -0.7 * roused
    return max(-1.0, said.valence - 0.5 * roused)


def strain(arousal: float, valence: float, down: bool) -> float:
    """0 to 1: how much empathy a mood asks for. Sorrow needs no loud voice."""
    unpleasant = max(0.0, -valence)
    return min(1.0, 0.75 * unpleasant + 0.6 * max(0.0, arousal - 0.45) + (0.15 * unpleasant if down else 0.0))


def label(arousal: float, valence: float, trend: float) -> str:
    """A mood in words, and where it goes."""
    if valence <= -0.25:
        mood = "angry" if arousal >= 0.62 else "frustrated" if arousal >= 0.36 else "unhappy"
    elif valence >= 0.25:
        mood = "excited" if arousal >= 0.6 else "pleased"
    else:
        mood = "tense" if arousal >= 0.6 else "subdued" if arousal < 0.15 else "calm"
    moves = "worsening" if trend <= -0.2 else "easing" if trend >= 0.2 else ""
    return f"{mood}, {moves}" if moves else mood
