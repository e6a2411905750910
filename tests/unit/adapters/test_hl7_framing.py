"""MLLP framing: frames come out whole however the bytes arrive, and nothing else passes for one."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.hl7v2.mllp.framing import Event, Frame, Framing, Garbage, TooLarge, frame


def _fed(framing: Framing, pieces: list[bytes]) -> list[Event]:
    return [event for piece in pieces for event in framing.feed(piece)]


def _contents(events: list[Event]) -> list[bytes]:
    return [event.read() for event in events if isinstance(event, Frame)]


def _cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in itertools.pairwise(ends)]


_CONTENT = st.binary(max_size=60).map(lambda raw: raw.translate(None, b"\x0b\x1c"))


@given(st.lists(_CONTENT, max_size=5), st.lists(st.integers(min_value=0), max_size=8), st.integers(1, 40))
def test_frames_come_out_whole_however_they_are_cut(
    contents: list[bytes], cuts: list[int], spill: int
) -> None:
    data = b"".join(map(frame, contents))
    events = _fed(Framing(1000, spill), _cut(data, cuts))
    assert _contents(events) == contents
    assert len(events) == len(contents)


@given(st.binary(max_size=200), st.lists(st.integers(min_value=0), max_size=8))
def test_any_bytes_make_the_same_events_however_they_are_cut(data: bytes, cuts: list[int]) -> None:
    def total(pieces: list[bytes]) -> tuple[list[bytes], bool]:
        framing = Framing(100, 7)
        events = _fed(framing, pieces)
        list(framing.close())  # what was begun may have spilled into a file
        return _contents(events), any(isinstance(event, TooLarge) for event in events)

    assert total(_cut(data, cuts)) == total([data])


def test_what_stands_between_frames_is_told() -> None:
    events = _fed(Framing(100), [b"noise" + frame(b"A") + b"\r\n" + frame(b"B") + b"xy"])
    assert events[0] == Garbage(5)
    assert events[-1] == Garbage(2)
    assert _contents(events) == [b"A", b"B"]
    assert len(events) == 4


def test_a_lone_end_block_is_content() -> None:
    assert _contents(_fed(Framing(100), [b"\x0bA\x1cB\x1c\r"])) == [b"A\x1cB"]


def test_a_frame_whose_end_lacks_the_carriage_return_ends_at_the_next_one() -> None:
    assert _contents(_fed(Framing(100), [b"\x0bA\x1c\x0bB\x1c", b"\r"])) == [b"A", b"B"]


def test_a_message_that_was_begun_and_never_ended_is_dropped_for_the_next() -> None:
    events = _fed(Framing(100), [b"\x0bMSH|half", b"\x0bMSH|whole\x1c\r"])
    assert events[0] == Garbage(8)
    assert _contents(events) == [b"MSH|whole"]


def test_what_is_left_at_the_end_is_told() -> None:
    framing = Framing(100)
    assert _fed(framing, [b"\x0bMSH|half"]) == []
    assert (framing.inside, framing.size) == (True, 8)
    assert list(framing.close()) == [Garbage(8)]
    assert list(framing.close()) == []


@pytest.mark.parametrize("spill", [10, 10_000])
def test_a_message_that_is_too_long_is_refused_before_it_ends(spill: int) -> None:
    framing = Framing(1000, spill)
    events = _fed(framing, [b"\x0bMSH|" + b"x" * 500, b"x" * 500])
    assert len(events) == 1
    assert isinstance(events[0], TooLarge)
    assert events[0].head.startswith(b"MSH|xxx")
    assert _fed(framing, [b"x" * 100_000, frame(b"A")]) == []
    assert not framing._buffer


def test_a_message_of_the_allowed_length_is_taken() -> None:
    assert _contents(_fed(Framing(1000), [frame(b"x" * 1000)])) == [b"x" * 1000]
    assert isinstance(_fed(Framing(1000), [frame(b"x" * 1001)])[0], TooLarge)


def test_a_long_message_waits_outside_memory() -> None:
    framing = Framing(10_000_000, 1000)
    _fed(framing, [b"\x0b", *[b"0123456789" * 100] * 1000])
    assert framing.size == 1_000_000
    assert len(framing._buffer) <= 2000
    assert _contents(_fed(framing, [b"\x1c\r"])) == [b"0123456789" * 100_000]
