"""Sets as bits behave as sets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from terminology.positions import Positions

SIZE = 70
members = st.sets(st.integers(0, SIZE - 1))


@given(members, members)
def test_they_combine_as_sets_do(one: set[int], other: set[int]) -> None:
    a, b = Positions.of(one, SIZE), Positions.of(other, SIZE)
    assert list(a) == sorted(one)
    assert len(a) == len(one)
    assert bool(a) == bool(one)
    assert set(a & b) == one & other
    assert set(a | b) == one | other
    assert set(a - b) == one - other
    assert [n for n in range(-2, SIZE + 9) if n in a] == sorted(one)
    assert (a == b) == (one == other)


@given(st.lists(st.integers(0, SIZE), max_size=12))
def test_runs_are_filled(ends: list[int]) -> None:
    pairs = sorted(set(ends))
    runs = list(zip(pairs[::2], pairs[1::2], strict=False))
    assert set(Positions.of_runs(runs, SIZE)) == {n for start, end in runs for n in range(start, end)}


def test_all_and_none() -> None:
    assert list(Positions.all(9)) == list(range(9))
    assert not Positions.none(9)
