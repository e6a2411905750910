"""Every prefix against sets of points: a point of time belongs to a date if, written down, it begins like it.

https://hl7.org/fhir/R4/search.html#prefix The oracle knows no ranges. It asks of each of many points whether it
lies in the value of the search, in that of the resource, and what is before or after it; memory and SQLite must
say the same for the whole way from literal to answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fhirserver.kernel.json import dumps, loads
from fhirserver.search.expression import Prefix
from fhirserver.search.index import extract
from fhirserver.search.match import Entry, matches
from fhirserver.search.parse import parse
from tests.contracts.search_contract import Oracle
from tests.storage.test_search_sqlite import Sqlite

PREFIXES = get_args(Prefix)
Points = Iterable[Any]
Inside = Callable[[Any], bool]


def relations(points: Points, asked: Inside, there: Inside) -> dict[str, bool]:
    """What each prefix but ``ap`` says, by the words of the specification."""
    line = sorted(points)
    searched = [p for p in line if asked(p)]
    held = [p for p in line if there(p)]
    above = {p for p in line if p > searched[-1]}
    below = {p for p in line if p < searched[0]}
    contains = set(held) <= set(searched)
    return {
        "eq": contains,
        "ne": not contains,
        "gt": any(p in above for p in held),
        "lt": any(p in below for p in held),
        "ge": any(p in above for p in held) or contains,
        "le": any(p in below for p in held) or contains,
        "sa": not set(held) & set(searched) and set(held) <= above,
        "eb": not set(held) & set(searched) and set(held) <= below,
    }


def answers(
    type_name: str, resource: dict[str, Any], param: str, literal: str, now: float = 0
) -> dict[str, bool]:
    """What the search says, for each prefix, in memory and in SQLite, which must agree."""
    resource = loads(dumps({"resourceType": type_name, "id": "x", **resource}))
    entry, world, sqlite = Entry(type_name, "x", 0, extract(resource)), Oracle().memory, Sqlite()
    asyncio.run(sqlite.put(1, resource, 0))
    found = {}
    for prefix in PREFIXES:
        query = parse(type_name, [(param, prefix + literal)], now=now)
        found[prefix] = matches(query.where, entry, world)
        assert bool(asyncio.run(sqlite.search(query))[0]) == found[prefix], (prefix, literal)
    sqlite.connection.close()
    return found


# --- dates

MICROSECOND = timedelta(microseconds=1)
LENGTHS = {"year": 4, "month": 7, "day": 10, "minute": 16, "second": 19, "millisecond": 23}
ZONES = st.sampled_from([None, *(timezone(timedelta(minutes=m)) for m in (0, 60, -300, 330, 840, -720))])
MOMENTS = st.datetimes(datetime(2011, 12, 30), datetime(2014, 1, 3)).map(lambda at: at.replace(tzinfo=UTC))


class Written:
    """A date of some precision, in some zone."""

    def __init__(self, at: datetime, precision: str, zone: timezone | None):
        self.size = LENGTHS[precision]
        self.zone = (zone if self.size > 10 else None) or UTC
        stated = "" if self.size <= 10 or zone is None else at.astimezone(zone).strftime("%z")
        self.digits = self.form(at)
        self.text = self.digits + (f"{stated[:3]}:{stated[3:]}" if stated else "")
        self.at = at

    def form(self, at: datetime) -> str:
        """How the moment is written with this precision, in this zone."""
        return at.astimezone(self.zone).isoformat(timespec="microseconds")[: self.size]

    def critical(self) -> list[datetime]:
        """The moments around which another date would be written."""
        found = []
        for away in (timedelta(0), -MICROSECOND):
            found += [self.first(self.at) + away, self.first(self.after()) + away]
        return [*found, self.at]

    def first(self, at: datetime) -> datetime:
        blank = "0001-01-01T00:00:00.000000"
        return datetime.fromisoformat(self.form(at) + blank[self.size :]).replace(tzinfo=self.zone)

    def after(self) -> datetime:
        """Some moment of the next date of this precision."""
        steps = {4: 366, 7: 31, 10: 1, 16: 1 / 1440, 19: 1 / 86400, 23: 1 / 86400000}
        return self.first(self.at) + timedelta(days=steps[self.size])


dates = st.builds(Written, MOMENTS, st.sampled_from(sorted(LENGTHS)), ZONES)


def line(*written: Written | None) -> list[datetime]:
    ends = [datetime(1990, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)]
    return ends + [at for one in written if one for at in one.critical()]


@given(dates, dates)
def test_a_date(search: Written, value: Written) -> None:
    expected = relations(
        line(search, value),
        lambda at: search.form(at) == search.digits,
        lambda at: value.form(at) == value.digits,
    )
    found = answers("Observation", {"effectiveDateTime": value.text}, "date", search.text)
    assert {p: found[p] for p in expected} == expected


@given(dates, st.none() | dates, st.none() | dates)
def test_a_period(search: Written, start: Written | None, end: Written | None) -> None:
    def there(at: datetime) -> bool:
        after = start is None or start.form(at) >= start.digits
        return after and (end is None or end.form(at) <= end.digits)

    period = {name: one.text for name, one in (("start", start), ("end", end)) if one}
    held = [at for at in line(search, start, end) if there(at)]
    found = answers("Encounter", {"period": period}, "date", search.text)
    if not period or not held:
        assert not any(found.values())
        return
    expected = relations(line(search, start, end), lambda at: search.form(at) == search.digits, there)
    assert {p: found[p] for p in expected} == expected


@given(dates, dates, st.datetimes(datetime(2012, 1, 1), datetime(2026, 1, 1)))
def test_approximately_the_same_date(search: Written, value: Written, now: datetime) -> None:
    now = now.replace(tzinfo=UTC)
    low, high = search.first(search.at), search.first(search.after())
    margin = abs(now - (low + (high - low) / 2)) / 10
    first, last = value.first(value.at), value.first(value.after()) - MICROSECOND
    near = low - margin - MICROSECOND * 2, high + margin + MICROSECOND * 2
    found = answers("Observation", {"effectiveDateTime": value.text}, "date", search.text, now.timestamp())
    if first < high and last >= low:
        assert found["ap"]
    if last < near[0] or first > near[1]:
        assert not found["ap"]


# --- numbers and quantities


@st.composite
def literals(draw: st.DrawFn) -> str:
    """A number as one may write it: signs, zeros at the end, exponents."""
    digits = draw(st.integers(-2000, 2000))
    places = draw(st.integers(0, 3))
    text = f"{Decimal(digits).scaleb(-places):f}"
    exponent = draw(st.sampled_from(["", "", "e0", "e1", "E2", "e-1"]))
    return text + exponent


def unit_of(text: str) -> Fraction:
    """The worth of the last digit written; by the specification, 1e2 is good to ten."""
    mantissa, _, exponent = text.lower().partition("e")
    places = len(mantissa.partition(".")[2])
    if exponent and not places:
        places = 1
    return Fraction(10) ** (int(exponent or 0) - places)


def rounds_to(text: str) -> Inside:
    """Whether a number, rounded to the precision written, is the number written."""
    unit, wanted = unit_of(text), Fraction(Decimal(text))

    return lambda number: floor((number - wanted) / unit + Fraction(1, 2)) == 0


def marks(*literal: str) -> list[Fraction]:
    """Numbers around all that could matter."""
    hair = Fraction(1, 10**6)
    found = {Fraction(-(10**7)), Fraction(10**7)}
    for text in literal:
        at, half = Fraction(Decimal(text)), unit_of(text) / 2
        found |= {at + k * half + j * hair for k in (-1, 0, 1) for j in (-1, 0, 1)}
    return sorted(found)


def expected_of(search: str, points: list[Fraction], there: Inside) -> dict[str, bool]:
    """Equality counts the precision; the other prefixes take the number as exact."""
    exact = Fraction(Decimal(search))
    by_precision = relations(points, rounds_to(search), there)
    by_number = relations(points, lambda p: p == exact, there)
    return {p: (by_precision if p in ("eq", "ne") else by_number)[p] for p in by_number}


def as_json(text: str) -> Any:
    return loads(text.encode())


@given(literals(), literals())
@example("100", "99.5")
@example("100", "100.5")
@example("1e2", "105")
@example("5e2", "495")
@example("1.00", "0.995")
@example("-5", "-4.5")
@example("-5", "-5.5")
def test_a_number(search: str, value: str) -> None:
    number = Fraction(Decimal(value))
    expected = expected_of(search, marks(search, value), lambda p: p == number)
    resource = {"prediction": [{"probabilityDecimal": as_json(value)}]}
    found = answers("RiskAssessment", resource, "probability", search)
    assert {p: found[p] for p in expected} == expected
    margin = max(abs(Fraction(Decimal(search))) / 10, unit_of(search) / 2)
    assert found["ap"] == (abs(number - Fraction(Decimal(search))) <= margin)


COMPARED: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "": lambda p, number: p == number,
    "<": lambda p, number: p < number,
    "<=": lambda p, number: p <= number,
    ">": lambda p, number: p > number,
    ">=": lambda p, number: p >= number,
}


@given(literals(), literals(), st.sampled_from(sorted(COMPARED)))
@example("5", "5", "<")
@example("5", "5", ">=")
def test_a_quantity_with_its_comparator(search: str, value: str, comparator: str) -> None:
    number = Fraction(Decimal(value))
    points = marks(search, value)
    expected = expected_of(search, points, lambda p: COMPARED[comparator](p, number))
    quantity = {"value": as_json(value), "unit": "mg", **({"comparator": comparator} if comparator else {})}
    found = answers("Observation", {"valueQuantity": quantity}, "value-quantity", search)
    assert {p: found[p] for p in expected} == expected


@given(literals(), st.none() | literals(), st.none() | literals())
def test_a_range(search: str, low: str | None, high: str | None) -> None:
    def there(p: Fraction) -> bool:
        above = low is None or p >= Fraction(Decimal(low))
        return above and (high is None or p <= Fraction(Decimal(high)))

    ends = {name: {"value": as_json(text)} for name, text in (("low", low), ("high", high)) if text}
    points = marks(search, *(text for text in (low, high) if text))
    found = answers("RiskAssessment", {"prediction": [{"probabilityRange": ends}]}, "probability", search)
    if not ends or not any(there(p) for p in points):
        assert not any(found.values())
        return
    expected = expected_of(search, points, there)
    assert {p: found[p] for p in expected} == expected


@pytest.mark.parametrize(
    ("search", "found"), [("lt5,gt9", True), ("gt9,lt5", True), ("gt9,sa10", False), ("ne5,gt9", True)]
)
def test_each_or_value_has_its_own_prefix(search: str, found: bool) -> None:
    resource = loads(dumps({"resourceType": "RiskAssessment", "prediction": [{"probabilityDecimal": 4}]}))
    query = parse("RiskAssessment", [("probability", search)])
    assert matches(query.where, Entry("RiskAssessment", "x", 0, extract(resource)), Oracle().memory) is found
