"""The rules that filter slots before a brain sees them, and the script language."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from practice import NOW, ZONE, at

from agent.channels.script import InvalidScript, Script, parse
from agent.hearing import hear
from agent.records import SlotRecord
from agent.scheduling import Wish, admissible, offer, window, wish

TODAY = date(2026, 11, 24)


def slots(*starts: object, practitioner: str = "Practitioner/lane") -> list[SlotRecord]:
    return [
        SlotRecord(f"{practitioner}{i}", s, s + timedelta(minutes=30), practitioner)  # type: ignore[arg-type,operator]
        for i, s in enumerate(starts)
    ]


def test_the_past_and_the_next_two_hours_are_not_offered() -> None:
    kept = admissible(slots(at(24, 9), at(24, 15), at(24, 17), at(25, 9)), NOW)
    assert [s.start for s in kept] == [at(24, 17), at(25, 9)]


def test_one_start_of_one_practitioner_is_offered_once_and_a_taken_time_never() -> None:
    kept = admissible([*slots(at(25, 9), at(25, 10)), *slots(at(25, 9))], NOW, [at(25, 10)])
    assert [s.start for s in kept] == [at(25, 9)]


def test_the_same_practitioner_first() -> None:
    both = [*slots(at(25, 9), practitioner="Practitioner/moss"), *slots(at(25, 10))]
    assert {s.practitioner for s in offer(both, Wish(), "Practitioner/lane").slots} == {"Practitioner/lane"}
    assert {s.practitioner for s in offer(both, Wish(), "Practitioner/none").slots} >= {"Practitioner/moss"}


def test_an_offer_spreads_over_half_days_and_is_short() -> None:
    many = slots(*[at(25, h) for h in (9, 10, 11, 13, 14)], *[at(26, h) for h in (9, 10)])
    chosen = offer(many, Wish()).slots
    assert len(chosen) == 3
    assert len({(s.start.date(), s.start.hour < 12) for s in chosen}) == 3


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("next week in the morning", at(1, 9, month=12), at(1, 14, month=12)),
        ("friday after lunch", at(27, 14), at(27, 9)),
        ("thursday, no, friday", at(27, 9), at(26, 9)),
        ("any time", at(27, 9), None),
        ("tomorrow at two thirty", at(25, 14, 30), at(25, 14)),
    ],
)
def test_wishes(text: str, inside: object, outside: object) -> None:
    wanted = wish(text, TODAY)
    assert wanted.says_something
    assert wanted.holds(inside)  # type: ignore[arg-type]
    assert outside is None or not wanted.holds(outside)  # type: ignore[arg-type]


def test_the_window_is_what_is_named_else_the_horizon() -> None:
    first, last = window(wish("friday", TODAY), NOW.astimezone(ZONE))
    assert (first.date(), last.date()) == (date(2026, 11, 27), date(2026, 11, 28))
    assert window(Wish(), NOW)[1] - NOW == timedelta(days=60)


@pytest.mark.parametrize(
    ("text", "wishes"),
    [
        ("I need to move my Thursday appointment", ("reschedule",)),
        ("I can't make it tomorrow", ("reschedule",)),
        ("I'd like to come in and see the doctor", ("book",)),
        ("please cancel my visit", ("cancel",)),
        ("can you check when my appointment is", ("confirm",)),
        ("I changed my address and I have a new phone number", ("address", "phone")),
        ("I lost my insurance card", ("insurance",)),
        ("cancel my appointment and book another one", ("cancel", "book")),
        ("don't cancel it, just reschedule", ("reschedule",)),
        ("hello there", ()),
    ],
)
def test_intents(text: str, wishes: tuple[str, ...]) -> None:
    assert set(hear(1, text).wishes) == set(wishes)


def test_a_script_answers_what_the_agent_said() -> None:
    script = Script(
        parse(["# a comment", "hello", "which (\\w+) => the {1} please", "shall I => yes", "", "bye"])
    )
    assert script.next("") == "hello"
    assert script.next("Shall I go ahead?") == "yes"
    assert script.next("Which Tuesday?") == "the Tuesday please"
    assert script.next("anything") == "bye"
    assert script.next("anything") is None


def test_a_script_waits_in_silence_for_its_cue() -> None:
    script = Script(parse(["member => A B C 1 2 3"]))
    assert script.next("How can I help?") == "[silence]"
    assert script.next("the member ID?") == "A B C 1 2 3"


def test_a_broken_script_names_its_line() -> None:
    with pytest.raises(InvalidScript, match="line 2"):
        parse(["fine", "((( => no"])
