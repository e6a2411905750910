"""What is above and below each concept, worked out once, as far as it is worth its room.

In hierarchies that people make, a concept has some tens of others above it. In others it may have as many as there
are, and all pairs would not fit on any disk: there the sets of some concepts are left out, and :mod:`.reach` answers.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

from fhirserver.storage.sqlite.releases.hierarchy import Links

MOST_ABOVE = 4096
"""More concepts above one are not kept."""
ABOVE_EACH = 100
"""How many may be kept in all, for each concept."""
MOST_RUNS = 1 << 18
RUNS_EACH = 20
SLACK = 100_000
_END = 0xFFFFFFFF


def ancestors(
    parents: Links, children: Links, order: Sequence[int]
) -> Iterator[tuple[int, array[int] | None]]:
    """For each in ``order`` (parents first) all above it, ascending; None where they are too many to keep."""
    room = ABOVE_EACH * len(parents) + SLACK
    kept: dict[int, array[int] | None] = {}
    waiting = array("I", (children.count(at) for at in range(len(parents))))
    for at in order:
        above = _above(parents[at], kept)
        if above is not None and (len(above) > MOST_ABOVE or len(above) > room):
            above = None
        room -= len(above or ())
        yield at, above
        if waiting[at]:
            kept[at] = above
        _let_go(parents[at], waiting, kept)


def _above(parents: Sequence[int], kept: dict[int, array[int] | None]) -> array[int] | None:
    found = set(parents)
    for parent in parents:
        above = kept[parent]
        if above is None:
            return None
        found.update(above)
    return array("I", sorted(found))


def _let_go(others: Sequence[int], waiting: array[int], kept: dict[int, array[int] | None]) -> None:
    """Forget those whose last neighbour is done."""
    for other in others:
        waiting[other] -= 1
        if not waiting[other]:
            kept.pop(other, None)


def descendants(
    parents: Links, children: Links, order: Sequence[int], ends: Sequence[int]
) -> Iterator[tuple[int, array[int] | None]]:
    """For each concept that has others below it beyond its own run: the bounds of all runs; None where too many.

    ``ends``: behind the last of the concept's own run. Those that are not told of have that run only.
    """
    room = RUNS_EACH * len(parents) + SLACK
    kept: dict[int, array[int] | None] = {}
    waiting = array("I", (parents.count(at) for at in range(len(parents))))
    for at in reversed(order):
        runs = _below(at, children[at], kept, ends)
        if runs is not None and (len(runs) > MOST_RUNS or len(runs) > room):
            runs = None
        if runs is None or len(runs) > 1 or runs[0] != at << 32 | ends[at]:
            room -= len(runs or ())
            yield at, None if runs is None else array("I", _bounds(runs))
            if waiting[at]:
                kept[at] = runs
        _let_go(children[at], waiting, kept)


def _below(
    at: int, children: Sequence[int], kept: dict[int, array[int] | None], ends: Sequence[int]
) -> array[int] | None:
    """The runs (each as one number, the first before the end) of a concept: its own, and those of its children."""
    end = ends[at]
    found = [at << 32 | end]
    if end - at == len(ends):
        return array("Q", found)
    for child in children:
        if child not in kept:
            if not at <= child < end:
                found.append(child << 32 | ends[child])
            continue
        runs = kept[child]
        if runs is None:
            return None
        found.extend(runs)
    return _merged(sorted(found)) if len(found) > 1 else array("Q", found)


def _merged(runs: list[int]) -> array[int]:
    merged = array("Q")
    start, end = runs[0] >> 32, runs[0] & _END
    for run in runs:
        first, last = run >> 32, run & _END
        if first > end:
            merged.append(start << 32 | end)
            start, end = first, last
        elif last > end:
            end = last
    merged.append(start << 32 | end)
    return merged


def _bounds(runs: array[int]) -> Iterator[int]:
    for run in runs:
        yield run >> 32
        yield run & _END
