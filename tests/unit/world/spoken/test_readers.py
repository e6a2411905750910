"""The many ways one thing is said."""

from datetime import date, time

import pytest

from fhirserver.world.spoken.addresses import SpokenAddress, address
from fhirserver.world.spoken.answers import Answer, answer, is_never_mind, versions
from fhirserver.world.spoken.dates import birth_dates
from fhirserver.world.spoken.days import day_wishes
from fhirserver.world.spoken.identifiers import (
    digit_strings,
    identifiers,
    is_member_id,
    is_nanp,
    is_npi,
    is_postal_code,
    phones,
    postal_codes,
)
from fhirserver.world.spoken.names import (
    introduced_names,
    mentions,
    same_given,
    same_name,
    says_family,
    says_given,
)
from fhirserver.world.spoken.spelling import spelled
from fhirserver.world.spoken.times import time_wishes

TODAY = date(2026, 11, 22)  # a Sunday
MARCH_3_82 = date(1982, 3, 3)


@pytest.mark.parametrize(
    "text",
    [
        "March third nineteen eighty two",
        "3/3/82",
        "the third of March '82",
        "oh three oh three eighty-two",
        "march 3 1982",
        "three three nineteen eighty two",
        "march 3rd, 82",
        "1982-03-03",
        "zero three zero three one nine eight two",
        "03031982",
        "it's the 3rd of March, 1982",
        "March the third, one nine eight two",
    ],
)
def test_one_birth_date_in_many_words(text: str) -> None:
    assert [f.value for f in birth_dates(text, TODAY)] == [MARCH_3_82]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("next Thursday", date(2026, 11, 26), date(2026, 11, 26)),
        ("tomorrow morning", date(2026, 11, 23), date(2026, 11, 23)),
        ("the day after tomorrow", date(2026, 11, 24), date(2026, 11, 24)),
        ("the 14th", date(2026, 12, 14), date(2026, 12, 14)),
        ("a week from Thursday", date(2026, 12, 3), date(2026, 12, 3)),
        ("December third", date(2026, 12, 3), date(2026, 12, 3)),
        ("Thursday, December third", date(2026, 12, 3), date(2026, 12, 3)),
        ("January 5th", date(2027, 1, 5), date(2027, 1, 5)),
        ("next week", date(2026, 11, 23), date(2026, 11, 29)),
        ("in three days", date(2026, 11, 25), date(2026, 11, 25)),
        ("next month", date(2026, 12, 1), date(2026, 12, 31)),
        ("anything before Friday", date(2026, 11, 22), date(2026, 11, 26)),
    ],
)
def test_days(text: str, first: date, last: date) -> None:
    wishes = [f.value for f in day_wishes(text, TODAY)]
    assert [(w.first, w.last) for w in wishes] == [(first, last)]


def test_next_weekday_midweek_is_next_weeks() -> None:
    tuesday = date(2026, 11, 24)
    assert day_wishes("next Thursday", tuesday)[0].value.first == date(2026, 12, 3)
    assert day_wishes("this Thursday", tuesday)[0].value.first == date(2026, 11, 26)


def test_an_ordinal_choice_is_no_day() -> None:
    assert day_wishes("the first one please", TODAY) == []
    assert day_wishes("the second works", TODAY) == []


def test_a_low_ordinal_after_its_weekday_is_a_day() -> None:
    tuesday = date(2026, 11, 24)
    assert [f.value.first for f in day_wishes("Wednesday the second", tuesday)] == [date(2026, 12, 2)]
    assert [f.value.first for f in day_wishes("Tuesday the first at ten", tuesday)] == [date(2026, 12, 1)]
    assert [f.value.first for f in day_wishes("on Thursday the first works", tuesday)] == [date(2026, 11, 26)]


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("half past two", time(14, 30), time(14, 0)),
        ("two thirty pm", time(14, 30), time(2, 30)),
        ("14:30", time(14, 30), time(14, 31)),
        ("after lunch", time(13, 0), time(11, 0)),
        ("between nine and eleven", time(10, 0), time(11, 30)),
        ("after 3", time(16, 0), time(14, 0)),
        ("before noon", time(9, 0), time(12, 0)),
        ("quarter to three", time(14, 45), time(15, 0)),
        ("9:15 a.m. please", time(9, 15), time(21, 15)),
        ("first thing", time(8, 0), time(10, 0)),
        ("around ten thirty", time(10, 0), time(13, 0)),
        ("in the afternoon", time(15, 0), time(9, 0)),
    ],
)
def test_times_of_day(text: str, inside: time, outside: time) -> None:
    (wish,) = [f.value for f in time_wishes(text)]
    assert wish.holds(inside)
    assert not wish.holds(outside)


def test_a_greeting_is_no_wish() -> None:
    assert time_wishes("good morning") == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A B C nine eight seven", "ABC987"),
        ("W as in whiskey, one two double three 4 5", "W123345"),
        ("sierra mike one two three four", "SM1234"),
        ("it's XYZ-123456", "XYZ123456"),
        ("w two four, uh, seven seven A", "W2477A"),
        ("it's a 98765", "98765"),
        ("B for bravo, one two, dash, three four five", "B12345"),
    ],
)
def test_ids(text: str, value: str) -> None:
    assert [f.value for f in identifiers(text)] == [value]


