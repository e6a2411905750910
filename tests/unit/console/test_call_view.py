"""The picture of a call's sound, its turns and its moods on one axis."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from fhirserver.console.call_view import (
    LANE,
    MOOD,
    WIDTH,
    Mood,
    Said,
    began,
    clock,
    curve,
    heard_until,
    outline,
    picture,
    said,
    ticks,
)
from fhirserver.ports.judge import Turn
from fhirserver.ports.recordings import Loudness

ZERO = datetime(2026, 11, 28, 9, 47, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return ZERO + timedelta(seconds=seconds)


def levels(seconds: float, *loud: tuple[float, float], step: float = 0.1) -> tuple[float, ...]:
    """Loudness in steps of a tenth of a second, 0.6 between the given times."""
    return tuple(
        0.6 if any(a <= i * step < b - 1e-9 for a, b in loud) else 0.01 for i in range(round(seconds / step))
    )


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", path)]


def test_the_caller_is_drawn_above_the_middle_line_and_the_agent_below() -> None:
    above, below = points(outline((0.0, 1.0, 0.5), up=True)), points(outline((0.0, 1.0, 0.5), up=False))
    assert [y for _, y in above[1:4]] == [LANE, 3.0, pytest.approx(LANE - 21.5)]
    assert [y for _, y in below[1:4]] == [LANE, 2 * LANE - 3.0, pytest.approx(LANE + 21.5)]
    assert above[0] == (0.0, LANE) and above[-1] == (WIDTH, LANE)
    assert outline((), up=True) == ""


def test_a_level_beyond_all_stays_in_its_lane() -> None:
    assert min(y for _, y in points(outline((7.0,), up=True))) == 3.0


def test_turns_stand_where_they_were_said_and_are_as_long_as_they_were_heard() -> None:
    sound = Loudness(20.0, levels(20, (5, 7)), levels(20, (1, 4), (8, 12)))
    turns = said(
        [Turn(1, "agent", "Hello?", at(1)), Turn(2, "caller", "Hi.", at(5)), Turn(3, "agent", "Yes.", at(8))],
        ZERO,
    )
    drawn = picture(sound, turns)
    assert [(one.number, one.speaker, one.x, one.width) for one in drawn.stretches] == [
        (1, "agent", 5.0, 15.0),
        (2, "caller", 25.0, 10.0),
        (3, "agent", 40.0, 20.0),
    ]
    assert drawn.stretches[1].label == "0:05 caller: Hi."
    assert drawn.words == "0:20 minutes; turns of the caller: 1, of the agent: 2."


def test_what_comes_after_a_long_pause_is_no_longer_the_turn() -> None:
    heard = levels(20, (1, 3), (3.8, 5), (9, 10))
    assert heard_until(heard, 1 / 20, 1.0, 20.0) == pytest.approx(5 / 20)
    assert heard_until(heard, 1 / 20, 2 / 20, 20.0) == pytest.approx(2 / 20), "the next turn has begun"
    assert heard_until((), 0.5, 1.0, 20.0) == 0.5
    assert heard_until(levels(20), 0.5, 1.0, 20.0) == 0.5, "nothing was heard"


def test_a_turn_after_the_end_of_the_sound_is_not_drawn_and_stays_in_the_list() -> None:
    turns = said([Turn(1, "agent", "Hello", at(0)), Turn(2, "caller", "late", at(90))], ZERO)
    drawn = picture(Loudness(10.0, levels(10), levels(10, (0, 2))), turns)
    assert [one.number for one in drawn.stretches] == [1]
    assert [one.clock for one in turns] == ["0:00", "1:30"]


def test_a_turn_before_the_sound_is_at_its_beginning() -> None:
    (turn,) = said([Turn(1, "agent", "Hello", at(-2))], ZERO)
    assert turn == Said(1, "agent", "Hello", 0.0, "0:00")


@pytest.mark.parametrize(
    ("total", "words"),
    [
        (4.0, ["0:00"]),
        (21.0, ["0:00", "0:05", "0:10", "0:15", "0:20"]),
        (125.0, ["0:00", "0:15", "0:30", "0:45", "1:00", "1:15", "1:30", "1:45", "2:00"]),
    ],
)
def test_ticks_leave_room_for_their_words(total: float, words: list[str]) -> None:
    assert [word for _, word in ticks(total)] == words


def test_ticks_of_a_long_call_are_few() -> None:
    assert 2 <= len(ticks(4 * 3600)) <= 25
    assert ticks(40.0)[2] == (25.0, "0:10")


def test_clock() -> None:
    assert [clock(s) for s in (-1, 0, 67.9, 3600)] == ["0:00", "0:00", "1:07", "60:00"]


def test_the_sound_begins_when_its_media_says_so() -> None:
    turns = (Turn(1, "agent", "Hello", at(3)),)
    assert began({"createdPeriod": {"start": "2026-11-28T09:47:01Z"}}, turns) == at(1)
    assert began({}, turns) == began(None, turns) == at(3)
    assert began(None, ()) is None


def mood(seconds: float, label: str, valence: float) -> Mood:
    return Mood(at(seconds), label, "functional", valence, 0.5)


def test_moods_are_a_line_on_the_axis_of_the_sound() -> None:
    drawn = curve([mood(5, "calm", 0.0), mood(10, "angry", -1.0), mood(15, "angry", -0.5)], ZERO, 20.0)
    assert drawn is not None
    assert [(one.x, one.y, one.clock) for one in drawn.points] == [
        (25.0, MOOD / 2, "0:05"),
        (50.0, MOOD - 6, "0:10"),
        (75.0, 42.0, "0:15"),
    ]
    assert points(drawn.path) == [(250.0, 30.0), (500.0, 54.0), (750.0, 42.0)]
    assert drawn.words == "calm, then angry; 3 moments, valence from -1.0 to +0.0."


def test_one_mood_is_said_in_few_words() -> None:
    drawn = curve([mood(5, "calm", -0.04)], ZERO, 20.0)
    assert drawn is not None and drawn.words == "calm; 1 moment, valence +0.0."


def test_moods_out_of_bounds_stay_on_the_picture_and_none_are_no_line() -> None:
    drawn = curve([mood(-3, "odd", 4.0), mood(99, "odd", -4.0)], ZERO, 20.0)
    assert drawn is not None
    assert [(one.x, one.y) for one in drawn.points] == [(0.0, 6.0), (100.0, MOOD - 6)]
    assert curve([], ZERO, 20.0) is None and curve([mood(1, "calm", 0)], ZERO, 0.0) is None
