"""The ledger of a resource: what each source says now, and what reviewers and judges decided about it.

A *view* is what one source says. Its *stamps* tell which assertion said which unit; a source that repeats
itself keeps the stamp of the first time. A resource known from one source is one view with one stamp, and
its content is not kept twice: ``content`` is then None and stands for the world resource.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal

from fhirserver.kernel.json import Json, JsonObject, dumps, loads
from fhirserver.world.units import Units, same


@dataclass(frozen=True, slots=True)
class Stamp:
    """One assertion: where in the log, when recorded, since when it holds, how sure, how it was made."""

    position: int
    recorded: str
    confidence: Decimal
    effective: str = ""
    method: str = ""

    @property
    def since(self) -> str:
        """Effective time, or the recorded time where the source stated none."""
        return self.effective or self.recorded

    def as_json(self) -> list[Json]:
        json: list[Json] = [self.position, self.recorded, self.confidence]
        if self.effective or self.method:
            json += [self.effective, self.method]
        return json

    @staticmethod
    def from_json(json: list[Json]) -> Stamp:
        return Stamp(json[0], json[1], Decimal(json[2]), *json[3:])


@dataclass(frozen=True, slots=True)
class View:
    """What one source says about one resource.

    ``units`` are the values stated; ``stamps`` the assertions behind them; ``at`` maps a unit to the index
    of its stamp where that is not ``base`` (a unit in ``at`` without a value is one stated absent);
    ``full`` is the stamp from which everything not spoken of is stated absent, or None; ``deleted`` the
    stamp by which the source says that the resource is no more.
    """

    source: str
    units: Units
    stamps: tuple[Stamp, ...]
    base: int = 0
    full: int | None = None
    at: dict[str, int] = field(default_factory=dict)
    deleted: int | None = None

    def stamp(self, unit: str) -> Stamp | None:
        """The stamp of what this source says about a unit; None where it does not speak of it."""
        index = self.at.get(unit)
        if index is None:
            index = self.base if unit in self.units else self.full
        return None if index is None else self.stamps[index]

    def stated(self) -> Iterator[str]:
        """The units spoken of outright, the absent ones last."""
        yield from self.units
        yield from (unit for unit in self.at if unit not in self.units)


@dataclass(frozen=True, slots=True)
class Decision:
    """A reviewer's or judge's word on a claim, or a statement made over others.

    ``kind``: ``approve``, ``reject``, ``verify``, ``doubt`` or ``supersede``. The claim is ``source``'s on
    ``unit`` as stamped at ``claim``; ``against`` are the claims (source, position) it supersedes.
    """

    kind: str
    unit: str
    source: str
    claim: int
    position: int
    by: str = ""
    at: str = ""
    confidence: Decimal | None = None
    against: tuple[tuple[str, int], ...] = ()
    reason: str = ""

    def as_json(self) -> JsonObject:
        json: JsonObject = {
            "kind": self.kind,
            "unit": self.unit,
            "source": self.source,
            "claim": self.claim,
            "position": self.position,
        }
        for name in ("by", "at", "confidence", "reason"):
            if getattr(self, name):
                json[name] = getattr(self, name)
        if self.against:
            json["against"] = [list(pair) for pair in self.against]
        return json

    @staticmethod
    def from_json(json: JsonObject) -> Decision:
        against = tuple((source, position) for source, position in json.get("against", ()))
        confidence = json.get("confidence")
        return Decision(
            **{
                **json,
                "against": against,
                "confidence": None if confidence is None else Decimal(confidence),
            }
        )


@dataclass(frozen=True, slots=True)
class Ledger:
    """All views and decisions of one resource."""

    views: tuple[View, ...] = ()
    decisions: tuple[Decision, ...] = ()

    def view(self, source: str) -> View | None:
        return next((view for view in self.views if view.source == source), None)

    def with_view(self, view: View) -> Ledger:
        """The ledger with one source's view replaced; views stand in the order of their source ids."""
        others = [kept for kept in self.views if kept.source != view.source]
        return replace(self, views=tuple(sorted([*others, view], key=lambda kept: kept.source)))

    def with_decisions(self, decisions: Iterable[Decision]) -> Ledger:
        return replace(self, decisions=self.decisions + tuple(decisions))

    @property
    def uncontested(self) -> bool:
        """Whether the world is simply what the only source says."""
        return len(self.views) == 1 and not self.decisions


def dump_ledger(ledger: Ledger) -> bytes:
    """Compact JSON; the units of an uncontested ledger are left out, since the world resource has them."""
    json: JsonObject = {"v": [_view_json(view, not ledger.uncontested) for view in ledger.views]}
    if ledger.decisions:
        json["d"] = [decision.as_json() for decision in ledger.decisions]
    return dumps(json)


