"""The prefixes against their definition: sets of moments on a small line."""

from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from fhirserver.search.expression import Prefix
from fhirserver.search.ranges import date_holds, number_holds

LINE = range(-2, 16)
ranges = st.tuples(st.integers(0, 10), st.integers(1, 5)).map(lambda r: (r[0], r[0] + r[1]))
points = st.floats(-100, 100).map(lambda x: round(x, 2))


def moments(span: tuple[int, int]) -> set[int]:
    return {at for at in LINE if span[0] <= at < span[1]}


@given(ranges, ranges)
def test_dates_by_sets_of_moments(search: tuple[int, int], value: tuple[int, int]) -> None:
    asked, there = moments(search), moments(value)
    above = {at for at in range(-2, 30) if at >= search[1]}
    below = {at for at in LINE if at < search[0]}
    there_all = set(range(*value))
    expected = {
        "eq": there <= asked,
        "ne": not there <= asked,
        "gt": bool(above & there_all),
        "lt": bool(below & there_all),
        "ge": bool(above & there_all) or there <= asked,
        "le": bool(below & there_all) or there <= asked,
        "sa": there_all <= above,
        "eb": there_all <= below,
        "ap": bool(asked & there),
    }
    assert expected == {prefix: date_holds(prefix, *search, *value) for prefix in get_args(Prefix)}


@given(points, points)
def test_points_compare_as_numbers(search: float, value: float) -> None:
    held = {p: number_holds(p, search, search, value, value) for p in ("gt", "lt", "ge", "le", "sa", "eb")}
    assert held == {
        "gt": value > search,
        "lt": value < search,
        "ge": value >= search,
        "le": value <= search,
        "sa": value > search,
        "eb": value < search,
    }


@given(points, points, st.floats(0.001, 10))
def test_equal_and_not_equal_are_opposites(low: float, value: float, width: float) -> None:
    high = low + width
    for holds in (number_holds(p, low, high, value, value) for p in ("eq",)):
        assert holds is (low <= value < high)
    assert number_holds("ne", low, high, value, value) is not number_holds("eq", low, high, value, value)


@given(points, st.floats(0, 10), points)
def test_a_range_is_after_or_before_only_as_a_whole(low: float, width: float, search: float) -> None:
    high = low + width
    assert number_holds("sa", search, search, low, high) is (low > search)
    assert number_holds("eb", search, search, low, high) is (high < search)
    assert number_holds("gt", search, search, low, high) is (high > search)
