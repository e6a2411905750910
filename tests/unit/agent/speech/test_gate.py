"""Which part of a turn's sound is decoded, and where in the turn the decoder's times lie."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.audio.frames import FRAME, RATE
from agent.speech.local.gate import VoiceGate

QUIET, VOICE = b"\0\0" * FRAME, b"\1\0" * FRAME
SECOND = RATE // FRAME
"""Frames."""


def gate() -> VoiceGate:
    return VoiceGate(lambda frame: frame != QUIET)


def numbered(kinds: list[bool]) -> bytes:
    """Frames that tell their own number; those without a voice are told from ``is_voice`` by their last byte."""
    return b"".join(
        n.to_bytes(2, "little") * (FRAME - 1) + (b"\1\0" if voiced else b"\0\0")
        for n, voiced in enumerate(kinds)
    )


def test_silence_alone_is_not_decoded() -> None:
    assert gate().let(QUIET * SECOND * 3) == b""


def test_of_the_silence_around_a_voice_a_fifth_of_a_second_is_decoded() -> None:
    let = gate().let(QUIET * SECOND + VOICE * 20 + QUIET * SECOND)
    assert let == QUIET * 10 + VOICE * 20 + QUIET * 10


def test_a_short_pause_is_whole_and_of_a_long_one_the_middle_is_left_out() -> None:
    assert gate().let(VOICE + QUIET * 20 + VOICE) == VOICE + QUIET * 20 + VOICE
    assert gate().let(VOICE + QUIET * SECOND + VOICE) == VOICE + QUIET * 20 + VOICE


def test_voiced_frames_are_counted() -> None:
    turn = gate()
    turn.let(VOICE * 3 + QUIET * 40)
    turn.let(VOICE * 2)
    assert turn.voiced == 5


def test_the_decoders_times_are_those_of_the_turn() -> None:
    turn = gate()
    turn.let(QUIET * SECOND + VOICE * SECOND + QUIET * SECOND * 2 + VOICE * SECOND)
    assert turn.second(0.1) == 0.1 + 0.8  # decoded: 0.2 s silence, 1 s voice, 0.4 s silence, 1 s voice
    assert turn.second(0.2) == 1.0
    assert turn.second(1.3) == 2.1
    assert turn.second(1.6) == 1.6 + 0.8 + 1.6


@given(st.lists(st.booleans(), max_size=120), st.lists(st.integers(1, 900), max_size=20))
def test_whatever_the_pieces_every_frame_let_through_is_where_the_turn_had_it(
    kinds: list[bool], lengths: list[int]
) -> None:
    sound = numbered(kinds)
    turn = VoiceGate(lambda frame: frame[-2:] == b"\1\0")
    at, let = 0, b""
    for length in (*lengths, len(sound)):
        let += turn.let(sound[at : at + length])
        at += length
    frames = [let[i : i + FRAME * 2] for i in range(0, len(let), FRAME * 2)]
    numbers = [int.from_bytes(frame[:2], "little") for frame in frames]
    assert {n for n, voiced in enumerate(kinds) if voiced} <= set(numbers)
    assert [
        round(turn.second((i + 0.5) * FRAME / RATE) * RATE / FRAME - 0.5) for i in range(len(numbers))
    ] == numbers