def test_digits_keep_their_place() -> None:
    text = "the code is nine oh two okay"
    (found,) = digit_strings(text)
    assert (found.value, found.quote(text)) == ("902", "nine oh two")
    assert [f.value for f in digit_strings("triple five four one two")] == ["555412"]


def test_phone_numbers_and_postal_codes() -> None:
    assert [f.value for f in phones("four one two five five five oh one forty two")] == ["+14125550142"]
    assert [f.value for f in phones("1 (412) 555-0142")] == ["+14125550142"]
    assert phones("it's 555 0142") == []
    assert [f.value for f in postal_codes("zip is oh two one one eight")] == ["02118"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("S as in Sam, M as in Mary, I, T, H", "Smith"),
        ("sierra mike india tango hotel", "Smith"),
        ("O apostrophe B R I E N", "O'Brien"),
        ("S-M-I-T-H", "Smith"),
        ("M a double t", "Matt"),
        ("J O N E S hyphen S M I T H", "Jones-Smith"),
    ],
)
def test_spelling(text: str, name: str) -> None:
    assert [f.value for f in spelled(text)] == [name]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("yes", Answer.YES),
        ("yeah that's right", Answer.YES),
        ("no, that's right", Answer.YES),
        ("no problem", Answer.YES),
        ("uh-huh", Answer.YES),
        ("no", Answer.NO),
        ("yeah, no", Answer.NO),
        ("not quite", Answer.NO),
        ("no, it's 413", Answer.NO),
        ("that's not right", Answer.NO),
        ("I'm not sure", Answer.UNSURE),
        ("blue", None),
    ],
)
def test_answers(text: str, meaning: Answer | None) -> None:
    assert answer(text) is meaning


def test_the_last_version_comes_first() -> None:
    assert [v.text.strip(" ,") for v in versions("it's 412, no, sorry, 413")] == ["413", "it's 412"]
    assert is_never_mind("oh never mind")


def test_names_as_they_sound() -> None:
    assert same_name("Smyth", "Smith")
    assert same_name("Steven", "Stephen")
    assert same_given("Bill", "William")
    assert not same_name("Jones", "Smith")
    assert not same_given("Mary", "Martin")
    assert says_family("this is Maria Garcia", "García-López")
    assert says_given("Bob Jones here", ["Robert"])
    assert says_family("the last name is B R A D T K E", "Bradtke")


def test_introductions() -> None:
    assert [f.value for f in introduced_names("Hi, my name is Jane Smyth, I'd like to reschedule")] == [
        "Jane Smyth"
    ]
    assert [f.value for f in introduced_names("Bob Jones")] == ["Bob Jones"]
    assert introduced_names("I want to cancel my appointment") == []


def test_payers_are_heard() -> None:
    assert mentions("I have blue cross blue shield now", "Blue Cross Blue Shield")
    assert mentions("it's etna", "Aetna")
    assert mentions("united", "UnitedHealthcare")
    assert not mentions("it's cigna", "Aetna")


def test_addresses() -> None:
    said = "I moved to twelve forty two Maple Street, apartment 3, Springfield, Mass"
    said += "achusetts, oh one one oh three"
    assert address(said) == SpokenAddress("1242 Maple Street, Apartment 3", "Springfield", "MA", "01103")
    assert address("400 Main St Boston MA 02118") == SpokenAddress("400 Main Street", "Boston", "MA", "02118")
    avenue = address("221 twenty first avenue, pittsburgh pennsylvania one five two one three")
    assert avenue == SpokenAddress("221 21st Avenue", "Pittsburgh", "PA", "15213")


def test_shapes() -> None:
    assert is_nanp("+14125550142")
    assert not is_nanp("1125550142")
    assert is_member_id("ABC987654")
    assert not is_member_id("HELLO")
    assert is_npi("1234567893")
    assert not is_npi("1234567890")
    assert is_postal_code("02118")
    assert not is_postal_code("0211")


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("morning 11", time(11, 0)),
        ("evening 5 please", time(17, 0)),
        ("afternoon at one", time(13, 0)),
        ('5 o"clock in the evening', time(17, 0)),
        ("how about 12:30", time(12, 30)),
        ("a quarter to 12 in the morning", time(11, 45)),
        ("half past 12 in the afternoon", time(12, 30)),
        ("twenty past four", time(16, 20)),
    ],
)
def test_exact_times_in_odd_orders(text: str, exact: time) -> None:
    assert exact in [f.value.exact for f in time_wishes(text)]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("the 28th of this month", date(2026, 11, 28)),
        ("on 5th of next month", date(2026, 12, 5)),
        ("Friday this week", date(2026, 11, 20)),
        ("Tuesday next week", date(2026, 11, 24)),
    ],
)
def test_days_of_months_and_weeks(text: str, day: date) -> None:
    assert [f.value.first for f in day_wishes(text, TODAY)] == [day]


@pytest.mark.parametrize(
    ("said", "ids"),
    [
        ("u for four seven seven one two zero", ["U4477120"]),
        ("B for boy four seven seven one two zero", ["B477120"]),
        ("vitamin D for 30 days, order 10245", ["10245"]),
    ],
)
def test_a_letter_is_explained_by_a_word_and_not_by_a_number(said: str, ids: list[str]) -> None:
    assert [found.value for found in identifiers(said)] == ids
