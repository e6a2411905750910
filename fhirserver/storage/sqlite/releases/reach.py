"""Whether one concept is below another, where they have too many above them to keep a list of.

Each concept has a few labels: intervals that hold those of all below it (after Yildirim, Chaoji and Zaki, "GRAIL:
scalable reachability index for large graphs", VLDB 2010). An interval that is not inside says no at once; the run of
first parents says yes at once; in between a walk upwards goes only where the labels allow it.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fhirserver.storage.sqlite.releases.hierarchy import Links

LABELS = 3


@dataclass(frozen=True, slots=True)
class Reach:
    """``levels``: the longest way from the top; ``ends`` as in :func:`.hierarchy.tree_ends`."""

    parents: Links
    levels: array[int]
    ends: array[int]
    lows: Sequence[array[int]]
    highs: Sequence[array[int]]

    @classmethod
    def build(cls, parents: Links, children: Links, order: Sequence[int], ends: array[int]) -> Reach:
        labels = [_labels(parents, children, order, seed) for seed in range(LABELS)]
        lows, highs = [low for low, _ in labels], [high for _, high in labels]
        return cls(parents, _levels(parents, order), ends, lows, highs)

    def is_below(self, number: int, other: int) -> bool:
        seen, waiting = {number}, [number]
        while waiting:
            at = waiting.pop()
            if other <= at < self.ends[other]:
                return True
            for parent in self.parents[at]:
                if parent not in seen and self._may_be_below(parent, other):
                    seen.add(parent)
                    waiting.append(parent)
        return False

    def _may_be_below(self, number: int, other: int) -> bool:
        if self.levels[number] <= self.levels[other]:
            return number == other
        return all(
            low[other] <= low[number] and high[number] <= high[other]
            for low, high in zip(self.lows, self.highs, strict=True)
        )

    def parts(self) -> Iterator[tuple[str, array[int]]]:
        """What :meth:`of_parts` makes it from again."""
        yield from (("starts", self.parents.starts), ("parents", self.parents.others))
        yield from (("levels", self.levels), ("ends", self.ends))
        yield from ((f"low {at}", low) for at, low in enumerate(self.lows))
        yield from ((f"high {at}", high) for at, high in enumerate(self.highs))

    @classmethod
    def of_parts(cls, parts: Mapping[str, array[int]]) -> Reach:
        lows = [parts[f"low {at}"] for at in range(LABELS)]
        highs = [parts[f"high {at}"] for at in range(LABELS)]
        return cls(Links(parts["starts"], parts["parents"]), parts["levels"], parts["ends"], lows, highs)


def _levels(parents: Links, order: Sequence[int]) -> array[int]:
    levels = array("I", bytes(4 * len(parents)))
    for at in order:
        levels[at] = max((levels[parent] + 1 for parent in parents[at]), default=0)
    return levels


def _labels(
    parents: Links, children: Links, order: Sequence[int], seed: int
) -> tuple[array[int], array[int]]:
    """For each concept the lowest rank below it, and its own: ranks are given on the way back from a walk down."""
    chance = random.Random(seed)  # noqa: S311 (any order will do)
    high = array("I", bytes(4 * len(parents)))
    roots = [at for at in range(len(parents)) if not parents.count(at)]
    chance.shuffle(roots)
    for rank, at in enumerate(_after_children(roots, children, chance)):
        high[at] = rank
    low = high[:]
    for at in reversed(order):
        for child in children[at]:
            if low[child] < low[at]:
                low[at] = low[child]
    return low, high


def _after_children(roots: Sequence[int], children: Links, chance: random.Random) -> Iterator[int]:
    """All that the roots reach, each once, behind those that were first reached through it."""
    seen = bytearray(len(children))
    stack = [root << 1 for root in roots]
    while stack:
        entry = stack.pop()
        at = entry >> 1
        if entry & 1:
            yield at
        elif not seen[at]:
            seen[at] = 1
            stack.append(entry | 1)
            below = [child << 1 for child in children[at] if not seen[child]]
            chance.shuffle(below)
            stack.extend(below)
