"""Speakers who say things in moods, in numbers: each turn is drawn, so that moods overlap as those of people do.

What changes with anger: pitch and its range, pace, effort (the spectrum gets flatter, 1 to 3 kHz rise), fewer pauses,
more sound above the background. A quarter is cold anger: pressed and fast at the speaker's own pitch. Loudness is
levelled afterwards and everything goes through mu-law at 8 kHz.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from agent.audio import mulaw
from agent.audio.frames import RATE, Pcm
from tests.moods.espeak import Line, spoken

VOICES = tuple(
    f"{accent}+{kind}" for accent in ("en-us", "en-gb-x-rp") for kind in ("m1", "m3", "m4", "f1", "f2", "f4")
)
TEXTS = (
    "I would like to move my appointment on Thursday.",
    "My date of birth is the fourth of March, nineteen eighty one.",
    "It was booked for ten in the morning.",
    "I have called about this before.",
    "The number on the card has changed.",
    "Can you tell me what you have next week?",
    "No, the other doctor, the one on the second floor.",
    "I will need somebody to call me back today.",
    "That is not the day we talked about.",
    "She said the insurance would pay for it.",
    "Please look at my file again.",
    "There was nobody at the front desk.",
)
LEVEL = 2_000.0
"""Root mean square after levelling."""


@dataclass(frozen=True, slots=True)
class Turn:
    """``mood``: neutral or angry. ``pcm`` as it comes off the line."""

    speaker: str
    mood: str
    pcm: Pcm


@dataclass(frozen=True, slots=True)
class _Way:
    """One turn's way of speaking, relative to the voice as it is built."""

    pitch: float
    range: float
    pace: float
    tilt: float
    noise: float
    """dB of the background below the speech."""


def acted(seed: int, speakers: int = 12, each: int = 8) -> Iterator[Turn]:
    """``each`` neutral and as many angry turns of every speaker, in a random order of sentences."""
    chance = np.random.default_rng(seed)
    for voice in VOICES[:speakers]:
        person = _Way(
            chance.normal(50, 8),
            chance.normal(45, 8),
            chance.normal(165, 12),
            chance.normal(0, 1.5),
            chance.normal(38, 6),
        )
        moods = ["neutral"] * each + ["angry"] * each
        ways = [_way(chance, person, mood) for mood in moods]
        lines = [_line(chance, voice, way) for way in ways]
        for mood, way, raw in zip(moods, ways, spoken(lines), strict=True):
            yield Turn(voice, mood, over_the_line(chance, raw, way.tilt, way.noise))


def _way(chance: np.random.Generator, person: _Way, mood: str) -> _Way:
    """A turn of a person: neutral ones vary, angry ones are moved and vary more."""
    n = chance.normal
    way = _Way(
        person.pitch + n(0, 4), person.range + n(0, 9), person.pace * n(1, 0.07), person.tilt + n(0, 0.5),
        person.noise + n(0, 2),
    )  # fmt: skip
    if mood == "neutral":
        return way
    cold = chance.random() < 0.25
    return _Way(
        way.pitch + (n(1, 5) if cold else n(18, 8)),
        way.range + (n(0, 12) if cold else n(22, 14)),
        way.pace * n(1.1, 0.1),
        way.tilt + (n(2.6, 1.0) if cold else n(2.2, 1.0)),
        way.noise + n(5, 4),
    )


def _line(chance: np.random.Generator, voice: str, way: _Way) -> Line:
    text = " ".join(chance.choice(TEXTS, size=int(chance.integers(1, 3)), replace=False))
    bounded = [int(np.clip(value, 0, 99)) for value in (way.pitch, way.range)]
    return Line(voice, text, int(np.clip(way.pace, 100, 300)), *bounded)


def over_the_line(chance: np.random.Generator, raw: Pcm, tilt: float, noise: float) -> Pcm:
    """``tilt`` dB an octave above 500 Hz, background noise, levelled, mu-law."""
    sound = _tilted(raw.astype(np.float64), tilt)
    sound += chance.normal(0, np.sqrt(np.mean(sound**2)) * 10 ** (-noise / 20), len(sound))
    sound *= LEVEL / np.sqrt(np.mean(sound**2))
    return mulaw.decode(mulaw.encode(np.clip(sound, -32_768, 32_767).astype(np.int16)))


def _tilted(sound: np.ndarray, slope: float) -> np.ndarray:
    spectrum = np.fft.rfft(sound)
    octaves = np.log2(np.maximum(np.fft.rfftfreq(len(sound), 1 / RATE), 500.0) / 500.0)
    return np.asarray(np.fft.irfft(spectrum * 10 ** (slope * octaves / 20), len(sound)))
