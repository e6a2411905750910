"""Turn-taking on synthesised callers in noise: hits, false alarms, how soon the agent is stopped, processor time.

    python -m benchmarks.turns

Needs the extras ``voice`` and ``espeak``. Everything goes through mu-law. Takes some minutes.
Prints one row for each kind of noise.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.audio import mulaw
from agent.audio.frames import RATE, Pcm, framed
from agent.audio.resample import to_telephone
from agent.turns.events import FloorEvent, Pause, TurnEnded
from agent.turns.floor import Floor
from agent.turns.rules import Rules
from agent.turns.vad import VoiceDetector, level

Sound = NDArray[np.float64]
_FRAME = 0.02
_LEAD = 3.0
"""Seconds of noise before each sentence."""
_SPEAKER = Path(__file__).parents[1] / "tests/unit/agent/turns/espeak_speaks.py"
_SAID = (
    "no|wait|stop|actually|sorry I did not hear|six thirty please|hello are you there|can you repeat that|"
    "hold on a second|my name is Ada Smith|five five five|that is wrong|thursday would be better|"
    "I want to speak to a person|excuse me|what did you say|four o'clock|she is my mother|check the other day|"
    "how much is it|please say that again|just a minute|yes but not today|zip code|fine but later|"
    "three three eighty two|help me|first of march|chest pain"
)
_VOICES = ((150, 30), (180, 55), (210, 75))
"""Words a minute and pitch."""


def main() -> None:
    lines = [f"{rate}\t{pitch}\t{text}" for text in _SAID.split("|") for rate, pitch in _VOICES]
    callers = [_leveled(s) for s in _spoken(lines)]
    crowd = _crowd()
    print("| noise | below speech | hits | false alarms | stopped after p50 | p95 | not stopped |")
    print("|---|---|---|---|---|---|---|")
    for kind, distances in {
        "white": (40, 20, 10),
        "pink": (20, 10),
        "hum": (20, 10),
        "crowd": (30, 20),
    }.items():
        for distance in distances:
            print(_row(kind, distance, callers, crowd))
    print(_row("crowd, caller known", 20, callers, crowd))
    print(f"\n{_cost(callers):.0f} µs of processor time a frame of 20 ms")


def _spoken(lines: list[str]) -> list[Sound]:
    run = subprocess.run(
        [sys.executable, str(_SPEAKER)], input="\n".join(lines).encode(), capture_output=True, check=True
    )
    sounds, place = [], 0
    while place < len(run.stdout):
        (count,) = struct.unpack_from("<I", run.stdout, place)
        samples = np.frombuffer(run.stdout, "<i2", count, place + 4).astype(np.int16)
        sounds.append(to_telephone(samples, 22_050).astype(np.float64))
        place += 4 + 2 * count
    return sounds


def _leveled(sound: Sound) -> Sound:
    return sound * (2_500 / np.sqrt(np.mean(sound**2)))


def _crowd() -> Sound:
    text = "the weather was fine and everybody went to the market for apples"
    voices = _spoken([f"{150 + 10 * n}\t{20 + 8 * n}\t{text} {n}" for n in range(8)])
    return np.sum([np.resize(v, 4 * RATE) for v in voices], axis=0, dtype=np.float64)


def _noise(kind: str, samples: int, random: np.random.Generator, crowd: Sound) -> Sound:
    if kind.startswith("crowd"):
        return _leveled(np.resize(crowd, samples))
    if kind == "hum":
        moments = np.arange(samples) / RATE
        return _leveled(np.sin(2 * np.pi * 60 * moments) + 0.5 * np.sin(2 * np.pi * 180 * moments))
    white = random.normal(0, 1, samples)
    if kind == "white":
        return _leveled(white)
    spectrum = np.fft.rfft(white)
    return _leveled(np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)) + 1), samples))


def _telephone(sound: Sound) -> Pcm:
    return mulaw.decode(mulaw.encode(np.clip(np.rint(sound), -32_768, 32_767).astype(np.int16)))


def _row(kind: str, distance: int, callers: list[Sound], crowd: Sound) -> str:
    random = np.random.default_rng(distance)
    hit = speech = alarm = quiet = missed = 0
    stopped: list[float] = []
    for caller in callers:
        sound = np.concatenate([np.zeros(int(_LEAD * RATE)), caller, np.zeros(2 * RATE)])
        noisy = _telephone(sound + _noise(kind, len(sound), random, crowd) / 10 ** (distance / 20))
        loud = np.array([level(f) for f in framed(np.rint(sound).astype(np.int16))])
        clear = loud > max(50, 74 - distance)
        detector = _detector(kind, callers[0])
        found = np.array([detector.hear(f).voiced for f in framed(noisy)])
        silent = np.ones(len(found), dtype=bool)
        silent[:50] = False
        silent[int(_LEAD / _FRAME) - 2 : int(_LEAD / _FRAME) + len(caller) // 160 + 10] = False
        hit, speech = hit + int((found & clear).sum()), speech + int(clear.sum())
        alarm, quiet = alarm + int((found & silent).sum()), quiet + int(silent.sum())
        pause = next(
            (
                e.at
                for e in _over_agent(noisy, _detector(kind, callers[0]))
                if isinstance(e, Pause) and e.at > _LEAD
            ),
            None,
        )
        if pause is None:
            missed += 1
        else:
            stopped.append(pause - int(np.flatnonzero(loud > 50)[0]) * _FRAME)
    p50, p95 = np.percentile(stopped or [np.nan], (50, 95)) * 1000
    rates = f"{hit / speech:.0%} | {alarm / quiet:.1%}"
    return f"| {kind} | {distance} dB | {rates} | {p50:.0f} ms | {p95:.0f} ms | {missed} of {len(callers)} |"


def _detector(kind: str, caller: Sound) -> VoiceDetector:
    detector = VoiceDetector()
    if kind.endswith("known"):
        for frame in framed(_telephone(caller)):
            detector.hear(frame)
    return detector


def _over_agent(noisy: Pcm, detector: VoiceDetector) -> list[FloorEvent]:
    floor = Floor(Rules(greeting_shield=0))
    events = floor.agent_speaks(0)
    for n, frame in enumerate(framed(noisy)):
        heard = detector.hear(frame, floor.agent_heard)
        events += floor.frame(n * _FRAME, heard.voiced, heard.tonal)
        if events and isinstance(events[-1], TurnEnded):
            events += floor.agent_speaks(n * _FRAME)
    return events


def _cost(callers: list[Sound]) -> float:
    frames = list(framed(_telephone(np.concatenate(callers))))
    floor, detector = Floor(), VoiceDetector()
    began = time.process_time()
    for n, frame in enumerate(frames):
        heard = detector.hear(frame)
        floor.frame(n * _FRAME, heard.voiced, heard.tonal)
    return (time.process_time() - began) / len(frames) * 1e6


if __name__ == "__main__":
    main()
