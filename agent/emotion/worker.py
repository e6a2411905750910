"""``python -m agent.emotion.worker``: analyses segments of sound in a process of its own, nicer than the voice."""

from __future__ import annotations

import os
import sys

import numpy as np

from agent.audio.frames import of_bytes
from agent.emotion.track import FIELDS, Track, track
from agent.emotion.worker_process import answers, questions

_NICER = 5


def packed(track: Track) -> bytes:
    """A track as 32-bit floats, one array after the other."""
    return np.stack([getattr(track, name) for name in FIELDS]).astype("<f4").tobytes()


def unpacked(data: bytes) -> Track:
    """The track. Raises ValueError."""
    return Track(*np.frombuffer(data, dtype="<f4").reshape(len(FIELDS), -1))


def main() -> None:
    """Answer until standard input ends."""
    os.nice(_NICER)
    while (question := questions(sys.stdin.buffer)) is not None:
        answers(sys.stdout.buffer, packed(track(of_bytes(question))))


if __name__ == "__main__":
    main()
