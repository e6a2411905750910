"""``python -m tests.moods FOLDER [SEED [SPEAKERS [EACH]]]``: acted turns as ``FOLDER/emotion/<speaker>/<label>/*.wav``.

For ``make corpus CORPUS=FOLDER``.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from agent.audio.wav import write_mono
from tests.moods.acting import acted


def write(folder: Path, seed: int = 1, speakers: int = 12, each: int = 8) -> None:
    """One file a turn."""
    written: Counter[tuple[str, str]] = Counter()
    for turn in acted(seed, speakers, each):
        written[turn.speaker, turn.mood] += 1
        name = f"{written[turn.speaker, turn.mood]:02}.wav"
        write_mono(folder / "emotion" / turn.speaker / turn.mood / name, turn.pcm)


if __name__ == "__main__":
    write(Path(sys.argv[1]), *map(int, sys.argv[2:]))
