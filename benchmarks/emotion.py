"""``python -m benchmarks.emotion``: what listening to moods costs, in processor time, and how soon a mood is told.

The analysis runs in a process of its own; what the event loop pays is the cutting and handing over.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from datetime import UTC, datetime

import numpy as np

from agent.audio.frames import RATE, Pcm, framed
from agent.emotion.analyst import prosody_analyst
from agent.emotion.listener import EmotionListener
from agent.emotion.prosody import prosody
from agent.emotion.track import segments
from agent.signals import Emotion

SECONDS = 6.0
TURNS = 30


def voice() -> Pcm:
    """A voice at 140 Hz with four syllables a second."""
    t = np.arange(int(SECONDS * RATE)) / RATE
    sound = sum(np.cos(2 * np.pi * k * 140 * t) / k for k in range(1, 24)) * (
        0.05 + np.sin(np.pi * 4 * t) ** 2
    )
    return (np.asarray(sound) * 1500).astype(np.int16)


def share(seconds: float) -> str:
    return f"{100 * seconds / (SECONDS * TURNS):.2f} % of real time"


async def listened(pcm: Pcm) -> tuple[float, list[float]]:
    """Processor time of the event loop's side, and seconds from each turn's end to its mood."""
    analyst = prosody_analyst()
    told = asyncio.Event()
    delays: list[float] = []

    def hear(_: Emotion) -> None:
        told.set()

    ear = EmotionListener(analyst, hear)
    spent = 0.0
    for turn in range(TURNS + 1):
        began = time.process_time()
        for frame in framed(pcm):
            ear.hear(frame)
            await asyncio.sleep(0)
        ended = time.perf_counter()
        ear.turn("on Thursday at ten", datetime.now(UTC))
        await told.wait()
        told.clear()
        if turn:  # the first one starts the process
            spent += time.process_time() - began
            delays.append(time.perf_counter() - ended)
    ear.close()
    await analyst.close()
    return spent, delays


def main() -> None:
    pcm = voice()
    began = time.process_time()
    for _ in range(TURNS):
        prosody(segments(pcm))
    print(f"analysis, one caller: {share(time.process_time() - began)}")
    spent, delays = asyncio.run(listened(pcm))
    print(f"event loop, one caller: {share(spent)}")
    print(
        f"turn's end to mood: median {1000 * statistics.median(delays):.0f} ms, worst {1000 * max(delays):.0f} ms"
    )


if __name__ == "__main__":
    main()
