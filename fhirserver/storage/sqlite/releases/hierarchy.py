"""A hierarchy of concepts in arrays: four bytes for each concept and each link, whatever their number.

Concepts come as rows from 0, in the order in which they were written, each with its parents; they leave as numbers in
depth-first order of the first parents.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class Circle(ValueError):
    """The hierarchy runs in a circle; ``row`` is on it."""

    def __init__(self, row: int):
        super().__init__(f"row {row} is above itself")
        self.row = row


@dataclass(frozen=True, slots=True)
class Links:
    """For each concept a list of others: those of ``at`` are ``others[starts[at] : starts[at + 1]]``."""

    starts: array[int]
    others: array[int]

    @classmethod
    def of(cls, size: int, pairs: Iterable[tuple[int, int]]) -> Links:
        """From pairs in ascending order of the first; what is said twice is kept once."""
        starts, others = array("I", [0]), array("I")
        seen: set[int] = set()
        for at, other in pairs:
            while len(starts) <= at:
                starts.append(len(others))
                seen.clear()
            if other not in seen:
                seen.add(other)
                others.append(other)
        starts.extend([len(others)] * (size + 1 - len(starts)))
        return cls(starts, others)

    def __getitem__(self, at: int) -> array[int]:
        return self.others[self.starts[at] : self.starts[at + 1]]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def count(self, at: int) -> int:
        return self.starts[at + 1] - self.starts[at]

    def reversed(self) -> Links:
        """The other way round; each list in ascending order."""
        size = len(self)
        starts = array("I", bytes(4 * (size + 1)))
        for other in self.others:
            starts[other + 1] += 1
        for at in range(size):
            starts[at + 1] += starts[at]
        places, others = starts[:], array("I", bytes(4 * len(self.others)))
        for at in range(size):
            for other in self[at]:
                others[places[other]] = at
                places[other] += 1
        return Links(starts, others)


def topological(parents: Links, children: Links) -> array[int]:
    """All, each behind all of its parents. Raises :class:`Circle`."""
    missing = array("I", (parents.count(at) for at in range(len(parents))))
    ready = [at for at in range(len(parents) - 1, -1, -1) if not missing[at]]
    order = array("I")
    while ready:
        at = ready.pop()
        order.append(at)
        for child in reversed(children[at]):
            missing[child] -= 1
            if not missing[child]:
                ready.append(child)
    if len(order) < len(parents):
        raise Circle(_on_circle(parents, missing))
    return order


def _on_circle(parents: Links, missing: Sequence[int]) -> int:
    """Going up from one that was never reached, by such as were never reached, ends in the circle."""
    at = next(at for at, count in enumerate(missing) if count)
    seen: set[int] = set()
    while at not in seen:
        seen.add(at)
        at = next(parent for parent in parents[at] if missing[parent])
    return at


def depth_first(parents: Links) -> array[int]:
    """The rows in depth-first order of their first parents; roots and children in the order of their rows."""
    size = len(parents)
    firsts = Links.of(size, ((at, parents[at][0]) for at in range(size) if parents.count(at)))
    below = firsts.reversed()
    order = array("I")
    for root in range(size):
        if parents.count(root):
            continue
        stack = [root]
        while stack:
            at = stack.pop()
            order.append(at)
            stack.extend(reversed(below[at]))
    return order


def renumbered(parents: Links, order: Sequence[int]) -> Links:
    """The same links between numbers: number ``n`` is row ``order[n]``."""
    numbers = inverse(order)
    return Links.of(
        len(order), ((number, numbers[above]) for number, row in enumerate(order) for above in parents[row])
    )


def inverse(order: Sequence[int]) -> array[int]:
    numbers = array("I", bytes(4 * len(order)))
    for number, row in enumerate(order):
        numbers[row] = number
    return numbers


def tree_ends(parents: Links) -> array[int]:
    """For each number, behind the last of those below it by first parents."""
    ends = array("I", range(1, len(parents) + 1))
    for at in range(len(parents) - 1, -1, -1):
        if parents.count(at):
            first = parents[at][0]
            ends[first] = max(ends[first], ends[at])
    return ends
