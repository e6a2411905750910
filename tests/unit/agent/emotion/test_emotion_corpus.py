"""Anger against neutral speech of synthetic speakers, and the suite that does the same with anybody's recordings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from agent.audio.wav import write_mono
from agent.emotion.baseline import Baseline
from agent.emotion.evaluation import area, scored
from agent.emotion.prosody import Prosody, prosody
from agent.emotion.track import segments
from tests.corpus.emotion import levelled, mood_of, run
from tests.moods.__main__ import write
from tests.moods.acting import acted

pytest.importorskip("espeakng_loader", reason="the extra espeak is not installed")


def areas(seed: int, speakers: int, each: int) -> tuple[float, float]:
    """All speakers together: each turn against its speaker's neutral ones, and as in a call of unknown moods, where
    only the first two turns are neutral for certain."""
    found: dict[str, dict[str, list[Prosody]]] = {}
    for turn in acted(seed, speakers, each):
        if measured := prosody(segments(turn.pcm)):
            found.setdefault(turn.speaker, {"neutral": [], "angry": []})[turn.mood].append(measured)
    pairs = [scored(moods["neutral"], moods["angry"]) for moods in found.values()]
    apart = area([s for _, angry in pairs for s in angry], [s for neutral, _ in pairs for s in neutral])
    told = [pair for moods in found.values() for pair in followed(moods["neutral"], moods["angry"])]
    return apart, area(
        [s for mood, s in told if mood == "angry"], [s for mood, s in told if mood == "neutral"]
    )


def followed(neutral: list[Prosody], angry: list[Prosody]) -> list[tuple[str, float]]:
    """The scores of a call: two neutral turns, then both moods by turns."""
    baseline = Baseline()
    for turn in neutral[:2]:
        baseline.follow(turn)
    rest = [("angry", turn) for turn in angry] + [("neutral", turn) for turn in neutral[2:]]
    mixed = [rest[at] for at in np.random.default_rng(1).permutation(len(rest))]
    return [(mood, baseline.follow(turn)) for mood, turn in mixed]


def test_anger_is_told_from_neutral_speech_with_loudness_levelled() -> None:
    apart, in_a_call = areas(seed=1, speakers=5, each=4)
    assert apart >= 0.9 and in_a_call >= 0.85


@pytest.mark.slow
def test_the_area_is_at_least_95_percent() -> None:
    found = [areas(seed, speakers=12, each=8) for seed in (1, 2, 3, 4)]
    apart, in_a_call = np.mean(found, axis=0)
    assert apart >= 0.95 and in_a_call >= 0.93, found


def test_area() -> None:
    assert area([2, 3], [0, 1]) == 1.0
    assert area([0, 1], [2, 3]) == 0.0
    assert area([1, 1], [1, 1]) == 0.5
    assert area([1, 3], [2, 0]) == 0.75


@pytest.mark.parametrize(
    ("label", "mood"),
    [("anger", "anger"), ("Angry", "anger"), ("ANG", "anger"), ("hot_anger", "anger"), ("Neutral", "neutral"),
     ("NEU", "neutral"), ("Ärger", "anger"), ("sadness", ""), ("calm", "")],
)  # fmt: skip
def test_labels(label: str, mood: str) -> None:
    assert mood_of(label) == mood


def test_levelling_makes_quiet_and_loud_alike_whatever_silence_is_around() -> None:
    sound = (np.sin(np.arange(16_000) / 5) * 8000).astype(np.int16)
    quiet = np.concatenate((np.zeros(8000, np.int16), sound // 16, np.zeros(24_000, np.int16)))
    for pcm in (sound, quiet):
        whole = levelled(pcm).astype(float)
        loud = whole[np.abs(whole) > 0]
        assert np.sqrt(np.mean(loud**2)) == pytest.approx(2000, rel=0.1)
    assert not levelled(np.zeros(8000, np.int16)).any()


def test_the_suite_reads_any_folder_of_that_layout(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, 5, 2, 3)
    odd = tmp_path / "emotion" / "odd"
    write_mono(odd / "neutral" / "silent.wav", np.zeros(8000, np.int16))
    (odd / "anger").mkdir()
    (odd / "anger" / "broken.wav").write_bytes(b"RIFF....no")
    (odd / "sadness").mkdir()
    (odd / "sadness" / "left_out.wav").write_bytes(b"")
    cases = {name: (passed, why) for name, passed, why in run(tmp_path / "emotion")}
    assert [passed for passed, _ in cases.values()].count(True) == 2
    assert cases["odd/neutral/silent.wav"] == (None, "no voice was found in it")
    assert "broken.wav is not a PCM WAV file" in cases["odd/anger/broken.wav"][1]
    assert cases["odd"] == (None, "has 0 neutral and 0 angry files with voice")
    said = capsys.readouterr().out
    assert "anger against neutral per speaker baseline: mean AUC" in said and "of 2 speakers" in said


def test_without_recordings_make_corpus_says_so_and_passes(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.corpus", "emotion"], capture_output=True, text=True,
        env=os.environ | {"CORPUS": str(tmp_path)}, timeout=60,
    )  # fmt: skip
    assert (done.returncode, "no recordings in emotion/" in done.stdout) == (0, True)
