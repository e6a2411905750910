"""Cuts the caller's sound into pieces, has them analysed, and gives the results turn by turn, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import numpy as np

from agent.audio.frames import RATE, Pcm
from agent.emotion.analyst import Analyst

T = TypeVar("T")
_QUIET = 50
"""Mean magnitude (-56 dB of full scale) below which a frame is silence."""
_TAIL = int(0.6 * RATE)
"""Silence after speech that is still analysed: pauses are part of how somebody speaks."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """Samples of one piece, the fewest worth analysing at a turn's end, and how many of a turn count (the newest)."""

    samples: int
    least: int
    most: int


class _Turn(Generic[T]):
    """A turn whose sound is being analysed."""

    def __init__(self, most: int):
        self.found: deque[T] = deque(maxlen=most)
        self.open = 0
        self.ended: tuple[datetime, str] | None = None


class Ear(Generic[T]):
    """One for a call. Nothing here waits or raises; ``on_turn`` (moment, words, results: maybe none) is called in the
    event loop when all pieces of a turn are answered for, not after ``close``."""

    def __init__(
        self, analyst: Analyst[T], pieces: Pieces, on_turn: Callable[[datetime, str, list[T]], None]
    ):
        self._analyst, self._pieces, self._on_turn = analyst, pieces, on_turn
        self._turns: deque[_Turn[T]] = deque([_Turn(pieces.most)])
        self._sound: list[Pcm] = []
        self._length = self._silent = 0
        self._closed = False

    def hear(self, pcm: Pcm) -> None:
        """Sound of the caller, as it comes; longer silence is passed over."""
        if self._closed or not len(pcm):
            return
        loud = np.add.reduce(np.abs(pcm), dtype=np.int64) >= _QUIET * len(pcm)
        self._silent = 0 if loud else self._silent + len(pcm)
        if self._silent > _TAIL or not (loud or self._sound):
            return
        self._sound.append(pcm)
        self._length += len(pcm)
        if self._length >= self._pieces.samples:
            self._send()

    def turn(self, text: str, at: datetime) -> None:
        """The caller has finished a turn with these words."""
        if self._closed:
            return
        if self._length >= self._pieces.least:
            self._send()
        self._sound, self._length = [], 0
        self._turns[-1].ended = (at, text)
        self._turns.append(_Turn(self._pieces.most))
        self._tell()

    def close(self) -> None:
        """The call is over; what is still being analysed is not told."""
        self._closed = True
        self._sound = []

    def _send(self) -> None:
        turn, sound = self._turns[-1], np.concatenate(self._sound)
        self._sound, self._length = [], 0
        turn.open += 1

        def done(found: T | None) -> None:
            turn.open -= 1
            if found is not None:
                turn.found.append(found)
            self._tell()

        self._analyst.submit(sound, done)

    def _tell(self) -> None:
        """Give out the turns that are complete, in order."""
        while not self._closed and self._turns[0].ended is not None and not self._turns[0].open:
            turn = self._turns.popleft()
            assert turn.ended is not None
            self._on_turn(*turn.ended, list(turn.found))
