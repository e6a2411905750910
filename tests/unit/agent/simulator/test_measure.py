"""Latencies from recordings made by hand, to the sample."""

from __future__ import annotations

import numpy as np
import pytest

from agent.audio.frames import RATE, Pcm
from agent.simulator.measure import Latencies, Utterance, latencies, spans
from tests.tone_agent import tone


def channel(seconds: float, *stretches: tuple[float, float]) -> Pcm:
    """Sound from and to these seconds, with the zero crossings and short dips that speech has."""
    pcm = np.zeros(round(seconds * RATE), dtype=np.int16)
    for start, end in stretches:
        a, b = round(start * RATE), round(end * RATE)
        pcm[a:b] = tone((b - a) / RATE + 0.01, 200)[8 : 8 + b - a]
    return pcm


def said(*stretches: tuple[float, float], interrupts: bool = False) -> list[Utterance]:
    """As the simulator notes them: with silence of the file around the speech."""
    return [Utterance(start - 0.1, end + 0.2, interrupts) for start, end in stretches]


def test_where_sound_is_to_the_millisecond() -> None:
    found = spans(channel(4, (0.5, 1.25), (2.0, 3.5)))
    assert found.starts == pytest.approx([0.5, 2.0], abs=0.001)
    assert found.ends == pytest.approx([1.25, 3.5], abs=0.001)
    assert len(spans(np.zeros(0, dtype=np.int16)).starts) == 0


def test_greeting_and_replies() -> None:
    caller = channel(12, (2.0, 3.0), (6.0, 7.0))
    agent = channel(12, (0.08, 1.5), (3.42, 5.0), (7.9, 9.0))
    found = latencies(caller, agent, said((2.0, 3.0), (6.0, 7.0)))
    assert found.greeting == pytest.approx(0.08, abs=0.001)
    assert found.replies == pytest.approx((0.42, 0.9), abs=0.002)
    assert found.barge_ins == ()
    assert (found.longest_silence, found.silence_at) == pytest.approx((0.9, 7.0), abs=0.002)


def test_an_interruption_is_measured_to_the_last_sound_and_pauses_between_words_are_not_its_end() -> None:
    caller = channel(8, (2.0, 3.5))
    agent = channel(8, (0.0, 1.9), (2.05, 2.1), (2.15, 2.18), (4.0, 5.0))
    assert latencies(caller, agent, said((2.0, 3.5), interrupts=True)).barge_ins == ()
    agent = channel(8, (0.0, 2.04), (2.1, 2.18), (4.0, 5.0))
    found = latencies(caller, agent, said((2.0, 3.5), interrupts=True))
    assert found.barge_ins == pytest.approx((0.18,), abs=0.002)
    assert found.replies == pytest.approx((0.5,), abs=0.002)


def test_an_interruption_that_begins_within_a_word_of_the_agent_is_one() -> None:
    caller = channel(8, (2.0, 3.5))
    within = channel(8, (0.0, 1.97), (2.01, 2.18), (4.0, 5.0))
    found = latencies(caller, within, said((2.0, 3.5), interrupts=True))
    assert found.barge_ins == pytest.approx((0.18,), abs=0.002)
    ended = channel(8, (0.0, 1.97), (4.0, 5.0))
    assert latencies(caller, ended, said((2.0, 3.5), interrupts=True)).barge_ins == ()


def test_an_agent_that_does_not_stop_is_seen() -> None:
    found = latencies(channel(8, (2.0, 3.0)), channel(8, (0.0, 6.0)), said((2.0, 3.0), interrupts=True))
    assert found.barge_ins == pytest.approx((4.0,), abs=0.002)
    assert found.replies == ()


def test_a_silence_of_the_caller_is_not_the_agents() -> None:
    agent = channel(14, (0.0, 1.0), (6.0, 7.0), (7.8, 8.0))
    quiet = latencies(channel(14), agent, [], quiet=[(1.6, 6.0)])
    assert quiet.longest_silence == pytest.approx(0.8, abs=0.002)
    assert latencies(channel(14), agent, []).longest_silence == pytest.approx(5.0, abs=0.002)


def test_the_pause_of_a_caller_before_speaking_is_not_the_agents() -> None:
    caller, agent = channel(10, (5.0, 6.0)), channel(10, (0.0, 1.0), (6.3, 7.0))
    assert latencies(caller, agent, said((5.0, 6.0))).longest_silence == pytest.approx(0.3, abs=0.002)


def test_a_caller_who_is_never_answered_was_met_with_silence() -> None:
    found = latencies(channel(9, (2.0, 3.0)), channel(9, (0.0, 1.0)), said((2.0, 3.0)))
    assert found.replies == ()
    assert found.longest_silence == pytest.approx(6.0, abs=0.002)


def test_back_channels_and_words_that_were_gone_on_with_have_no_reply() -> None:
    caller, agent = channel(9, (1.0, 1.2), (4.0, 5.0), (5.5, 6.0)), channel(9, (0.0, 3.0), (6.4, 7.0))
    utterances = [Utterance(1.0, 1.2, answers=False), *said((4.0, 5.0)), *said((5.5, 6.0))]
    assert latencies(caller, agent, utterances).replies == pytest.approx((0.4,), abs=0.002)


def test_background_noise_is_not_speech() -> None:
    noise = np.random.default_rng(1).integers(-300, 300, 9 * RATE).astype(np.int16)
    caller = channel(9, (2.0, 3.0)) + noise
    found = latencies(caller, channel(9, (0.0, 1.0), (3.5, 4.0)), [Utterance(2.0, 3.0)], noise=300)
    assert found.replies == pytest.approx((0.5,), abs=0.005)


def test_nothing_gives_nothing() -> None:
    assert latencies(channel(0), channel(0), []) == Latencies()
