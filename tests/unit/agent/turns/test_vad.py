"""Voice told from noise in real sound: synthesised speech through mu-law, with noise at several distances."""

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from played import FRAME, UNSHIELDED

from agent.audio import mulaw
from agent.audio.frames import RATE, SILENT, Pcm, framed
from agent.audio.resample import to_telephone
from agent.turns.events import BackChannel, BargeIn, FloorEvent, Pause, TurnEnded, TurnStarted
from agent.turns.floor import Floor
from agent.turns.rules import Rules
from agent.turns.vad import Heard, VoiceDetector, level, periodicity

Sound = NDArray[np.float64]
SENTENCES = (
    "170\t50\tI need to cancel my appointment please",
    "200\t70\tMarch third nineteen eighty two",
    "160\t35\tfive five five oh one two three four five six",
    "180\t60\tsorry so could we say something else",
)
CROWD = tuple(
    f"{150 + 10 * n}\t{20 + 8 * n}\tthe weather was fine and everybody went to the market for apples {n}"
    for n in range(8)
)
LOUD = 2_500.0
"""Root mean square of a caller's speech."""


def spoken(*lines: str) -> list[Sound]:
    pytest.importorskip("espeakng_loader")
    script = Path(__file__).with_name("espeak_speaks.py")
    data = subprocess.run(
        [sys.executable, str(script)],
        input="\n".join(lines).encode(),
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout
    sounds, place = [], 0
    while place < len(data):
        (count,) = struct.unpack_from("<I", data, place)
        samples = np.frombuffer(data, "<i2", count, place + 4).astype(np.int16)
        sounds.append(leveled(to_telephone(samples, 22_050).astype(np.float64)))
        place += 4 + 2 * count
    return sounds


def leveled(sound: Sound, rms: float = LOUD) -> Sound:
    return sound * (rms / np.sqrt(np.mean(sound**2)))


def telephone(sound: Sound) -> Pcm:
    return mulaw.decode(mulaw.encode(np.clip(np.rint(sound), -32_768, 32_767).astype(np.int16)))


@pytest.fixture(scope="module")
def callers() -> list[Sound]:
    return spoken(*SENTENCES)


@pytest.fixture(scope="module")
def crowd() -> Sound:
    voices = spoken(*CROWD)
    return leveled(np.sum([np.resize(v, 4 * RATE) for v in voices], axis=0))


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(8_000)


def noise(kind: str, samples: int, random: np.random.Generator, crowd: Sound) -> Sound:
    """Of the same loudness as a caller."""
    if kind == "crowd":
        return leveled(np.resize(crowd, samples))
    if kind == "hum":
        time = np.arange(samples) / RATE
        return leveled(np.sin(2 * np.pi * 60 * time) + 0.5 * np.sin(2 * np.pi * 180 * time))
    white = random.normal(0, 1, samples)
    if kind == "white":
        return leveled(white)
    spectrum = np.fft.rfft(white)
    return leveled(np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)) + 1), samples))


def heard(sound: Sound, agent_heard: bool = False, detector: VoiceDetector | None = None) -> list[Heard]:
    detector = detector or VoiceDetector()
    return [detector.hear(frame, agent_heard) for frame in framed(telephone(sound))]


def happened(sound: Sound, agent: bool = False, rules: Rules = UNSHIELDED) -> list[FloorEvent]:
    floor = Floor(rules)
    detector = VoiceDetector()
    events = floor.agent_speaks(0) if agent else []
    for n, frame in enumerate(framed(telephone(sound))):
        what = detector.hear(frame, floor.agent_heard)
        events += floor.frame(n * FRAME, what.voiced, what.tonal)
    return events


def within(speech: Sound, before: float = 3.0, after: float = 1.5) -> Sound:
    return np.concatenate([np.zeros(int(before * RATE)), speech, np.zeros(int(after * RATE))])


