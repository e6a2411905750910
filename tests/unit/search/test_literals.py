from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.search.literals import approximate_range, date_range, half_unit, number_range

DAY = 86_400_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


@given(st.dates())
def test_a_day_lasts_a_day(day: date) -> None:
    low, high = date_range(day.isoformat())
    assert low == microseconds(datetime(day.year, day.month, day.day, tzinfo=UTC))
    assert high - low == DAY


@given(st.dates())
def test_a_coarser_date_contains_the_finer(day: date) -> None:
    text = day.isoformat()
    year, month, whole = date_range(text[:4]), date_range(text[:7]), date_range(text)
    assert year[0] <= month[0] <= whole[0] < whole[1] <= month[1] <= year[1]


@given(st.integers(1, 9998), st.integers(1, 12))
def test_months_follow_each_other_without_gaps(year: int, month: int) -> None:
    following = f"{year + month // 12:04d}-{month % 12 + 1:02d}"
    assert date_range(f"{year:04d}-{month:02d}")[1] == date_range(following)[0]


@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
)
def test_time_zones_are_taken_off(at: datetime, minutes: int) -> None:
    zoned = at.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    low, high = date_range(zoned.isoformat())
    assert (low, high) == (microseconds(zoned), microseconds(zoned) + 1_000_000)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("2013-01-14T10:00", 60_000_000),
        ("2013-01-14T10:00Z", 60_000_000),
        ("2013-01-14T10:00:00Z", 1_000_000),
        ("2013-01-14T10:00:00.5Z", 100_000),
        ("2013-01-14T10:00:00.123Z", 1_000),
        ("2013-01-14T10:00:00.123456789Z", 1),
        ("2012-02", 29 * DAY),
        ("2013", 365 * DAY),
        ("9999", 365 * DAY),
    ],
)
def test_the_precision_written_is_the_span(text: str, span: int) -> None:
    low, high = date_range(text)
    assert high - low == span


def test_an_unescaped_plus_arrives_as_a_space() -> None:
    assert date_range("2013-01-14T10:00:00 02:00") == date_range("2013-01-14T10:00:00+02:00")


@pytest.mark.parametrize(
    "text",
    ["", "13", "2013-13", "2013-02-29", "2013-01-14T", "2013-01-14T25:00", "2013-01-14T10", "today", "0000",
     "2013-01-14T10:00:00+99:00", "2013-1-1", "２０１３", "2013-01-14 10:00", "2013-01-14T10:00:00.Z"],
)  # fmt: skip
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        date_range(text)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("100", 99.5, 100.5),
        ("100.00", 99.995, 100.005),
        ("1e2", 95, 105),
        ("5.4", 5.35, 5.45),
        ("-5.4", -5.45, -5.35),
        ("0", -0.5, 0.5),
        ("5.40e-3", 0.005395, 0.005405),
    ],
)
def test_implicit_precision(text: str, low: float, high: float) -> None:
    assert number_range(text)[1:] == (low, high)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=4))
def test_a_number_lies_in_its_own_range(value: Decimal) -> None:
    point, low, high = number_range(format(value, "f"))
    assert low <= point < high
    assert half_unit(format(value, "f")) == Decimal("0.00005")


def test_a_number_with_more_digits_than_a_float_holds_still_equals_itself() -> None:
    point, low, high = number_range("66.89999999999999")
    assert low <= point < high


def test_approximately_is_ten_percent_but_never_less_than_the_precision() -> None:
    assert approximate_range("100") == (90, 110)
    assert approximate_range("-100") == (-110, -90)
    assert approximate_range("0") == (-0.5, 0.5)


@pytest.mark.parametrize("text", ["", "x", "1e", "--1", "1.", ".5", "NaN", "Infinity", "1e9999", "１", "1_0"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a number"):
        number_range(text)
