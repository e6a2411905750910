"""Selections are kept within a bound of bytes."""

from __future__ import annotations

import pytest

from terminology.positions import Positions
from terminology.releases.kept import KeptSelections


def _set(number: int, size: int = 8_000) -> Positions:
    return Positions.of([number], size)


def test_what_was_asked_for_last_is_kept_as_far_as_there_is_room() -> None:
    kept, worked = KeptSelections(most_bytes=6_000), list[int]()

    def ask(number: int) -> Positions:
        return kept.get(("s", str(number)), lambda: worked.append(number) or _set(number))

    for number in (1, 2, 1, 3, 1, 2):
        assert ask(number) == _set(number)
    assert (worked, len(kept)) == ([1, 2, 3, 2], 2)


def test_what_is_too_big_is_worked_out_each_time() -> None:
    kept, worked = KeptSelections(most_bytes=1_000), list[int]()
    for key in ("a", "a", "x" * 10_000):
        kept.get((key,), lambda: worked.append(1) or _set(1))
    assert (len(worked), len(kept)) == (3, 0)


def test_what_is_refused_is_not_kept() -> None:
    kept = KeptSelections()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            kept.get(("a",), lambda: _set(1 // 0))
    assert len(kept) == 0
