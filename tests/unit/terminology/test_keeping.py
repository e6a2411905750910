"""What was read last is kept up to so many bytes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from terminology.keeping import Keeping, weight_of


def test_what_is_asked_again_is_not_read_again() -> None:
    read: list[str] = []
    kept = Keeping(lambda name: read.append(name) or name * 2, len, 100_000)
    assert [kept("a"), kept("b"), kept("a")] == ["aa", "bb", "aa"]
    assert read == ["a", "b"]


def test_what_was_asked_longest_ago_goes_first() -> None:
    read: list[str] = []
    kept = Keeping(lambda name: read.append(name), lambda _: 9_499, 30_000)
    for name in "abcad":
        kept(name)
    assert read == ["a", "b", "c", "d"]
    kept("a")
    kept("b")
    assert read == ["a", "b", "c", "d", "b"]


def test_what_is_too_big_is_not_kept_and_drives_nothing_out() -> None:
    read: list[int] = []
    kept = Keeping(lambda size: read.append(int(size)) or "x" * int(size), len, 100_000)
    for size in ("1000", "90000", "1000", "90000"):
        kept(size)
    assert read == [1000, 90000, 90000]


@given(st.lists(st.integers(0, 9), max_size=60))
def test_the_weight_is_that_of_what_is_kept(asked: list[int]) -> None:
    kept = Keeping(lambda name: "x" * int(name) * 1000, len, 20_000)
    for one in asked:
        assert kept(str(one)) == "x" * one * 1000
    assert kept.weight == sum(weight for _, weight in kept._kept.values()) <= 20_000


def test_many_threads_keep_one_account() -> None:
    kept = Keeping(lambda name: "x" * (int(name) % 7) * 500, len, 12_000)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: kept(str(number % 23)), range(4000)))
    assert kept.weight == sum(weight for _, weight in kept._kept.values()) <= 12_000


def test_a_resource_weighs_more_than_its_text() -> None:
    assert weight_of(None) == 0 and weight_of({"resourceType": "ValueSet"}) > 28
