"""What is above and below what, among numbered concepts. Ends on hierarchies that run in circles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from fhirserver.kernel.effort import check
from terminology.positions import Positions

_KEPT = 64
"""Sets of descendants that are kept: value sets ask for the same ones again."""


class Hierarchy:
    """``above``: the parents of each concept that has any, in the order in which they are stated."""

    def __init__(self, above: Mapping[int, Sequence[int]], size: int):
        self._above = {number: tuple(dict.fromkeys(parents)) for number, parents in above.items()}
        self._size = size
        self._below: dict[int, tuple[int, ...]] | None = None
        self._descendants: dict[int, Positions] = {}

    def __bool__(self) -> bool:
        return bool(self._above)

    def parents(self, number: int) -> Sequence[int]:
        return self._above.get(number, ())

    def children(self, number: int) -> Sequence[int]:
        """In the order in which the concepts are listed."""
        return self._children().get(number, ())

    def _children(self) -> Mapping[int, tuple[int, ...]]:
        if self._below is None:
            below: dict[int, list[int]] = {}
            for number in sorted(self._above):
                for parent in self._above[number]:
                    below.setdefault(parent, []).append(number)
            self._below = {number: tuple(children) for number, children in below.items()}
        return self._below

    def is_below(self, number: int, other: int) -> bool:
        """Whether ``number`` is ``other`` or below it."""
        return any(reached == other for reached in _reached(number, self._above))

    def above(self, number: int) -> Iterator[int]:
        """The concept and all above it."""
        return _reached(number, self._above)

    def below(self, number: int) -> Positions:
        """The concept and all below it."""
        found = self._descendants.get(number)
        if found is None:
            found = Positions.of(_reached(number, self._children()), self._size)
            if len(self._descendants) >= _KEPT:
                self._descendants.clear()
            self._descendants[number] = found
        return found

    def tops(self) -> Positions:
        """The concepts that have none above them."""
        return Positions.all(self._size) - Positions.of(self._above, self._size)

    def leaves(self) -> Positions:
        """The concepts that have none below them."""
        return Positions.all(self._size) - Positions.of(self._children(), self._size)


def _reached(number: int, ways: Mapping[int, Iterable[int]]) -> Iterator[int]:
    """What can be reached, the concept first, each once."""
    seen, waiting = {number}, [number]
    while waiting:
        at = waiting.pop()
        if len(seen) & 255 == 255:
            check()
        yield at
        for following in ways.get(at, ()):
            if following not in seen:
                seen.add(following)
                waiting.append(following)
