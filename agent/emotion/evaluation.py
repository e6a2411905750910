"""How well anger is told from neutral speech: the area under the ROC curve, each turn against its speaker."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agent.emotion.baseline import Baseline
from agent.emotion.prosody import Prosody


def area(positive: Sequence[float], negative: Sequence[float]) -> float:
    """The chance that a positive scores above a negative (a tie counts half); both must have members."""
    above = np.asarray(positive, dtype=float)[:, None] - np.asarray(negative, dtype=float)[None, :]
    return float(np.mean((above > 0) + 0.5 * (above == 0)))


def scored(neutral: Sequence[Prosody], others: Sequence[Prosody]) -> tuple[list[float], list[float]]:
    """Scores of one speaker's neutral turns and of the others.

    A neutral turn is held against the rest of the neutral ones (never against itself), so two are needed at least;
    the others against all of them.
    """
    ordinary = [_baseline([*neutral[:i], *neutral[i + 1 :]]).score(turn) for i, turn in enumerate(neutral)]
    whole = _baseline(neutral)
    return ordinary, [whole.score(turn) for turn in others]


def _baseline(turns: Sequence[Prosody]) -> Baseline:
    baseline = Baseline(kept=max(len(turns), 1))
    for turn in turns:
        baseline.learn(turn)
    return baseline
