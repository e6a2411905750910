"""Texts that have to wait until their concept comes: on disk, with 16 bytes each in memory."""

from __future__ import annotations

import tempfile
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import Self

MOST_RANKS = 16


class Spool:
    """Texts by the number of a concept (up to 18 digits) and a rank from 0 to 15."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        self._keys, self._places = array("Q"), array("Q")
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, number: int, rank: int, text: str) -> None:
        data = text.replace("\n", " ").encode() + b"\n"
        self._file.write(data)
        self._keys.append(number * MOST_RANKS + rank)
        self._places.append(self._end)
        self._end += len(data)

    def sort(self) -> None:
        """When all are added; only then they can be read."""
        both = sorted(key << 64 | place for key, place in zip(self._keys, self._places, strict=True))
        self._keys = array("Q", (one >> 64 for one in both))
        self._places = array("Q", (one & (1 << 64) - 1 for one in both))
        self._file.flush()

    def of(self, number: int) -> Iterator[tuple[int, str]]:
        """Rank and text, by rank; of equal rank as they came."""
        at = bisect_left(self._keys, number * MOST_RANKS)
        while at < len(self._keys) and self._keys[at] // MOST_RANKS == number:
            yield self._keys[at] % MOST_RANKS, self._text(at)
            at += 1

    def numbers(self) -> Iterator[int]:
        """All numbers, ascending."""
        last = None
        for key in self._keys:
            if key // MOST_RANKS != last:
                last = key // MOST_RANKS
                yield last

    def __contains__(self, number: int) -> bool:
        at = bisect_left(self._keys, number * MOST_RANKS)
        return at < len(self._keys) and self._keys[at] // MOST_RANKS == number

    def __len__(self) -> int:
        return len(self._keys)

    def _text(self, at: int) -> str:
        self._file.seek(self._places[at])
        return self._file.readline().decode().rstrip("\n")
