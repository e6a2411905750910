"""Which of the voices of a call speaks: from embeddings of pieces of a turn to "a second one" and "another one now".

For this call only: nothing is kept of a voice, none is compared with another call's, nobody is identified. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

ALIKE = 0.45
"""Cosine from which two pieces are of one voice (models of speakers are trained to that scale; a setting)."""
_MOST = 4
"""Voices told apart; further ones count as the nearest."""
_LEARNT = 20
"""Pieces a voice is averaged over at most, so that it may drift."""

Vector = NDArray[np.floating[Any]]


@dataclass
class _Voice:
    centre: Vector
    pieces: int = 1

    def learn(self, vector: Vector) -> None:
        self.pieces = min(self.pieces + 1, _LEARNT)
        self.centre = self.centre + (vector - self.centre) / self.pieces


@dataclass
class Voices:
    """Takes turns in order."""

    alike: float = ALIKE
    _voices: list[_Voice] = field(default_factory=list)
    _speaking: int | None = None

    def turn(self, pieces: Sequence[Vector]) -> str:
        """``second``: a further voice is heard beside the one that speaks; ``changed``: the turn is another's than the
        one before; else empty. A piece that is no vector of finite numbers counts for nothing."""
        known = len(self._voices)
        heard = [
            self._assigned(v / float(np.linalg.norm(v))) for v in pieces if np.isfinite(v).all() and np.any(v)
        ]
        if not heard:
            return ""
        most = max(sorted(set(heard)), key=heard.count)
        before, self._speaking = self._speaking, most
        if before is not None and most != before:
            return "changed"
        return "second" if len(self._voices) > max(known, 1) else ""

    def _assigned(self, vector: Vector) -> int:
        """The number of the voice that a piece is of; it is learnt, or a new one."""
        likeness = [
            float(v.centre @ vector / max(float(np.linalg.norm(v.centre)), 1e-9)) for v in self._voices
        ]
        best = int(np.argmax(likeness)) if likeness else 0
        if likeness and (likeness[best] >= self.alike or len(likeness) >= _MOST):
            self._voices[best].learn(vector)
            return best
        self._voices.append(_Voice(vector))
        return len(self._voices) - 1
