"""A view, what one source says of one resource now, and its stamps: which assertion said which unit.

A source that repeats itself keeps the stamp of the first time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace
from decimal import Decimal

from fhirserver.kernel.frozen import frozen
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.world.units import Units, member_of


@frozen
class Stamp:
    """One assertion: where in the log, when recorded, since when it holds, how sure, how it was made.

    A source that says the same more surely makes no new claim: the stamp keeps its position and times, and
    ``heard`` is the position of the statement that made it as sure as it is (0 where that is the first).
    """

    position: int
    recorded: str
    confidence: Decimal
    effective: str = ""
    method: str = ""
    heard: int = 0

    @property
    def evidence(self) -> int:
        """The position of the statement that the confidence rests on."""
        return self.heard or self.position

    def raised(self, stamp: Stamp) -> Stamp:
        """The same claim with the confidence of a later statement of it."""
        return replace(self, confidence=stamp.confidence, method=stamp.method, heard=stamp.position)

    def is_older(self, other: Stamp) -> bool:
        """Whether both say since when they hold, and this one since an earlier time."""
        return bool(self.effective and other.effective) and self.effective < other.effective

    @property
    def since(self) -> str:
        """Effective time, or the recorded time where the source stated none."""
        return self.effective or self.recorded

    def as_json(self) -> list[Json]:
        json: list[Json] = [self.position, self.recorded, self.confidence]
        if self.effective or self.method or self.heard:
            json += [self.effective, self.method]
        if self.heard:
            json.append(self.heard)
        return json

    @staticmethod
    def from_json(json: list[Json]) -> Stamp:
        return Stamp(json[0], json[1], Decimal(json[2]), *json[3:])


@frozen
class View:
    """What one source says about one resource.

    ``source`` is its voice, with an origin where it speaks of what was merged into the resource.
    ``units`` are the values stated; ``stamps`` the assertions behind them; ``at`` maps a unit to the index
    of its stamp where that is not ``base`` (a unit in ``at`` without a value is one stated absent);
    ``full`` is the stamp from which everything not spoken of is stated absent, or None; ``deleted`` the
    stamp by which the source says that the resource is no more. ``silent`` are the units and elements that the
    source has taken back: of them it says nothing, also not that they are absent. ``as_of`` is the latest effective
    time of a full statement, where that only repeated what is not spoken of.
    """

    source: str
    units: Units
    stamps: tuple[Stamp, ...]
    base: int = 0
    full: int | None = None
    at: dict[str, int] = field(default_factory=dict)
    deleted: int | None = None
    silent: frozenset[str] = frozenset()
    as_of: str = ""

    @property
    def told(self) -> str:
        """The latest effective time of which the source has told all; empty where it stated none."""
        return self.as_of or ("" if self.full is None else self.stamps[self.full].effective)

    def stamp(self, unit: str) -> Stamp | None:
        """The stamp of what this source says about a unit; None where it does not speak of it."""
        index = self.at.get(unit)
        if index is None:
            index = self.base if unit in self.units else self._silence(unit)
        return None if index is None else self.stamps[index]

    def _silence(self, unit: str) -> int | None:
        """The stamp by which not speaking of a unit states its absence; None where it states nothing."""
        if self.silent and not self.silent.isdisjoint((unit, member_of(unit))):
            return None
        return self.full

    def stated(self) -> Iterator[str]:
        """The units spoken of outright, the absent ones last."""
        yield from self.units
        yield from (unit for unit in self.at if unit not in self.units)


def view_json(view: View, with_units: bool) -> JsonObject:
    json: JsonObject = {"s": view.source, "t": [stamp.as_json() for stamp in view.stamps]}
    if with_units:
        json["u"] = view.units
    for name, value in (("b", view.base), ("a", view.at)):
        if value:
            json[name] = value
    for name, index in (("f", view.full), ("x", view.deleted)):
        if index is not None:
            json[name] = index
    if view.silent:
        json["w"] = sorted(view.silent)
    if view.as_of:
        json["e"] = view.as_of
    return json


def view_from(json: JsonObject, world: Units) -> View:
    return View(
        source=json["s"],
        units=json.get("u", world),
        stamps=tuple(Stamp.from_json(stamp) for stamp in json["t"]),
        base=json.get("b", 0),
        full=json.get("f"),
        at=json.get("a", {}),
        deleted=json.get("x"),
        silent=frozenset(json.get("w", ())),
        as_of=json.get("e", ""),
    )


def dump_view(view: View | None) -> JsonObject | None:
    """A whole view as JSON, as a correction keeps the one it replaces."""
    return None if view is None else view_json(view, True)


def load_view(json: JsonObject | None) -> View | None:
    return None if json is None else view_from(json, {})
