"""Figures of how the server does: counters, gauges and histograms, counted where things happen, shown elsewhere.

They are declared beside what they count, as loggers are. A figure is a few numbers in one block of memory, so that to
count costs a look-up and an addition: no lock, no text. Counted is on the thread of the event loop only. Processes that
serve together lay their blocks into files of one folder (:meth:`Measures.share`); whichever is asked reads them all
(:meth:`Measures.gathered`). Labels are words of the program: nothing of a request or a resource may become one.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

NUMBERS: Final = 65_536
"""Numbers of one process: some thousand histograms. Beyond that nothing more is counted."""
_ROOM: Final = NUMBERS - 64
"""Behind it is written what does not fit any more, and nothing is read."""
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the classes of a duration; what is longer has a class of its own."""

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Described:
    """What a figure is: ``kind`` is ``counter``, ``gauge`` or ``histogram``; ``bounds`` are those of a histogram.

    ``joined`` says how the numbers of several processes become one: ``sum``, ``max`` or ``each`` (one per process).
    A name that begins with ``_`` is for the processes themselves and shown to nobody.
    """

    name: str
    text: str
    kind: str
    labels: Labels = ()
    bounds: tuple[float, ...] = ()
    joined: str = "sum"

    @property
    def width(self) -> int:
        """Numbers that one series has: of a histogram the classes and the sum."""
        return len(self.bounds) + 2 if self.bounds else 1


@dataclass(slots=True)
class Gathered:
    """A figure with the numbers of all processes, by the values of its labels."""

    described: Described
    series: dict[Labels, list[float]] = field(default_factory=dict)

    def add(self, labels: Labels, numbers: Sequence[float], process: str) -> None:
        if self.described.joined == "each":
            labels = (*labels, process)
        known = self.series.get(labels)
        if known is None:
            self.series[labels] = list(numbers)
        elif self.described.joined == "max":
            self.series[labels] = [max(pair) for pair in zip(known, numbers, strict=True)]
        else:
            self.series[labels] = [a + b for a, b in zip(known, numbers, strict=True)]


