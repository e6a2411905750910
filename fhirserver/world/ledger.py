"""The ledger of a resource: what each source says now, and what reviewers and judges decided about it.

A *view* is what one source says. Its *stamps* tell which assertion said which unit; a source that repeats
itself keeps the stamp of the first time. A resource known from one source is one view with one stamp, and
its content is not kept twice: ``content`` is then None and stands for the world resource.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal

from fhirserver.kernel.json import Json, JsonObject, dumps, loads
from fhirserver.world.units import Units, member_of, ordered, same, same_order
from fhirserver.world.voices import MARK, origin_of


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Decision:
    """A reviewer's or judge's word on a claim, what the policy makes of it, or a statement made over others.

    ``kind``: ``approve``, ``reject``, ``verify``, ``doubt``, ``supersede`` or ``undo``; by the policy ``cap`` (the
    source's word counts for at most ``confidence``), ``decay`` (the claim does, by its age) and ``renew`` (its source
    said it again). The claim is ``source``'s on ``unit`` as stamped at ``claim``; ``against`` are the claims (source,
    position) it supersedes. ``by`` is the source that decided, ``principal`` who that was; an undo takes back what
    was decided at ``undoes``.
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
    principal: str = ""
    undoes: int = 0

    def as_json(self) -> JsonObject:
        json: JsonObject = {
            "kind": self.kind,
            "unit": self.unit,
            "source": self.source,
            "claim": self.claim,
            "position": self.position,
        }
        for name in ("by", "at", "confidence", "reason", "principal", "undoes"):
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
    """All views and decisions of one resource.

    ``withdrawn`` is the position at which a source last took something back. ``into`` is the id of the resource
    that this one was merged into: that one then has its views and decisions. ``links`` are the references in the
    world that lead elsewhere since what they mean was merged.
    """

    views: tuple[View, ...] = ()
    decisions: tuple[Decision, ...] = ()
    withdrawn: int = 0
    into: str = ""
    links: dict[str, str] = field(default_factory=dict)

    def view(self, source: str) -> View | None:
        return next((view for view in self.views if view.source == source), None)

    def with_view(self, view: View) -> Ledger:
        """The ledger with one source's view replaced; views stand in the order of their source ids."""
        others = [kept for kept in self.views if kept.source != view.source]
        views = sorted([*others, view], key=lambda kept: kept.source) if others else [view]
        return Ledger(tuple(views), self.decisions, self.withdrawn, self.into, self.links)

    def without_view(self, source: str) -> Ledger:
        return replace(self, views=tuple(view for view in self.views if view.source != source))

    def with_decisions(self, decisions: Iterable[Decision]) -> Ledger:
        return Ledger(self.views, self.decisions + tuple(decisions), self.withdrawn, self.into, self.links)

    def without(self, view: View, units: frozenset[str], position: int) -> Ledger:
        """The ledger after the view's source took back units or elements (all without any).

        What was decided about a claim goes with it.
        """
        left = withdrawn(view, units) if units else None
        views = [left if kept is view else kept for kept in self.views]
        decisions = tuple(
            made
            for made in self.decisions
            if made.source != view.source
            or (left is not None and units.isdisjoint((made.unit, member_of(made.unit))))
        )
        left_over = tuple(kept for kept in views if kept is not None)
        return replace(self, views=left_over, decisions=decisions, withdrawn=position)

    @property
    def position(self) -> int:
        """The last commit that said or decided something about the resource."""
        heard = [max(stamp.position, stamp.heard) for view in self.views for stamp in view.stamps]
        return max((self.withdrawn, *heard, *(decision.position for decision in self.decisions)))

    @property
    def merged(self) -> tuple[str, ...]:
        """The origins of what was merged into the resource, each once."""
        if not any(MARK in view.source for view in self.views):
            return ()
        return tuple(sorted({origin_of(view.source) for view in self.views} - {""}))

    @property
    def uncontested(self) -> bool:
        """Whether the world is simply what the only source says."""
        return len(self.views) == 1 and not self.decisions


def dump_ledger(ledger: Ledger) -> bytes:
    """Compact JSON; the units of an uncontested ledger are left out, since the world resource has them."""
    spelled = not (ledger.uncontested and not ledger.links and _found_again(ledger.views[0].units))
    return dumps(ledger_json(ledger, spelled))


