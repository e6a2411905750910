"""Whether one concept is below another, where they have too many above them to keep a list of.

Some random walks down rank the concepts, each behind all that it reaches. Of each walk a concept has two intervals: one
holds the ranks of all below it (after Yildirim, Chaoji and Zaki, "GRAIL: scalable reachability index for large graphs",
VLDB 2010): a rank that is not inside says no at once. The other holds only ranks of those that were reached through it,
so a rank inside says yes at once. In between a walk upwards goes only where the first kind allows it.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fhirserver.storage.sqlite.releases.hierarchy import Links

WALKS = 4


@dataclass(frozen=True, slots=True)
class Reach:
    """``levels``: the longest way from the top; ``ends`` as in :func:`.hierarchy.tree_ends`."""

    parents: Links
    levels: array[int]
    ends: array[int]
    ranks: Sequence[array[int]]
    lows: Sequence[array[int]]
    """The lowest rank of those below."""
    reached: Sequence[array[int]]
    """The lowest rank of those that were reached through it."""

    @classmethod
    def build(cls, parents: Links, children: Links, order: Sequence[int], ends: array[int]) -> Reach:
        walks = [_walk(parents, children, order, seed) for seed in range(WALKS)]
        ranks, lows, reached = zip(*walks, strict=True)
        return cls(parents, _levels(parents, order), ends, ranks, lows, reached)

    def is_below(self, number: int, other: int) -> bool:
        if number != other and not self._may_be_below(number, other):
            return False
        seen, waiting = {number}, [number]
        while waiting:
            at = waiting.pop()
            if at == other or self._is_surely_below(at, other):
                return True
            for parent in sorted(
                self.parents[at], key=self.levels.__getitem__, reverse=True
            ):  # the highest is next
                if parent not in seen and (parent == other or self._may_be_below(parent, other)):
                    seen.add(parent)
                    waiting.append(parent)
        return False

    def _is_surely_below(self, number: int, other: int) -> bool:
        if other <= number < self.ends[other]:
            return True
        for rank, low in zip(self.ranks, self.reached, strict=True):
            if low[other] <= rank[number] <= rank[other]:
                return True
        return False

    def _may_be_below(self, number: int, other: int) -> bool:
        if self.levels[number] <= self.levels[other]:
            return False
        for rank, low in zip(self.ranks, self.lows, strict=True):
            if low[number] < low[other] or rank[number] > rank[other]:
                return False
        return True

    def parts(self) -> Iterator[tuple[str, array[int]]]:
        """What :meth:`of_parts` makes it from again."""
        yield from (("starts", self.parents.starts), ("parents", self.parents.others))
        yield from (("levels", self.levels), ("ends", self.ends))
        for name, arrays in (("rank", self.ranks), ("low", self.lows), ("reached", self.reached)):
            yield from ((f"{name} {at}", one) for at, one in enumerate(arrays))

    @classmethod
    def of_parts(cls, parts: Mapping[str, array[int]]) -> Reach:
        ranks, lows, reached = (
            [parts[f"{name} {at}"] for at in range(WALKS)] for name in ("rank", "low", "reached")
        )
        return cls(
            Links(parts["starts"], parts["parents"]), parts["levels"], parts["ends"], ranks, lows, reached
        )


def _levels(parents: Links, order: Sequence[int]) -> array[int]:
    levels = array("I", bytes(4 * len(parents)))
    for at in order:
        levels[at] = max((levels[parent] + 1 for parent in parents[at]), default=0)
    return levels


def _walk(
    parents: Links, children: Links, order: Sequence[int], seed: int
) -> tuple[array[int], array[int], array[int]]:
    """Rank, lowest rank below, and lowest rank reached through it, of each concept."""
    chance = random.Random(seed)  # noqa: S311 (any order will do)
    roots = [at for at in range(len(parents)) if not parents.count(at)]
    chance.shuffle(roots)
    rank, reached = _ranked(roots, children, chance)
    low = rank[:]
    for at in reversed(order):
        for child in children[at]:
            if low[child] < low[at]:
                low[at] = low[child]
    return rank, low, reached


def _ranked(roots: Sequence[int], children: Links, chance: random.Random) -> tuple[array[int], array[int]]:
    """Ranks are given on the way back, so those reached through a concept have the ranks right before its own."""
    size = len(children)
    rank, reached = array("I", bytes(4 * size)), array("I", bytes(4 * size))
    seen, stack, next_rank = bytearray(size), [root << 1 for root in roots], 0
    while stack:
        entry = stack.pop()
        at = entry >> 1
        if entry & 1:
            rank[at] = next_rank
            next_rank += 1
        elif not seen[at]:
            seen[at] = 1
            reached[at] = next_rank
            stack.append(entry | 1)
            below = [child << 1 for child in children[at] if not seen[child]]
            chance.shuffle(below)
            stack.extend(below)
    return rank, reached
