"""A context graph as a picture: where the boxes and lines of an SVG are, from the first ring down to the end.

Drawn are the steps that go on; left out are those back, those to a person, and those that skip what others show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fhirserver.ports.agents import GraphState

WIDE, HIGH, ACROSS, DOWN, EDGE = 158, 40, 18, 34, 14
_MARGIN = 30
_HUBS = frozenset({"served", "handover"})


@dataclass(frozen=True, slots=True)
class Box:
    """A state. ``x`` and ``y`` are its left upper corner."""

    state: GraphState
    x: float
    y: float

    @property
    def middle(self) -> float:
        return self.x + WIDE / 2

    @property
    def label(self) -> str:
        return self.state.name.replace("_", " ").replace("-", " ")

    @property
    def note(self) -> str:
        """What is to be known of it besides its name, short."""
        told = []
        if self.state.form_after:
            told.append(f"form after {self.state.form_after}")
        if self.state.max_turns:
            told.append(f"person after {self.state.max_turns}")
        return ", ".join(told)


@dataclass(frozen=True, slots=True)
class Way:
    """A line from one box to another."""

    path: str


@dataclass(frozen=True, slots=True)
class GraphPicture:
    """All of it; the size is in the units of the view box."""

    boxes: Sequence[Box]
    ways: Sequence[Way]
    width: float
    height: float


def graph_picture(states: Sequence[GraphState]) -> GraphPicture:
    """Each state stands below all that lead to it by ways that go down."""
    order = _order(states)
    levels = _levels(states, order)
    rows: dict[int, list[GraphState]] = {}
    for state in sorted(states, key=lambda one: order[one.name]):
        rows.setdefault(levels[state.name], []).append(state)
    widest = max((len(row) for row in rows.values()), default=1)
    width = 2 * (EDGE + _MARGIN) + widest * WIDE + (widest - 1) * ACROSS
    boxes: dict[str, Box] = {}
    for level, (_, row) in enumerate(sorted(rows.items())):
        taken = len(row) * WIDE + (len(row) - 1) * ACROSS
        left = (width - taken) / 2
        for place, state in enumerate(row):
            boxes[state.name] = Box(state, left + place * (WIDE + ACROSS), EDGE + level * (HIGH + DOWN))
    ways = [_way(boxes[one], boxes[other], width) for one, other in _steps(states, order)]
    height = 2 * EDGE + len(rows) * HIGH + max(len(rows) - 1, 0) * DOWN
    return GraphPicture(list(boxes.values()), ways, width, height)


def _steps(states: Sequence[GraphState], order: Mapping[str, float]) -> Sequence[tuple[str, str]]:
    """The ways that go on, without those that lead where two or more others lead too."""
    on = {
        one.name: [
            n for n in one.after if n in order and order[n] > order[one.name] and n not in _HUBS - {"served"}
        ]
        for one in states
    }
    return [
        (name, target)
        for name, targets in on.items()
        for target in targets
        if not any(target in _beyond(on, other) for other in targets if other != target)
    ]


def _beyond(on: Mapping[str, Sequence[str]], name: str) -> set[str]:
    seen, ahead = set[str](), list(on[name])
    while ahead:
        one = ahead.pop()
        if one not in seen:
            seen.add(one)
            ahead += on[one]
    return seen


def _order(states: Sequence[GraphState]) -> dict[str, float]:
    """The order of the ordinary graph; what a document puts between is just behind what leads to it."""
    order: dict[str, float] = {}
    for place, state in enumerate(states):
        if not _is_between(state):
            order[state.name] = place
    between = [state for state in states if _is_between(state)]
    for _ in between:  # those that lead to others first
        for state in between:
            before = [order[one.name] for one in states if state.name in one.after and one.name in order]
            order[state.name] = max(before, default=0.0) + 1 / (len(between) + 2)
    return order


def _is_between(state: GraphState) -> bool:
    return state.kind == "annotation" or state.own


def _levels(states: Sequence[GraphState], order: Mapping[str, float]) -> dict[str, int]:
    levels = {state.name: 0 for state in states}
    for state in sorted(states, key=lambda one: order[one.name]):
        for name in state.after:
            if name in order and order[name] > order[state.name]:
                levels[name] = max(levels[name], levels[state.name] + 1)
    return levels


def _way(start: Box, end: Box, width: float) -> Way:
    """Straight down to the next rows; to one far below along the right margin."""
    if end.y - start.y > 3 * (HIGH + DOWN):
        right, x, y = width - EDGE, start.x + WIDE, end.y + HIGH / 2
        top = start.y + HIGH / 2
        return Way(
            f"M{x:.0f} {top:.0f} H{right - 14:.0f} Q{right:.0f} {top:.0f} {right:.0f} {top + 14:.0f} "
            f"V{y - 14:.0f} Q{right:.0f} {y:.0f} {right - 14:.0f} {y:.0f} H{end.x + WIDE:.0f}"
        )
    top, bottom = start.y + HIGH, end.y
    reach = max(DOWN * 0.6, (bottom - top) * 0.45)
    return Way(
        f"M{start.middle:.0f} {top:.0f} C{start.middle:.0f} {top + reach:.0f} "
        f"{end.middle:.0f} {bottom - reach:.0f} {end.middle:.0f} {bottom:.0f}"
    )
