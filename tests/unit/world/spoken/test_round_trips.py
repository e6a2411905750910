"""What is said is understood: say(x) → read → x."""

from datetime import date, time

from hypothesis import given
from hypothesis import strategies as st

from fhirserver.world.spoken.dates import birth_dates, dates
from fhirserver.world.spoken.days import day_wishes
from fhirserver.world.spoken.identifiers import (
    digit_strings,
    identifiers,
    phones,
)
from fhirserver.world.spoken.say import (
    say_birth_date,
    say_date,
    say_digits,
    say_id,
    say_number,
    say_ordinal,
    say_phone,
    say_spelled,
    say_time,
    say_year,
)
from fhirserver.world.spoken.spelling import spelled
from fhirserver.world.spoken.times import times

TODAY = date(2026, 11, 22)
_digits = st.text("0123456789", min_size=1, max_size=14)
_births = st.dates(date(1900, 1, 1), TODAY)
_letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def in_pairs(digits: str) -> str:
    pairs = [digits[i : i + 2] for i in range(0, len(digits), 2)]
    said = [f"oh {say_digits(p[1])}" if len(p) == 2 and p[0] == "0" else say_number(int(p)) for p in pairs]
    return " ".join(said)


def with_doubles(digits: str) -> str:
    words, i = [], 0
    while i < len(digits):
        twice = digits[i : i + 2] == digits[i] * 2
        words.append(("double " if twice else "") + say_digits(digits[i]))
        i += 2 if twice else 1
    return " ".join(words)


@given(_digits)
def test_digits_one_by_one(digits: str) -> None:
    assert [f.value for f in digit_strings(say_digits(digits))] == [digits]


@given(_digits)
def test_digits_with_doubles(digits: str) -> None:
    assert [f.value for f in digit_strings(f"it is {with_doubles(digits)} I think")] == [digits]


@given(st.text("0123456789", min_size=2, max_size=12).filter(lambda d: len(d) % 2 == 0))
def test_digits_in_pairs(digits: str) -> None:
    assert [f.value for f in digit_strings(in_pairs(digits))] == [digits]


@given(st.from_regex(r"[2-9][0-9]{9}", fullmatch=True))
def test_phone_numbers(number: str) -> None:
    text = f"you can reach me at {say_phone(number)} after work"
    assert [f.value for f in phones(text)] == ["+1" + number]
    assert [f.value for f in phones(f"({number[:3]}) {number[3:6]}-{number[6:]}")] == ["+1" + number]


@given(_births)
def test_birth_dates_in_words(day: date) -> None:
    assert [f.value for f in birth_dates(f"I was born {say_birth_date(day)}.", TODAY)] == [day]


@given(_births)
def test_birth_dates_in_other_orders(day: date) -> None:
    month = say_birth_date(day).split()[0]
    year = say_year(day.year)
    spoken = [
        f"the {say_ordinal(day.day)} of {month} {year}",
        f"{month} the {say_ordinal(day.day)} {year}",
        f"{month} {day.day}, {day.year}",
        f"{day.month}/{day.day}/{day.year}",
        day.isoformat(),
        f"{day.month:02}{day.day:02}{day.year}",
        say_digits(f"{day.month:02}{day.day:02}{day.year}"),
    ]
    for text in spoken:
        assert [f.value for f in birth_dates(text, TODAY)] == [day], text


@given(st.dates(date(1927, 1, 1), TODAY))
def test_two_digit_years_are_the_latest_past(day: date) -> None:
    assert birth_dates(f"{day.month}/{day.day}/{day.year % 100:02}", TODAY)[0].value == day


@given(st.dates(TODAY, date(2027, 11, 1)))
def test_coming_days(day: date) -> None:
    assert [w.value.first for w in day_wishes(f"can I come {say_date(day, TODAY)}?", TODAY)] == [day]


@given(st.integers(7, 18), st.sampled_from(range(0, 60, 5)))
def test_times(hour: int, minute: int) -> None:
    at = time(hour, minute)
    assert [f.value for f in times(f"I would take {say_time(at)} please")] == [at]
    assert [f.value for f in times(f"{hour:02}:{minute:02}")] == [at] or hour < 7


@given(st.text(_letters, min_size=1, max_size=4), st.text("0123456789", min_size=4, max_size=9))
def test_member_ids(letters: str, digits: str) -> None:
    value = letters + digits
    text = f"the member number reads {say_id(value)}."
    found = identifiers(text)
    assert [f.value for f in found] == [value]
    assert text[found[0].start : found[0].end] == say_id(value)


@given(st.from_regex(r"[A-Z][a-z]{2,10}", fullmatch=True))
def test_spelled_names(name: str) -> None:
    assert [f.value for f in spelled(f"that is spelled {say_spelled(name)}")] == [name]


@given(st.text(max_size=80))
def test_any_text_is_read_without_failing(text: str) -> None:
    for found in (
        *digit_strings(text),
        *identifiers(text),
        *dates(text),
        *times(text),
        *day_wishes(text, TODAY),
    ):
        assert 0 <= found.start < found.end <= len(text)
    birth_dates(text, TODAY)
    spelled(text)
