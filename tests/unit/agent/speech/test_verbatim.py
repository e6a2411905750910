"""What a speech model said, compared with what it was given."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.speech.verbatim import carries_facts, same, strays
from fhirserver.world.spoken.say import say_date, say_id, say_moment, say_phone

VISIT = "Your visit is Thursday, December third at two thirty PM."
SAME = [
    (VISIT, "your visit is Thursday, December 3rd at 2:30 p.m."),
    ("You are booked for nine AM.", "You're booked for 9:00 AM."),
    ("Doctor Smith is out, I'm sorry.", "Dr. Smith is out. I am sorry."),
    ("The number is four one two, five five five, zero one four two.", "The number is 412-555-0142."),
    ("Your member id is A B C, nine eight seven.", "Your member ID is ABC987."),
    ("You were born March third, nineteen eighty two.", "You were born March 3, 1982."),
    ("We can't see you on Monday.", "We cannot see you on Monday."),
    ("Maria, that's all set.", "Maria, that is all set."),
    ("It was two thousand four.", "It was 2004."),
    ("Your temperature was 98.6 degrees.", "Your temperature was 98.6 degrees."),
    ("Fifteen hundred people.", "1,500 people."),
]
OTHER = [
    (VISIT, "Your visit is Thursday, December fourth at two thirty PM."),
    (VISIT, "Your visit is Thursday, December third at two thirty."),
    (VISIT, "Your visit is Friday, December third at two thirty PM."),
    ("Your visit is Thursday at two thirty.", "Your visit is Thursday at three thirty."),
    ("Doctor Smith is out.", "Doctor Jones is out."),
    ("Maria, that is all set.", "Marie, that is all set."),
    ("Your member id is A B C, nine eight seven.", "Your member id is A B D, nine eight seven."),
    ("The number is four one two, five five five, zero one four two.", "The number is 412-555-0143."),
    ("You are not covered.", "You are covered."),
    ("We can't see you on Monday.", "We can see you on Monday."),
    ("Shall I book it?", "Sure, what else may I do for you today?"),
    ("Shall I book it?", "Shall I book it for Tuesday?"),
    ("Your temperature was 98.6 degrees.", "Your temperature was 986 degrees."),
    ("Is that right?", ""),
    ("At 1:11.", "At 1:12."),
]


@pytest.mark.parametrize(("text", "said"), SAME)
def test_another_spelling_is_the_same(text: str, said: str) -> None:
    assert same(text, said)
    assert same(said, text)


@pytest.mark.parametrize(("text", "said"), OTHER)
def test_other_facts_are_not(text: str, said: str) -> None:
    assert not same(text, said)


@pytest.mark.parametrize("text", [text for text, _ in SAME if text.endswith(".")])
def test_facts_are_seen(text: str) -> None:
    assert carries_facts(text)


@pytest.mark.parametrize(
    "text",
    [
        "One moment, please.",
        "How can I help you?",
        "Okay, I can do that.",
        "I'm sorry to hear that.",
        "Sure. Which day suits you?",
        "I have got a question for you.",
        "You can't do that, I'm afraid.",
    ],
)
def test_words_without_facts_need_not_wait(text: str) -> None:
    assert not carries_facts(text)


DAYS = st.dates(date(1930, 1, 1), date(2030, 12, 31))


@given(DAYS, DAYS)
def test_two_days_are_never_the_same(one: date, other: date) -> None:
    said = [f"You were born {say_date(day)}." for day in (one, other)]
    assert same(*said) == (one == other)
    assert same(said[0], f"You were born {one.strftime('%B')} {one.day}, {one.year}.")


@given(st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)), st.integers(1, 20_000))
def test_two_moments_are_never_the_same(at: datetime, minutes: int) -> None:
    other = at + timedelta(minutes=minutes)
    texts = [f"Your visit is {say_moment(one, date(2026, 1, 1))}." for one in (at, other)]
    if other.year == 2026:
        assert not same(*texts)
    written = f"Your visit is {at.strftime('%A, %B')} {at.day} at {at.strftime('%I:%M %p').lstrip('0')}."
    assert same(texts[0], written) or (at.hour, at.minute) == (12, 0)


@given(st.from_regex(r"[2-9][0-9]{9}", fullmatch=True), st.from_regex(r"[2-9][0-9]{9}", fullmatch=True))
def test_two_telephone_numbers_are_never_the_same(one: str, other: str) -> None:
    assert same(f"I have {say_phone(one)}.", f"I have {say_phone(other)}.") == (one == other)
    assert same(f"I have {say_phone(one)}.", f"I have {one[:3]}-{one[3:6]}-{one[6:]}.")


@given(
    st.from_regex(r"[A-Z]{3}[0-9]{3,9}", fullmatch=True), st.from_regex(r"[A-Z]{3}[0-9]{3,9}", fullmatch=True)
)
def test_two_ids_are_never_the_same(one: str, other: str) -> None:
    assert same(f"Your id is {say_id(one)}.", f"Your id is {say_id(other)}.") == (one == other)


TEXT = "I am sorry, I did not get that. Would you say it once more, please?"


def test_a_beginning_does_not_stray() -> None:
    assert not any(strays(TEXT, TEXT[:end]) for end in range(len(TEXT)))
    assert not any(strays(text, said[:end]) for text, said in SAME for end in range(len(said)))


def test_another_answer_strays_before_its_end() -> None:
    said = "Sure, I can help you with that, what would you like me to do for you today?"
    assert strays(TEXT, said[:50])