class Measures:
    """All figures of one process."""

    def __init__(self) -> None:
        self.values = memoryview(mmap.mmap(-1, NUMBERS * 8)).cast("d")
        self._figures: dict[str, Figure] = {}
        self._next = 0
        self._names: int | None = None
        self._folder: Path | None = None
        self._taken_over: dict[str, dict[Labels, int]] = {}
        self.process = ""

    def enter(self, figure: Figure) -> None:
        """A figure is declared. Raises ValueError where another has its name."""
        if figure.described.name in self._figures:
            raise ValueError(f"there are two figures {figure.described.name}")
        self._figures[figure.described.name] = figure
        figure.series.update(self._taken_over.get(figure.described.name, {}))

    def share(self, folder: Path, process: str) -> None:
        """Count in a file from now on, going on where the process before this one under that name ended.

        Before anything is counted: what was is forgotten.
        """
        folder.mkdir(parents=True, exist_ok=True)
        names = folder / f"{process}.names"
        self._taken_over, self._next = _offsets(names)
        for name, figure in self._figures.items():
            figure.forget()
            figure.series.update(self._taken_over.get(name, {}))
        descriptor = os.open(folder / f"{process}.numbers", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(descriptor, NUMBERS * 8)
            self.values = memoryview(mmap.mmap(descriptor, NUMBERS * 8)).cast("d")
        finally:
            os.close(descriptor)
        self._names = os.open(names, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._folder, self.process = folder, process
        line = json.dumps({"pid": os.getpid()}) + "\n"
        os.write(self._names, line.encode())

    @property
    def is_shared(self) -> bool:
        """Whether other processes read what is counted here."""
        return self._folder is not None

    def place(self, figure: Figure, labels: Labels) -> int:
        """Where the numbers of a new series begin."""
        at, width = self._next, figure.described.width
        if at + width > _ROOM:
            return _ROOM
        self._next += width
        if self._names is not None:
            told = {"name": figure.described.name, "labels": labels, "at": at, "width": width}
            os.write(self._names, (json.dumps(told) + "\n").encode())
        return at

    def gathered(self) -> list[Gathered]:
        """All figures, of this process and those it serves together with; the ones that nothing was counted of too."""
        found = {name: Gathered(figure.described) for name, figure in self._figures.items()}
        for figure in self._figures.values():
            into = found[figure.described.name]
            for labels, at in figure.series.items():
                if at >= _ROOM:
                    continue
                into.add(labels, self.values[at : at + figure.described.width].tolist(), self.process)
        for other in self._others():
            for name, labels, numbers in _read(other):
                if name in found and len(numbers) == found[name].described.width:
                    found[name].add(labels, numbers, other.stem)
        return list(found.values())

    def processes(self) -> Mapping[str, int]:
        """The process ids of those that serve together, this one too, by their names."""
        if self._folder is None:
            return {self.process: os.getpid()}
        found = {path.stem: _process_id(path) for path in self._folder.glob("*.names")}
        return {name: found[name] for name in sorted(found)}

    def _others(self) -> Sequence[Path]:
        if self._folder is None:
            return ()
        return sorted(path for path in self._folder.glob("*.names") if path.stem != self.process)


def _told(names: Path) -> Iterator[Mapping[str, object]]:
    """The lines of a file of names; the last may be being written."""
    try:
        text = names.read_text()
    except FileNotFoundError:
        return
    for line in text[: text.rfind("\n") + 1].splitlines():
        yield json.loads(line)


def _offsets(names: Path) -> tuple[dict[str, dict[Labels, int]], int]:
    """Where the numbers of each series of each figure begin, and where there is room."""
    found: dict[str, dict[Labels, int]] = {}
    end = 0
    for told in _told(names):
        if "name" in told:
            at, width = int(str(told["at"])), int(str(told["width"]))
            found.setdefault(str(told["name"]), {})[_labels(told)] = at
            end = max(end, at + width)
    return found, end


def _labels(told: Mapping[str, object]) -> Labels:
    labels = told["labels"]
    return tuple(str(label) for label in labels) if isinstance(labels, list) else ()


def _process_id(names: Path) -> int:
    """The last process that wrote under this name."""
    return max((int(str(told["pid"])) for told in _told(names) if "pid" in told), default=0)


def _read(names: Path) -> Iterator[tuple[str, Labels, Sequence[float]]]:
    """The series of another process."""
    told = [one for one in _told(names) if "name" in one]
    if not told:
        return
    with names.with_suffix(".numbers").open("rb") as file:
        last = max(int(str(one["at"])) + int(str(one["width"])) for one in told)
        numbers = file.read(last * 8)
    for one in told:
        at, width = int(str(one["at"])), int(str(one["width"]))
        if (at + width) * 8 <= len(numbers):
            yield str(one["name"]), _labels(one), struct.unpack_from(f"={width}d", numbers, at * 8)


MEASURES: Final = Measures()
"""Those of this process."""


class Figure:
    """One figure: a series of numbers for each combination of label values that has come up."""

    def __init__(self, described: Described, measures: Measures = MEASURES):
        self.described, self._measures = described, measures
        self.series: dict[Labels, int] = {}
        measures.enter(self)

    def at(self, labels: Labels) -> int:
        """Where the numbers of a series begin; it is there from now on."""
        at = self.series.get(labels)
        if at is None:
            if len(labels) != len(self.described.labels):
                raise ValueError(f"{self.described.name} has the labels {self.described.labels}")
            at = self.series[labels] = self._measures.place(self, labels)
        return at

    def forget(self) -> None:
        """Nothing was counted yet."""
        self.series.clear()

    def value(self, *labels: str) -> float:
        """What a series of one number is now, in this process."""
        at = self.series.get(labels)
        return self._measures.values[at] if at is not None else 0.0


class Counter(Figure):
    """What only grows."""

    def __init__(self, name: str, text: str, labels: Labels = (), measures: Measures = MEASURES):
        super().__init__(Described(name, text, "counter", labels), measures)

    def add(self, *labels: str, by: float = 1.0) -> None:
        self._measures.values[self.at(labels)] += by

    def note(self, at: int) -> None:
        """One more in a series whose place is known: the way of what happens often."""
        self._measures.values[at] += 1.0


class Gauge(Figure):
    """What goes up and down. ``joined``: see :class:`Described`."""

    def __init__(
        self, name: str, text: str, labels: Labels = (), joined: str = "sum", measures: Measures = MEASURES
    ):
        super().__init__(Described(name, text, "gauge", labels, joined=joined), measures)

    def set(self, value: float, *labels: str) -> None:
        self._measures.values[self.at(labels)] = value

    def add(self, by: float, *labels: str) -> None:
        self._measures.values[self.at(labels)] += by


class Histogram(Figure):
    """How long things take, or how large they are, in classes."""

    def __init__(
        self,
        name: str,
        text: str,
        labels: Labels = (),
        bounds: tuple[float, ...] = SECONDS,
        measures: Measures = MEASURES,
    ):
        super().__init__(Described(name, text, "histogram", labels, bounds), measures)
        self._bounds, self._sum = bounds, len(bounds) + 1

    def observe(self, value: float, *labels: str) -> None:
        self.note(self.at(labels), value)

    def note(self, at: int, value: float) -> None:
        """The same of a series whose place is known: the way of what happens often."""
        values = self._measures.values
        values[at + bisect_left(self._bounds, value)] += 1.0
        values[at + self._sum] += value
