"""Who is on the line, by voice: a second one, or another one than before. Needs the extra ``speaker``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np

from agent.audio.frames import RATE, Pcm
from agent.breaker import Breaker
from agent.emotion.analyst import Analyst
from agent.emotion.ear import Ear, Pieces
from agent.emotion.voices import Vector, Voices
from agent.emotion.worker_process import WorkerProcess
from agent.signals import Speakers

PIECES = Pieces(3 * RATE, int(1.5 * RATE), 4)
"""An embedding of less than a second and a half of telephone sound tells little."""
_START = 180.0
"""Seconds: the library takes a minute to import on a busy machine."""
_REST = 600.0
"""Seconds until a process that failed twice is tried again."""


def speaker_analyst(checkpoint: Path, worker: WorkerProcess | None = None) -> Analyst[Vector]:
    """Embeddings for all calls; ``checkpoint`` is the file of a pyannote.audio embedding model.

    Few pieces wait: late is as good as never.
    """
    process = worker or WorkerProcess(
        "agent.emotion.speaker_worker", (str(checkpoint),), timeout=3.0, patience=_START
    )
    return Analyst(process, embedding, Breaker(rest=_REST), waiting=8)


def embedding(data: bytes) -> Vector:
    """A vector of the worker's. Raises ValueError."""
    vector = np.frombuffer(data, dtype="<f4").astype(np.float64)
    if not len(vector):
        raise ValueError("an empty embedding")
    return vector


class SpeakerListener:
    """One for a call; as the ear for moods it never waits and never raises.

    ``on_speakers`` is called only when there is something to tell.
    """

    def __init__(
        self, analyst: Analyst[Vector], on_speakers: Callable[[Speakers], None], voices: Voices | None = None
    ):
        self._on_speakers = on_speakers
        self._voices = voices or Voices()
        self._ear = Ear(analyst, PIECES, self._judge)

    def hear(self, pcm: Pcm) -> None:
        """Sound of the caller, as it comes."""
        self._ear.hear(pcm)

    def turn(self, text: str, at: datetime) -> None:
        """The caller has finished a turn; its words say nothing of who spoke."""
        self._ear.turn("", at)

    def close(self) -> None:
        """The call is over."""
        self._ear.close()

    def _judge(self, at: datetime, _: str, pieces: list[Vector]) -> None:
        if kind := self._voices.turn(pieces):
            self._on_speakers(Speakers(at, kind))
