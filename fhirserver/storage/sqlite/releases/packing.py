"""Ascending numbers as bytes: the differences of neighbours, each as wide as the widest needs."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain
from operator import sub

Runs = Sequence[tuple[int, int]]
_WIDTHS = (("B", 1 << 8), ("H", 1 << 16), ("I", 1 << 32))


def pack(numbers: Sequence[int]) -> bytes:
    """Numbers in ascending order, from 0 on."""
    deltas = [*numbers[:1], *map(sub, numbers[1:], numbers)]
    widest = max(deltas, default=0)
    kind = next(kind for kind, end in _WIDTHS if widest < end)
    return kind.encode() + _bytes(array(kind, deltas))


def unpack(packed: bytes) -> Iterator[int]:
    return accumulate(_array(chr(packed[0]), packed[1:]))


def pack_runs(runs: Runs) -> bytes:
    return pack([*chain.from_iterable(runs)])


def unpack_runs(packed: bytes) -> list[tuple[int, int]]:
    bounds = unpack(packed)
    return [*zip(bounds, bounds, strict=True)]


def pack_list(numbers: Iterable[int]) -> bytes:
    """Numbers in any order."""
    return _bytes(array("I", numbers))


def unpack_list(packed: bytes) -> array[int]:
    return _array("I", packed)


def runs_of(ascending: Iterable[int]) -> Iterator[tuple[int, int]]:
    """``(first, behind the last)`` of numbers that follow each other."""
    start = end = -1
    for number in ascending:
        if number != end:
            if start >= 0:
                yield start, end
            start = number
        end = number + 1
    if start >= 0:
        yield start, end


def _bytes(numbers: array[int]) -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _array(kind: str, packed: bytes) -> array[int]:
    numbers = array(kind)
    numbers.frombytes(packed)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