def ledger_json(ledger: Ledger, spelled: bool = True) -> JsonObject:
    """The ledger as JSON, with the units of its views where they are ``spelled``."""
    json: JsonObject = {"v": [_view_json(view, spelled) for view in ledger.views]}
    if ledger.decisions:
        json["d"] = [decision.as_json() for decision in ledger.decisions]
    if ledger.withdrawn:
        json["w"] = ledger.withdrawn
    if ledger.into:
        json["i"] = ledger.into
    if ledger.links:
        json["l"] = ledger.links
    return json


def _found_again(units: Units) -> bool:
    """Whether splitting the resource gives these units: runs of one key may have met since (``#2``)."""
    return "]#" not in "\n".join(units)


def load_ledger(data: bytes, world: Units) -> Ledger:
    """Read a ledger back; ``world`` are the units of the world resource, for an uncontested one."""
    return ledger_from(loads(data), world)


def ledger_from(json: JsonObject, world: Units) -> Ledger:
    """The ledger in JSON; ``world`` are the units of a view that does not spell them."""
    views = tuple(_view_from(view, world) for view in json["v"])
    decisions = tuple(Decision.from_json(decision) for decision in json.get("d", ()))
    return Ledger(views, decisions, json.get("w", 0), json.get("i", ""), json.get("l", {}))


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
    if view.silent:
        json["w"] = sorted(view.silent)
    if view.as_of:
        json["e"] = view.as_of
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
        silent=frozenset(json.get("w", ())),
        as_of=json.get("e", ""),
    )


@dataclass(frozen=True, slots=True)
class Said:
    """What one assertion states.

    ``units`` are values by unit, ``absent`` the units stated absent; with ``full`` silence means absence.
    ``confidences`` differ from the assertion's for some units, ``silence`` is that of the absences where it
    differs; ``anew`` are units whose statement is an act and counts as new even where it repeats an older one.
    """

    units: Units
    absent: frozenset[str] = frozenset()
    full: bool = False
    confidences: dict[str, Decimal] = field(default_factory=dict)
    anew: frozenset[str] = frozenset()
    silence: Decimal | None = None

    @property
    def varies(self) -> bool:
        """Whether some units are stated with another confidence than the others."""
        return bool(self.confidences) or self.silence is not None

    def stamp(self, unit: str, stamp: Stamp) -> Stamp:
        """The stamp for one unit of an assertion stamped ``stamp``; that of the absences for no unit."""
        confidence = self.confidences.get(unit) if unit in self.units else self.silence
        return stamp if confidence in (None, stamp.confidence) else replace(stamp, confidence=confidence)


def restate(view: View | None, source: str, said: Said, stamp: Stamp) -> View:
    """The source's view after it said more. What it only repeats keeps its older claim.

    A statement that came late, older by its own effective time than what the source said since, leaves that as it
    is. Returns the very same view where nothing new was said.
    """
    if view is not None and view.deleted is not None and stamp.is_older(view.stamps[view.deleted]):
        return view
    if view is None or view.deleted is not None:
        if not said.varies:
            absent = dict.fromkeys(sorted(said.absent - said.units.keys()), 0)
            return View(source, said.units, (stamp,), at=absent, full=0 if said.full else None)
        view = View(source, {}, (stamp,))
    news = _news(view, said, stamp)
    full = _full_stamp(view, said, stamp)
    moved = said.full and not is_late(view, stamp) and not same_order(view.units, said.units)
    if not news and full is None and not moved and not (said.full and view.silent):
        return view
    return _compact(_with_news(view, said, stamp, news, full))


def is_late(view: View, stamp: Stamp) -> bool:
    """Whether the source has said something that holds since a later time than this statement."""
    if not stamp.effective:
        return False
    return stamp.effective < view.told or any(stamp.is_older(other) for other in view.stamps)


def withdrawn(view: View, units: frozenset[str]) -> View | None:
    """The view without the units or elements that its source takes back; None where it has no value left."""
    gone = {unit for unit in view.stated() if not units.isdisjoint((unit, member_of(unit)))}
    left = {unit: value for unit, value in view.units.items() if unit not in gone}
    at = {unit: index for unit, index in view.at.items() if unit not in gone}
    spoken = left.keys() - {"meta"} or (view.full is None and at.keys() - left.keys())
    if view.deleted is not None or (gone and not spoken):
        return None
    silent = view.silent | units if view.full is not None else view.silent
    return _compact(replace(view, units=left, at=at, silent=silent))


