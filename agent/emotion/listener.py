"""The listening ear of one call: takes the caller's sound, tells the mood after each turn."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from agent.audio.frames import RATE, Pcm
from agent.emotion.analyst import Analyst
from agent.emotion.ear import Ear, Pieces
from agent.emotion.moods import Moods
from agent.emotion.prosody import prosody
from agent.emotion.track import SEGMENT, Track
from agent.signals import Emotion

PIECES = Pieces(SEGMENT, int(0.4 * RATE), 15)
"""Segments of 2 s in a window of 30 s."""


class EmotionListener:
    """One for a call. Nothing here waits or raises: without analysis the words alone are judged.

    ``on_emotion`` is called in the event loop, some time after ``turn`` (some ten milliseconds as a rule; at most
    two time-outs of the analysis), in the order of the turns; not after ``close``.
    """

    def __init__(
        self, analyst: Analyst[Track], on_emotion: Callable[[Emotion], None], moods: Moods | None = None
    ):
        self._on_emotion = on_emotion
        self._moods = moods or Moods()
        self._ear = Ear(analyst, PIECES, self._judge)

    def hear(self, pcm: Pcm) -> None:
        """Sound of the caller, as it comes."""
        self._ear.hear(pcm)

    def turn(self, text: str, at: datetime) -> None:
        """The caller has finished a turn with these words."""
        self._ear.turn(text, at)

    def close(self) -> None:
        """The call is over."""
        self._ear.close()

    def _judge(self, at: datetime, text: str, tracks: list[Track]) -> None:
        self._on_emotion(self._moods.turn(at, text, prosody(tracks)))
