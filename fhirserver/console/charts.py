"""Charts as values: where the bars and points of an SVG are. The templates draw them, with a table beside each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

WIDTH = 640
BROAD = 1180
"""The width of a chart that has a row of the page for itself."""
LABEL = 150
BAR, GAP = 22, 10
PLOT = 180
BAND_ORDER = (
    "authoritative",
    "approved",
    "stated-by-clinician",
    "machine-verified",
    "confirmed",
    "unverified",
)


@dataclass(frozen=True, slots=True)
class Segment:
    """Part of a bar; ``share`` in percent."""

    band: str
    x: float
    width: float
    value: int
    share: int


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    y: int
    total: int
    segments: Sequence[Segment]


@dataclass(frozen=True, slots=True)
class Bars:
    """Horizontal bars in bands."""

    id: str
    title: str
    description: str
    bands: Sequence[str]
    bars: Sequence[Bar]

    @property
    def height(self) -> int:
        return len(self.bars) * (BAR + GAP) + GAP

    def value(self, bar: Bar, band: str) -> int:
        return next((one.value for one in bar.segments if one.band == band), 0)


@dataclass(frozen=True, slots=True)
class Point:
    label: str
    x: float
    y: float
    value: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line over days; ``path`` is that of the line, ``area`` what is under it."""

    id: str
    title: str
    description: str
    points: Sequence[Point]
    top: int
    height: int = PLOT + 40

    @property
    def path(self) -> str:
        return " ".join(f"{'L' if i else 'M'}{p.x:.1f} {p.y:.1f}" for i, p in enumerate(self.points))

    @property
    def area(self) -> str:
        if not self.points:
            return ""
        base = PLOT + 10
        return f"{self.path} L{self.points[-1].x:.1f} {base} L{self.points[0].x:.1f} {base} Z"

    @property
    def marks(self) -> list[Point]:
        """The points whose labels stand under the axis: a handful."""
        step = max(1, -(-len(self.points) // 6))
        return list(self.points[::step])


def bars(
    id: str, title: str, counts: Mapping[tuple[str, str], int], bands: Sequence[str], whole: bool = True
) -> Bars:
    """Bars by the first part of the counts' keys, the longest first, in bands by the second.

    With ``whole`` every bar has the full width and shows shares; otherwise widths are to one scale.
    """
    labels = sorted({label for label, _ in counts}, key=lambda label: (-_sum(counts, label), label))
    longest = max((_sum(counts, label) for label in labels), default=1)
    made = [
        _bar(label, number, counts, bands, None if whole else longest) for number, label in enumerate(labels)
    ]
    used = [band for band in bands if any(counts.get((label, band)) for label in labels)]
    told = ", ".join(f"{bar.label} {bar.total}" for bar in made) or "no data"
    return Bars(id, title, f"{title}: {told}.", used, made)


def _sum(counts: Mapping[tuple[str, str], int], label: str) -> int:
    return sum(value for (of, _), value in counts.items() if of == label)


def _bar(
    label: str,
    number: int,
    counts: Mapping[tuple[str, str], int],
    bands: Sequence[str],
    longest: int | None,
) -> Bar:
    total = _sum(counts, label)
    room = WIDTH - LABEL - 70
    x, segments = float(LABEL), []
    for band in bands:
        value = counts.get((label, band), 0)
        if value:
            width = room * value / (longest or total)
            segments.append(Segment(band, x, width, value, round(100 * value / total)))
            x += width
    return Bar(label, GAP + number * (BAR + GAP), total, segments)


def line(id: str, title: str, values: Mapping[str, int]) -> Line:
    """A line through the values of days."""
    top = max((*values.values(), 1))
    step = (WIDTH - 60) / max(1, len(values) - 1)
    points = [
        Point(day, 40 + number * step, 10 + PLOT * (1 - value / top), value)
        for number, (day, value) in enumerate(values.items())
    ]
    told = f"from {points[0].value} to {points[-1].value}, at most {max(values.values())}" if points else ""
    return Line(id, title, f"{title}: {told}.", points, top)


_STEPS = ((60, "under 1 min"), (300, "1-5 min"), (900, "5-15 min"), (3600, "15-60 min"), (14400, "1-4 h"))
_LONGER = ((86400, "4-24 h"), (float("inf"), "over a day"))


def spread(seconds: Iterable[float]) -> dict[tuple[str, str], int]:
    """How many of some times fall into each of a few lengths; every length is there, the shortest first."""
    steps = (*_STEPS, *_LONGER)
    found = {(name, "items"): 0 for _, name in steps}
    for one in seconds:
        found[next(name for most, name in steps if one < most), "items"] += 1
    return found


def columns(id: str, title: str, counts: Mapping[tuple[str, str], int], band: str) -> Bars:
    """Bars of one band in the given order, to one scale."""
    longest = max((*counts.values(), 1))
    made = [_bar(label, n, counts, [band], longest) for n, (label, _) in enumerate(counts)]
    told = ", ".join(f"{bar.label} {bar.total}" for bar in made)
    return Bars(id, title, f"{title}: {told}.", [band], made)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a chart over time; ``parts`` are its bands as x, y, width, height."""

    label: str
    total: int
    parts: Sequence[tuple[str, float, float, float, float, int]]


@dataclass(frozen=True, slots=True)
class Stacks:
    """Columns in bands, one for each stretch of time."""

    id: str
    title: str
    description: str
    bands: Sequence[str]
    columns: Sequence[Column]
    top: int
    height: int = PLOT + 40
    width: int = BROAD

    def value(self, column: Column, band: str) -> int:
        return next((value for name, *_, value in column.parts if name == band), 0)

    @property
    def marks(self) -> list[tuple[float, Column]]:
        """The columns whose labels stand under the axis, with the middle of each."""
        step, width = max(1, -(-len(self.columns) // 8)), (BROAD - 60) / max(1, len(self.columns))
        return [(40 + (n + 0.5) * width, one) for n, one in enumerate(self.columns) if n % step == 0]


def stacks(
    id: str, title: str, labels: Sequence[str], counts: Mapping[tuple[str, str], int], bands: Sequence[str]
) -> Stacks:
    """A column for each label, in bands by the second part of the counts' keys."""
    used = [band for band in bands if any(counts.get((label, band)) for label in labels)]
    top = max((_sum(counts, label) for label in labels), default=1) or 1
    made = [_column(label, n, len(labels), counts, used, top) for n, label in enumerate(labels)]
    told = f"{sum(one.total for one in made)} in all, at most {top} in one column" if made else "no data"
    return Stacks(id, title, f"{title}: {told}.", used, made, top)


def _column(
    label: str, n: int, of: int, counts: Mapping[tuple[str, str], int], bands: Sequence[str], top: int
) -> Column:
    width = (BROAD - 60) / of
    y, parts = 10.0 + PLOT, []
    for band in bands:
        value = counts.get((label, band), 0)
        if value:
            height = PLOT * value / top
            y -= height
            parts.append((band, 40 + n * width + width * 0.1, y, width * 0.8, height, value))
    return Column(label, _sum(counts, label), parts)
