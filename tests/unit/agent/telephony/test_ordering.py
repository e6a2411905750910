"""The caller's sound in order, whatever order it came in."""

from __future__ import annotations

import itertools
import random

import numpy as np

from agent.audio import mulaw
from agent.audio.frames import FRAME, Pcm
from agent.telephony.ordering import Ordered
from agent.telephony.stream_messages import Sound
from agent.voice.media import Frame


def piece(number: int) -> Sound:
    """The ``number``-th piece (from 1), which can be told from others by its code."""
    return Sound(number, (number - 1) * 20, bytes([number % 100]) * FRAME)


def numbers(frames: list[Frame]) -> list[int]:
    """Which pieces these are; 255 is silence."""
    return [mulaw.encode(frame.pcm)[0] for frame in frames]


def taken(sounds: list[Sound], ordered: Ordered | None = None) -> list[Frame]:
    order = ordered or Ordered()
    return [frame for sound in sounds for frame in order.take(sound)]


def test_in_order_each_comes_at_once() -> None:
    order = Ordered()
    for number in range(1, 200):
        [frame] = order.take(piece(number))
        assert frame.at == (number - 1) / 50
        assert len(frame.pcm) == FRAME
    assert (order.duplicates, order.filled, order.jumps) == (0, 0, 0)


def test_out_of_order_and_twice_within_a_few_pieces_changes_nothing() -> None:
    chance = random.Random(5)
    for _ in range(100):
        late = [(number + chance.uniform(0, 4), number) for number in range(1, 80)]
        sounds = [piece(number) for _, number in sorted(late)]
        doubled = [s for s in sounds for _ in range(chance.choice((1, 1, 2)))]
        order = Ordered()
        frames = taken(doubled, order)
        assert numbers(frames) == list(range(1, 80))
        assert order.duplicates == len(doubled) - 79
        assert order.filled == 0


def test_what_never_comes_is_silence_in_its_place() -> None:
    order = Ordered()
    frames = taken([piece(n) for n in range(1, 30) if n not in (7, 8)], order)
    assert numbers(frames)[:10] == [1, 2, 3, 4, 5, 6, 255, 255, 9, 10]
    assert [frame.at for frame in frames] == [i / 50 for i in range(len(frames))]
    assert order.filled == 2 * FRAME


def test_a_hole_in_time_without_a_hole_in_numbers_is_silence_too() -> None:
    frames = taken([Sound(1, 0, b"\1" * FRAME), Sound(2, 60, b"\2" * FRAME)])
    assert numbers(frames) == [1, 255, 255, 2]


def test_a_long_hole_is_not_filled_but_time_goes_on() -> None:
    order = Ordered()
    frames = taken([piece(1), Sound(2, 60_000, b"\2" * FRAME), Sound(3, 60_020, b"\3" * FRAME)], order)
    assert [frame.at for frame in frames] == [0.0, 60.0, 60.02]
    assert (order.jumps, order.filled) == (1, 0)


def test_small_errors_of_timestamps_are_no_holes() -> None:
    chance = random.Random(1)
    sounds = [Sound(n, max((n - 1) * 20 + chance.randint(-12, 12), 0), b"\5" * FRAME) for n in range(1, 500)]
    order = Ordered()
    assert len(taken(sounds, order)) == 499
    assert order.filled == 0


def test_pieces_of_any_length_become_frames_of_20_ms() -> None:
    source: Pcm = np.arange(-4_000, 4_000, dtype=np.int16)
    codes = mulaw.encode(source)
    cuts = [0, 7, 333, 334, 2_000, 7_999, 8_000]
    sounds = [Sound(i + 1, a // 8, codes[a:b]) for i, (a, b) in enumerate(itertools.pairwise(cuts))]
    frames = taken(sounds)
    assert {len(frame.pcm) for frame in frames} == {FRAME}
    assert np.array_equal(np.concatenate([f.pcm for f in frames]), mulaw.decode(codes))


def test_a_number_that_cannot_be_does_not_make_the_rest_too_late() -> None:
    order = Ordered()
    frames = taken([piece(1), Sound(10**9, 20, b"\7" * FRAME), *(piece(n) for n in range(2, 20))], order)
    assert numbers(frames) == list(range(1, 20))
    assert order.strange == 1
