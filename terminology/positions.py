"""Sets of concepts of one code system, as bits: concept number ``n`` is in the set where bit ``n`` is one.

A system of a million concepts takes 125 kB a set, and two sets are combined in some hundred microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

_IN_BYTE = [tuple(bit for bit in range(8) if byte >> bit & 1) for byte in range(256)]


class Positions:
    """An immutable set of whole numbers below ``size``. ``&``, ``|`` and ``-`` are as with sets."""

    __slots__ = ("__dict__", "_bits", "size")

    def __init__(self, bits: int, size: int):
        self._bits, self.size = bits, size

    @classmethod
    def none(cls, size: int) -> Positions:
        return cls(0, size)

    @classmethod
    def all(cls, size: int) -> Positions:
        return cls((1 << size) - 1, size)

    @classmethod
    def of(cls, members: Iterable[int], size: int) -> Positions:
        """Members may come in any order, and more than once."""
        held = bytearray(size + 7 >> 3)
        for member in members:
            held[member >> 3] |= 1 << (member & 7)
        return cls(int.from_bytes(held, "little"), size)

    @classmethod
    def of_runs(cls, runs: Iterable[tuple[int, int]], size: int) -> Positions:
        """From ``(first, behind the last)``, in ascending order without overlaps."""
        held = bytearray(size + 7 >> 3)
        for start, end in runs:
            _fill(held, start, end)
        return cls(int.from_bytes(held, "little"), size)

    @cached_property
    def _bytes(self) -> bytes:
        return self._bits.to_bytes(self.size + 7 >> 3, "little")

    @property
    def flags(self) -> bytes:
        """A byte for each number, the last number first: ``1`` where it is in the set, else ``0``."""
        return format(self._bits, f"0{self.size}b").encode()

    def __and__(self, other: Positions) -> Positions:
        return Positions(self._bits & other._bits, self.size)

    def __or__(self, other: Positions) -> Positions:
        return Positions(self._bits | other._bits, self.size)

    def __sub__(self, other: Positions) -> Positions:
        return Positions(self._bits & ~other._bits, self.size)

    def __contains__(self, member: int) -> bool:
        return 0 <= member < self.size and bool(self._bytes[member >> 3] >> (member & 7) & 1)

    def __len__(self) -> int:
        return self._bits.bit_count()

    def __bool__(self) -> bool:
        return self._bits != 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Positions) and (self.size, self._bits) == (other.size, other._bits)

    def __hash__(self) -> int:
        return hash((self.size, self._bits))

    def __iter__(self) -> Iterator[int]:
        """Ascending."""
        for at, byte in enumerate(self._bytes):
            if byte:
                for bit in _IN_BYTE[byte]:
                    yield (at << 3) + bit


def _fill(held: bytearray, start: int, end: int) -> None:
    """Set the bits from ``start`` up to ``end``."""
    first, last = start >> 3, end >> 3
    if first == last:
        if start < end:
            held[first] |= (1 << (end & 7)) - (1 << (start & 7))
        return
    held[first] |= 256 - (1 << (start & 7)) & 255
    held[first + 1 : last] = b"\xff" * (last - first - 1)
    if end & 7:
        held[last] |= (1 << (end & 7)) - 1