def _news(view: View, said: Said, stamp: Stamp) -> dict[str, Stamp]:
    """The new stamp of each unit about which something new is said."""
    silent = set(said.absent)
    if said.full:
        silent.update(view.stated())
    news = {unit: _news_on(view, unit, value, said, stamp) for unit, value in said.units.items()}
    news.update(
        (unit, _news_on(view, unit, None, said, stamp)) for unit in sorted(silent - said.units.keys())
    )
    return {unit: found for unit, found in news.items() if found is not None}


def _news_on(view: View, unit: str, value: Json, said: Said, stamp: Stamp) -> Stamp | None:
    """Another value is a new claim, unless it is late; the same one said more surely is the same claim, surer."""
    new = said.stamp(unit, stamp) if said.varies else stamp
    before = view.stamp(unit)
    if before is None or unit in said.anew:
        return new
    if not same(view.units.get(unit), value):
        return None if new.is_older(before) or (new.effective and new.effective < view.told) else new
    return before.raised(new) if new.confidence > before.confidence else None


def _full_stamp(view: View, said: Said, stamp: Stamp) -> Stamp | None:
    """The stamp of what is not spoken of, where a full statement is the first or surer than before."""
    if not said.full:
        return None
    new = said.stamp("", stamp)
    if view.full is None:
        return new
    before = view.stamps[view.full]
    return before.raised(new) if new.confidence > before.confidence else None


def _with_news(view: View, said: Said, stamp: Stamp, news: dict[str, Stamp], full: Stamp | None) -> View:
    stamps, at = list(view.stamps), dict(view.at)
    for unit, new in news.items():
        at[unit] = _index(stamps, new)
    at_full = view.full if full is None else _index(stamps, full)
    told = max(view.told, stamp.effective) if said.full else view.told
    untold = at_full is None or stamps[at_full].effective == told
    return replace(
        view,
        units=_restated_units(view, said, news, is_late(view, stamp)),
        stamps=tuple(stamps),
        at=at,
        full=at_full,
        silent=frozenset() if said.full else view.silent,
        as_of="" if untold else told,
    )


def _index(stamps: list[Stamp], stamp: Stamp) -> int:
    if stamp not in stamps:
        stamps.append(stamp)
    return stamps.index(stamp)


def _restated_units(view: View, said: Said, news: Iterable[str], late: bool) -> Units:
    """The stated order wins for a full statement; a partial or late one keeps the old order and appends."""
    if said.full and not late:
        return {unit: value if unit in news else view.units[unit] for unit, value in said.units.items()}
    units = {unit: value for unit, value in view.units.items() if unit in said.units or unit not in news}
    stated = {unit: value for unit, value in said.units.items() if unit in news} if late else said.units
    return ordered({**units, **stated})


def _compact(view: View) -> View:
    """Drop stamps nothing points at; make the one that most units share the base."""
    index = {unit: view.at.get(unit, view.base) for unit in view.units}
    absent = {unit: at for unit, at in view.at.items() if unit not in view.units}
    used = {*index.values(), *absent.values(), *(() if view.full is None else (view.full,))}
    to_new = {old: new for new, old in enumerate(sorted(used))}
    stamps = tuple(view.stamps[old] for old in to_new) or view.stamps
    shared = Counter(to_new[at] for at in index.values())
    base = max(shared, key=lambda at: (shared[at], at), default=0)
    at = {
        unit: to_new[old]
        for unit, old in {**index, **absent}.items()
        if unit in absent or to_new[old] != base
    }
    full = None if view.full is None else to_new[view.full]
    return replace(view, stamps=stamps, base=base, at=at, full=full)


def dump_view(view: View | None) -> JsonObject | None:
    """A whole view as JSON, as a correction keeps the one it replaces."""
    return None if view is None else _view_json(view, True)


def load_view(json: JsonObject | None) -> View | None:
    return None if json is None else _view_from(json, {})


def compacted(view: View) -> View:
    """The same view with no more stamps than it needs."""
    return _compact(view)
