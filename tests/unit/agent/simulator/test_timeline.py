"""The virtual playback clock: what is heard when, and when marks come back."""

from __future__ import annotations

import numpy as np

from agent.audio import mulaw
from agent.audio.frames import RATE
from agent.simulator.timeline import Playback, Track


def ones(samples: int, value: int = 8) -> bytes:
    """Mu-law of so many samples, each ``value``: a multiple of eight, which mu-law carries exactly."""
    return mulaw.encode(np.full(samples, value, dtype=np.int16))


def test_sound_that_comes_early_is_played_behind_what_is_there() -> None:
    playback = Playback()
    playback.push(ones(100, 8), 50)
    playback.push(ones(100, 16), 60)
    playback.push(ones(10, 24), 400)
    pcm = playback.track.pcm()
    assert pcm.tolist() == [0] * 50 + [8] * 100 + [16] * 100 + [0] * 150 + [24] * 10
    assert (playback.first, playback.end) == (50, 410)
    assert playback.playing(409)
    assert not playback.playing(410)


def test_marks_come_back_when_what_is_before_them_has_been_played() -> None:
    playback = Playback()
    playback.mark("nothing before")
    assert playback.due(0) == ["nothing before"]
    playback.push(ones(100), 10)
    playback.mark("a")
    playback.push(ones(100), 20)
    playback.mark("b")
    assert playback.due(109) == []
    assert playback.due(110) == ["a"]
    assert playback.due(500) == ["b"]
    assert playback.due(500) == []


def test_clear_drops_what_was_not_played_and_returns_all_marks() -> None:
    playback = Playback()
    playback.push(ones(1_000), 0)
    playback.mark("a")
    assert playback.clear(300) == ["a"]
    assert int(playback.track.pcm().sum()) == 8 * 300
    playback.push(ones(100), 400)
    assert playback.track.pcm().tolist() == [8] * 300 + [0] * 100 + [8] * 100
    assert playback.clear(900) == []
    assert playback.track.end == 500


def test_a_stretch_of_speech_has_breaths_in_it() -> None:
    playback = Playback()
    playback.push(ones(RATE), 0)
    playback.push(ones(RATE), RATE + RATE // 4)
    assert playback.begun == 0
    playback.push(ones(RATE), 4 * RATE)
    assert playback.begun == 4 * RATE


def test_a_track_grows_and_is_cut() -> None:
    track = Track()
    track.write(200 * RATE, ones(10, 56))
    assert track.end == 200 * RATE + 10
    assert int(track.pcm()[-1]) == 56
    track.cut(5)
    assert track.pcm(8).tolist() == [0] * 8