def load_ledger(data: bytes, world: Units) -> Ledger:
    """Read a ledger back; ``world`` are the units of the world resource, for an uncontested one."""
    json = loads(data)
    views = tuple(_view_from(view, world) for view in json["v"])
    return Ledger(views, tuple(Decision.from_json(decision) for decision in json.get("d", ())))


def _view_json(view: View, with_units: bool) -> JsonObject:
    json: JsonObject = {"s": view.source, "t": [stamp.as_json() for stamp in view.stamps]}
    if with_units:
        json["u"] = view.units
    for name, value in (("b", view.base), ("a", view.at)):
        if value:
            json[name] = value
    for name, index in (("f", view.full), ("x", view.deleted)):
        if index is not None:
            json[name] = index
    return json


def _view_from(json: JsonObject, world: Units) -> View:
    return View(
        source=json["s"],
        units=json.get("u", world),
        stamps=tuple(Stamp.from_json(stamp) for stamp in json["t"]),
        base=json.get("b", 0),
        full=json.get("f"),
        at=json.get("a", {}),
        deleted=json.get("x"),
    )


@dataclass(frozen=True, slots=True)
class Said:
    """What one assertion states: values by unit, units stated absent, and whether silence means absence."""

    units: Units
    absent: frozenset[str] = frozenset()
    full: bool = False
    confidences: dict[str, Decimal] = field(default_factory=dict)


def restate(view: View | None, source: str, said: Said, stamp: Stamp) -> View:
    """The source's view after it said more. What it only repeats keeps its older stamp.

    Returns the very same view where nothing new was said.
    """
    if view is None or view.deleted is not None:
        return _first_view(source, said, stamp)
    changed = _changed(view, said, stamp)
    becomes_full = said.full and view.full is None
    if not changed and not becomes_full:
        return view
    return _compact(_with_changes(view, said, stamp, changed, becomes_full))


def _first_view(source: str, said: Said, stamp: Stamp) -> View:
    stamps, at = [stamp], dict.fromkeys(sorted(said.absent), 0)
    for unit, confidence in said.confidences.items():
        if unit in said.units and confidence != stamp.confidence:
            at[unit] = len(stamps)
            stamps.append(replace(stamp, confidence=confidence))
    return View(source, said.units, tuple(stamps), at=at, full=0 if said.full else None)


def _changed(view: View, said: Said, stamp: Stamp) -> set[str]:
    changed = {
        unit
        for unit, value in said.units.items()
        if _is_news(view, unit, value, said.confidences.get(unit, stamp.confidence))
    }
    gone = set(said.absent)
    if said.full:
        gone |= {unit for unit in view.stated() if unit not in said.units}
    return changed | {unit for unit in gone if unit in view.units or view.stamp(unit) is None}


def _is_news(view: View, unit: str, value: Json, confidence: Decimal) -> bool:
    """A changed value is news; so is the same one said more surely than before."""
    if unit not in view.units or not same(view.units[unit], value):
        return True
    before = view.stamp(unit)
    return before is not None and confidence > before.confidence


def _with_changes(view: View, said: Said, stamp: Stamp, changed: set[str], becomes_full: bool) -> View:
    stamps, at = [*view.stamps, stamp], dict(view.at)
    new = len(view.stamps)
    own = {stamp.confidence: new}
    for unit in sorted(changed):
        confidence = said.confidences.get(unit, stamp.confidence) if unit in said.units else stamp.confidence
        if confidence not in own:
            own[confidence] = len(stamps)
            stamps.append(replace(stamp, confidence=confidence))
        at[unit] = own[confidence]
    units = _restated_units(view, said, changed)
    return replace(view, units=units, stamps=tuple(stamps), at=at, full=new if becomes_full else view.full)


def _restated_units(view: View, said: Said, changed: set[str]) -> Units:
    """The stated order wins for a full statement; a partial one keeps the old order and appends."""
    if said.full:
        return dict(said.units)
    units = {unit: value for unit, value in view.units.items() if unit in said.units or unit not in changed}
    units.update({unit: said.units[unit] for unit in said.units})
    return units


def _compact(view: View) -> View:
    """Drop stamps nothing points at; make the stamp most units share the base."""
    used = sorted({view.at.get(unit, view.base) for unit in view.units} | set(view.at.values()))
    indexes = sorted({*used, *(i for i in (view.full, view.deleted) if i is not None)})
    if not indexes:
        return view
    to_new = {old: new for new, old in enumerate(indexes)}
    base = view.base if view.base in to_new else indexes[0]
    at = {unit: to_new[index] for unit, index in view.at.items() if index != base or unit not in view.units}
    return replace(
        view,
        stamps=tuple(view.stamps[index] for index in indexes),
        base=to_new[base],
        at=at,
        full=None if view.full is None else to_new[view.full],
    )
