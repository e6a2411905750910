"""Lines over days as values: where the points of an SVG are. The template draws them, with a table beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor

WIDTH, HEIGHT = 640, 232
LEFT, RIGHT, TOP, BOTTOM = 52, 620, 12, 192
_MARKS = 6
_FEW = 40
"""Points up to which each is drawn as a mark of its line's own shape."""
Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Point:
    """``text`` is the value as it is read."""

    label: str
    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Series:
    """One line. Where nothing was measured there is no point, and the line has a gap. ``number`` chooses its looks."""

    name: str
    number: int
    points: Sequence[Point | None]
    path: str

    @property
    def dots(self) -> list[Point]:
        """The points to be drawn: all of a few, and of many those without a neighbour."""
        if len(self.points) <= _FEW:
            return [point for point in self.points if point is not None]
        padded = [None, *self.points, None]
        triples = zip(padded, padded[1:], padded[2:], strict=False)
        return [point for before, point, after in triples if point and before is None and after is None]


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines over the same days. ``ticks`` are words and their heights; ``zero`` is the height of 0."""

    id: str
    title: str
    description: str
    unit: str
    labels: Sequence[str]
    series: Sequence[Series]
    ticks: Sequence[tuple[str, float]]
    zero: float

    @property
    def empty(self) -> bool:
        return not any(point for one in self.series for point in one.points)

    @property
    def marks(self) -> list[tuple[str, float]]:
        """The days whose names stand under the axis, with their places: a handful."""
        step = max(1, -(-len(self.labels) // _MARKS))
        return [(label[5:], _x(n, len(self.labels))) for n, label in list(enumerate(self.labels))[::step]]

    def rows(self) -> list[tuple[str, list[str]]]:
        """Of the table: each day on which anything was measured, with the value of each line."""
        columns = [one.points for one in self.series]
        found = zip(self.labels, *columns, strict=True)
        return [(label, [p.text if p else "-" for p in points]) for label, *points in found if any(points)]


def plot(
    id: str,
    title: str,
    labels: Sequence[str],
    series: Mapping[str, Values],
    unit: str = "",
    between: tuple[float, float] | None = None,
) -> Plot:
    """``between`` are the ends of the axis; without, it goes from 0 to a round number above all values."""
    low, high = between or (
        0.0,
        _round_above(max((v for one in series.values() for v in one if v), default=1)),
    )
    made = [_series(name, n, labels, values, low, high) for n, (name, values) in enumerate(series.items())]
    ticks = [(_text(value), _y(value, low, high)) for value in (low, (low + high) / 2, high)]
    told = "; ".join(_told(name, values, unit) for name, values in series.items())
    return Plot(id, title, f"{title}: {told}.", unit, labels, made, ticks, _y(max(low, 0.0), low, high))


def _series(name: str, number: int, labels: Sequence[str], values: Values, low: float, high: float) -> Series:
    points = [
        None if value is None else Point(label, _x(n, len(labels)), _y(value, low, high), _text(value))
        for n, (label, value) in enumerate(zip(labels, values, strict=True))
    ]
    parts, drawing = list[str](), False
    for point in points:
        if point is not None:
            parts.append(f"{'L' if drawing else 'M'}{point.x:.1f} {point.y:.1f}")
        drawing = point is not None
    return Series(name, number, points, " ".join(parts))


def _x(number: int, count: int) -> float:
    return LEFT + (RIGHT - LEFT) * (number / (count - 1) if count > 1 else 0.5)


def _y(value: float, low: float, high: float) -> float:
    share = (min(max(value, low), high) - low) / (high - low)
    return BOTTOM - (BOTTOM - TOP) * share


def _round_above(value: float) -> float:
    """1, 2 or 5 times a power of ten."""
    step = 1.0
    while step * 10 <= value:
        step *= 10
    while step > value > 0:
        step /= 10
    return next((step * n for n in (1, 2, 5, 10) if step * n >= value), step * 10) or 1.0


def _text(value: float) -> str:
    if value == floor(value) or abs(value) >= 100:
        return str(ceil(value) if value == floor(value) else round(value))
    return f"{value:.3g}"


def _told(name: str, values: Values, unit: str) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return f"{name}, nothing measured"
    of = f" {unit}" if unit else ""
    return f"{name}, from {_text(min(known))} to {_text(max(known))}{of}, at last {_text(known[-1])}{of}"
