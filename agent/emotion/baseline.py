"""How this caller speaks ordinarily: medians and spreads of the first turns, kept up to date by calm ones."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from agent.emotion.cues import CUES, values, weighed
from agent.emotion.pitch import Floats
from agent.emotion.prosody import Prosody

ENOUGH = 2.5
"""Voiced seconds at which what is relative to the baseline counts half."""
_KEPT = 12
"""Turns remembered."""
_CALM = 1.2
"""A turn more roused than that does not become part of what is ordinary."""
_PRIOR = 6.0
"""How many turns the spreads known from others are worth."""
_LEVELLED, _FREE = 0.7, 1.75
"""dB of spread between turns: a carrier's level control, and natural speech."""
_SETTLING = 3


@dataclass
class Baseline:
    """Learns from turns given in order. Nothing is stored of a caller beyond the call."""

    kept: int = _KEPT
    turns: deque[Prosody] = field(init=False)
    levels: deque[float] = field(init=False)

    def __post_init__(self) -> None:
        self.turns, self.levels = deque(maxlen=self.kept), deque(maxlen=self.kept)

    @property
    def sure(self) -> float:
        """0 to 1: how far a score may be believed, by the speech the baseline rests on."""
        voiced = sum(turn.voiced for turn in self.turns)
        return voiced / (voiced + ENOUGH)

    def learn(self, turn: Prosody) -> None:
        """Take the turn for ordinary."""
        self.turns.append(turn)
        self.levels.append(turn.level)

    def follow(self, turn: Prosody) -> float:
        """The score of ``turn``; an ordinary or calmer one is learnt. The first turns are ordinary by themselves:
        a caller who is angry from the first word on is known by words only, and by calmer turns later."""
        score = self.score(turn)
        self.levels.append(turn.level)
        settling = len(self.turns) < _SETTLING and sum(t.voiced for t in self.turns) < ENOUGH
        if settling or score < _CALM:
            self.turns.append(turn)
        return score

    def score(self, turn: Prosody) -> float:
        """How roused the turn is against what is ordinary; 0 while nothing is known."""
        if not self.turns:
            return 0.0
        return weighed(self.against(turn), self.loudness)

    def against(self, turn: Prosody) -> dict[str, float]:
        """Each measurement in spreads from the ordinary."""
        now = values(turn)
        known = {name: np.array([getattr(t, name) for t in self.turns]) for name in CUES}
        weights = np.array([t.voiced for t in self.turns])
        return {
            name: (now[name] - middle(known[name], weights)) / self._spread(name, known[name], turn.voiced)
            for name in CUES
        }

    @property
    def loudness(self) -> float:
        """0 where the level seems held constant by the carrier, to 1 where it moves as in natural speech."""
        if len(self.levels) < _SETTLING:
            return 0.5
        free = (float(np.std(self.levels)) - _LEVELLED) / (_FREE - _LEVELLED)
        return min(1.0, max(0.0, free))

    def _spread(self, name: str, known: Floats, voiced: float) -> float:
        """The caller's own spread (MAD), held by that of others while little is known."""
        prior = CUES[name].spread(voiced) ** 2
        own = (1.4826 * float(np.median(np.abs(known - np.median(known))))) ** 2
        count = max(len(known) - 1, 0)
        held = (_PRIOR * prior + count * max(own, prior / 4)) / (_PRIOR + count)
        return float((held * (1 + 1 / len(known))) ** 0.5)


def middle(known: Floats, weights: Floats) -> float:
    """The weighted median: a long turn tells more of a voice than a short one."""
    order = np.argsort(known)
    centres = np.cumsum(weights[order]) - weights[order] / 2
    return float(np.interp(weights.sum() / 2, centres, known[order]))
