"""Measurements against sound whose pitch, range, rate and spectrum are known, through mu-law."""

from __future__ import annotations

import numpy as np
import pytest

from agent.audio import mulaw
from agent.audio.frames import RATE, Pcm
from agent.emotion.prosody import Prosody, prosody
from agent.emotion.track import SEGMENT, joined, segments, track
from agent.emotion.worker import packed, unpacked

SECONDS = 4.0


def voice(
    hertz: float = 120.0, swing: float = 0.0, syllables: float = 3.0, tilt: float = -9.0, level: float = 3000.0,
    noise: float = 3.0, gap: float = 0.0,
) -> Pcm:  # fmt: skip
    """Harmonics falling by ``tilt`` dB an octave, ``syllables`` a second, pitch swinging by ``swing`` semitones either
    way; ``gap`` seconds of background in the middle."""
    t = np.arange(int(SECONDS * RATE)) / RATE
    pitch = hertz * 2 ** (swing * np.sin(2 * np.pi * 0.5 * t) / 12)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    count = int(3400 / (hertz * 2 ** (swing / 12)))
    sound = sum(10 ** (tilt * np.log2(k) / 20) * np.cos(k * phase) for k in range(1, count + 1))
    sound = sound * (0.05 + 0.95 * np.sin(np.pi * syllables * t) ** 2)
    sound *= level / np.sqrt(np.mean(sound**2))
    sound[abs(t - SECONDS / 2) < gap / 2] = 0
    sound += np.random.default_rng(7).normal(0, noise, len(sound))
    return mulaw.decode(mulaw.encode(np.clip(sound, -32_768, 32_767).astype(np.int16)))


def measured(pcm: Pcm) -> Prosody:
    found = prosody(segments(pcm))
    assert found is not None
    return found


@pytest.mark.parametrize("hertz", [75, 110, 160, 240, 350, 520])
def test_pitch_of_deep_and_high_voices(hertz: float) -> None:
    assert 100 * 2 ** (measured(voice(hertz)).f0 / 12) == pytest.approx(hertz, rel=0.01)


@pytest.mark.parametrize("swing", [1.0, 3.0, 5.0])
def test_range_and_upper_part_follow_the_swing(swing: float) -> None:
    found = measured(voice(180, swing=swing))
    assert found.range == pytest.approx(2 * swing * 0.95, abs=0.5)
    assert found.high - found.f0 == pytest.approx(swing * 0.8, abs=0.4)


@pytest.mark.parametrize("syllables", [2.0, 4.0, 6.0])
def test_rate_is_that_of_syllables(syllables: float) -> None:
    assert measured(voice(syllables=syllables)).rate == pytest.approx(syllables, rel=0.2)


def test_spectral_measures_rise_with_effort() -> None:
    soft, pressed = measured(voice(tilt=-12)), measured(voice(tilt=-6))
    assert pressed.alpha - soft.alpha > 6
    assert pressed.balance - soft.balance > 4
    assert pressed.peaks - soft.peaks > 6


def test_only_level_and_headroom_hear_the_volume() -> None:
    quiet, loud = measured(voice(level=1000, noise=0)), measured(voice(level=6000, noise=0))
    assert loud.level - quiet.level == pytest.approx(20 * np.log10(6), abs=0.3)
    for name in ("f0", "high", "range", "rate", "alpha", "balance", "peaks"):
        assert getattr(loud, name) == pytest.approx(getattr(quiet, name), abs=0.5), name


def test_pauses_and_harmonicity() -> None:
    assert measured(voice(gap=1.0)).pauses - measured(voice()).pauses == pytest.approx(0.25, abs=0.08)
    assert measured(voice(noise=3)).hnr - measured(voice(noise=600)).hnr > 3


@pytest.mark.parametrize(
    "pcm",
    [np.zeros(0, np.int16), np.zeros(100, np.int16), np.zeros(SEGMENT, np.int16),
     np.random.default_rng(3).normal(0, 800, SEGMENT).astype(np.int16), np.full(SEGMENT, 32_767, np.int16)],
    ids=["empty", "short", "silent", "noise", "clipped"],
)  # fmt: skip
def test_nothing_is_said_of_what_is_no_voice(pcm: Pcm) -> None:
    assert prosody(segments(pcm)) is None


def test_segments_say_what_the_whole_says() -> None:
    pcm = voice(200, swing=2)
    whole, cut = prosody([track(pcm)]), measured(pcm)
    assert whole is not None
    assert (cut.f0, cut.alpha) == pytest.approx((whole.f0, whole.alpha), abs=0.2)


def test_a_track_survives_the_process_border() -> None:
    here = track(voice()[:SEGMENT])
    there = unpacked(packed(here))
    assert len(there) == len(here)
    assert np.allclose(there.hertz, here.hertz, rtol=1e-5)
    assert prosody([there]) is not None


def test_no_pieces_at_all() -> None:
    assert len(joined([])) == 0
    assert prosody([]) is None