@pytest.mark.parametrize(
    ("kind", "distance", "hits", "false_alarms"),
    [
        ("white", 30, 0.85, 0.01),
        ("white", 20, 0.80, 0.01),
        ("white", 10, 0.70, 0.01),
        ("pink", 20, 0.80, 0.01),
        ("pink", 10, 0.70, 0.02),
        ("hum", 20, 0.80, 0.01),
        ("hum", 10, 0.70, 0.01),
        ("crowd", 30, 0.85, 0.05),
    ],
)
def test_rates_of_hits_and_false_alarms(
    kind: str,
    distance: int,
    hits: float,
    false_alarms: float,
    callers: list[Sound],
    crowd: Sound,
    random: np.random.Generator,
) -> None:
    """``distance`` decibels between speech and noise; hits among the frames that stand out of the noise."""
    hit = speech = alarm = quiet = 0
    for caller in callers:
        sound = within(caller)
        loud = noise(kind, len(sound), random, crowd) / 10 ** (distance / 20)
        found = np.array([h.voiced for h in heard(sound + loud)])
        clear = np.array(
            [level(f) > max(50, 68 - distance + 6) for f in framed(np.rint(sound).astype(np.int16))]
        )
        silent = np.ones(len(found), dtype=bool)
        silent[:50] = False  # the noise is being learnt
        silent[148 : 150 + len(caller) // 160 + 8] = False
        hit, speech = hit + int((found & clear).sum()), speech + int(clear.sum())
        alarm, quiet = alarm + int((found & silent).sum()), quiet + int(silent.sum())
    assert hit / speech >= hits
    assert alarm / quiet <= false_alarms


@pytest.mark.parametrize(("kind", "distance"), [("white", 15), ("pink", 15), ("hum", 15), ("crowd", 30)])
def test_each_sentence_is_one_turn_in_noise(
    kind: str, distance: int, callers: list[Sound], crowd: Sound, random: np.random.Generator
) -> None:
    for caller in callers:
        sound = within(caller)
        events = happened(sound + noise(kind, len(sound), random, crowd) / 10 ** (distance / 20))
        assert [type(e) for e in events] == [TurnStarted, TurnEnded]
        assert events[0].started == pytest.approx(3.0, abs=0.2)
        assert events[1].spoken_until == pytest.approx(3.0 + len(caller) / RATE, abs=0.35)


def test_speech_over_the_agent_stops_it_soon(callers: list[Sound]) -> None:
    words = spoken(
        *(
            f"170\t50\t{w}"
            for w in ("no that is wrong", "wait a moment", "actually Tuesday", "can you repeat")
        )
    )
    for speech in (*callers, *words):
        first = (
            next(n for n, f in enumerate(framed(np.rint(speech).astype(np.int16))) if level(f) > 50) * FRAME
        )
        events = happened(within(speech), agent=True)
        pause = next(e for e in events if isinstance(e, Pause))
        assert pause.at - 3.0 - first <= 0.16
        assert any(isinstance(e, BargeIn) for e in events)


def test_a_short_word_over_the_agent_is_let_go() -> None:
    for word in spoken("190\t50\tuh huh", "170\t40\tokay", "180\t60\tyeah"):
        events = happened(within(word), agent=True)
        assert isinstance(events[-1], BackChannel)
        assert not any(isinstance(e, BargeIn) for e in events)


@pytest.mark.parametrize("length", [0.02, 0.06, 0.3])
def test_clicks_and_coughs_start_nothing(length: float, random: np.random.Generator) -> None:
    samples = int(length * RATE)
    burst = random.normal(0, 6_000, samples) * np.exp(-np.arange(samples) / 800)
    assert happened(within(burst)) == []
    assert happened(within(burst), agent=True) == []


@pytest.mark.parametrize("kind", ["white", "pink", "hum", "crowd"])
def test_noise_that_begins_does_not_stop_the_agent(
    kind: str, random: np.random.Generator, crowd: Sound
) -> None:
    sound = noise(kind, 6 * RATE, random, crowd) / 10 ** (30 / 20)
    sound[: 2 * RATE] = 0
    assert happened(sound, agent=True) == []


def over_the_agent(sound: Sound, caller: Sound) -> list[FloorEvent]:
    """What happens when ``sound`` is heard with the agent's voice, after ``caller`` has spoken."""
    detector = VoiceDetector()
    heard(caller, detector=detector)
    floor = Floor(UNSHIELDED)
    events = floor.agent_speaks(0)
    for n, frame in enumerate(framed(telephone(sound))):
        what = detector.hear(frame, floor.agent_heard)
        events += floor.frame(n * FRAME, what.voiced, what.tonal)
    return events


def test_the_echo_of_the_agent_does_not_stop_it(callers: list[Sound]) -> None:
    assert over_the_agent(np.concatenate(callers[1:]) / 10 ** (30 / 20), callers[0]) == []


def test_people_behind_a_caller_who_was_heard_do_not_stop_the_agent(
    callers: list[Sound], crowd: Sound
) -> None:
    assert over_the_agent(crowd / 10 ** (20 / 20), callers[0]) == []


def test_a_quieter_person_who_takes_the_telephone_is_heard_after_a_while(callers: list[Sound]) -> None:
    detector = VoiceDetector()
    heard(callers[0], detector=detector)
    quiet = np.concatenate([np.zeros(8 * RATE), np.tile(callers[1], 3) / 10 ** (24 / 20)])
    found = [h.voiced for h in heard(quiet, detector=detector)]
    assert sum(found[-150:]) >= 60


def test_frames_that_were_lost_do_not_make_the_noise_a_voice(random: np.random.Generator) -> None:
    hiss = noise("white", 6 * RATE, random, np.zeros(1)) / 10 ** (15 / 20)
    hiss[4 * RATE : 4 * RATE + 800] = 0
    assert not any(h.voiced for h in heard(hiss)[50:])


def test_speech_repeats_itself_and_noise_does_not(random: np.random.Generator) -> None:
    time = np.arange(320) / RATE
    assert periodicity(np.sign(np.sin(2 * np.pi * 120 * time)) * 1_000) > 0.9
    assert max(periodicity(random.normal(0, 1_000, 320)) for _ in range(200)) < 0.55
    assert periodicity(np.zeros(320)) == 0


def test_a_frame_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="160 samples, not 80"):
        VoiceDetector().hear(SILENT[:80])


def test_loudness_is_in_decibels() -> None:
    assert level(SILENT) == 0
    assert level(np.full(160, 32_767, dtype=np.int16)) == pytest.approx(90.3, abs=0.1)
