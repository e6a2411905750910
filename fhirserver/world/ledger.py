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
from fhirserver.world.units import Units, ordered, same, same_order
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
    """All views and decisions of one resource.

    ``into`` is the id of the resource that this one was merged into: that one then has its views and decisions.
    ``links`` are the references in the world that lead elsewhere since what they mean was merged.
    """

    views: tuple[View, ...] = ()
    decisions: tuple[Decision, ...] = ()
    into: str = ""
    links: dict[str, str] = field(default_factory=dict)

    def view(self, source: str) -> View | None:
        return next((view for view in self.views if view.source == source), None)

    def with_view(self, view: View) -> Ledger:
        """The ledger with one source's view replaced; views stand in the order of their source ids."""
        others = [kept for kept in self.views if kept.source != view.source]
        views = sorted([*others, view], key=lambda kept: kept.source) if others else [view]
        return Ledger(tuple(views), self.decisions, self.into, self.links)

    def with_decisions(self, decisions: Iterable[Decision]) -> Ledger:
        return Ledger(self.views, self.decisions + tuple(decisions), self.into, self.links)

    @property
    def position(self) -> int:
        """The last commit that said or decided something about the resource."""
        heard = [max(stamp.position, stamp.heard) for view in self.views for stamp in view.stamps]
        return max((*heard, *(decision.position for decision in self.decisions)), default=0)

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
    return Ledger(views, decisions, json.get("i", ""), json.get("l", {}))


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
    """What one assertion states.

    ``units`` are values by unit, ``absent`` the units stated absent; with ``full`` silence means absence.
    ``confidences`` differ from the assertion's for some units; ``anew`` are units whose statement is an act
    and counts as new even where it repeats an older one.
    """

    units: Units
    absent: frozenset[str] = frozenset()
    full: bool = False
    confidences: dict[str, Decimal] = field(default_factory=dict)
    anew: frozenset[str] = frozenset()

    def stamp(self, unit: str, stamp: Stamp) -> Stamp:
        """The stamp for one unit of an assertion stamped ``stamp``."""
        confidence = self.confidences.get(unit) if unit in self.units else None
        return stamp if confidence in (None, stamp.confidence) else replace(stamp, confidence=confidence)


def restate(view: View | None, source: str, said: Said, stamp: Stamp) -> View:
    """The source's view after it said more. What it only repeats keeps its older claim.

    Returns the very same view where nothing new was said.
    """
    if view is None or view.deleted is not None:
        if not said.confidences:
            absent = dict.fromkeys(sorted(said.absent - said.units.keys()), 0)
            return View(source, said.units, (stamp,), at=absent, full=0 if said.full else None)
        view = View(source, {}, (stamp,))
    news = _news(view, said, stamp)
    full = _full_stamp(view, said, stamp)
    moved = said.full and not same_order(view.units, said.units)
    if not news and full is None and not moved:
        return view
    return _compact(_with_news(view, said, stamp, news, full))


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
    """Another value is a new claim; the same one said more surely is the same claim with more confidence."""
    new = said.stamp(unit, stamp) if said.confidences else stamp
    before = view.stamp(unit)
    if before is None or unit in said.anew or not same(view.units.get(unit), value):
        return new
    return before.raised(new) if new.confidence > before.confidence else None


def _full_stamp(view: View, said: Said, stamp: Stamp) -> Stamp | None:
    """The stamp of what is not spoken of, where a full statement is the first or surer than before."""
    if not said.full:
        return None
    if view.full is None:
        return stamp
    before = view.stamps[view.full]
    return before.raised(stamp) if stamp.confidence > before.confidence else None


def _with_news(view: View, said: Said, stamp: Stamp, news: dict[str, Stamp], full: Stamp | None) -> View:
    stamps, at = list(view.stamps), dict(view.at)
    for unit, new in news.items():
        at[unit] = _index(stamps, new)
    at_full = view.full if full is None else _index(stamps, full)
    return replace(
        view,
        units=_restated_units(view, said, news),
        stamps=tuple(stamps),
        at=at,
        full=at_full,
    )


def _index(stamps: list[Stamp], stamp: Stamp) -> int:
    if stamp not in stamps:
        stamps.append(stamp)
    return stamps.index(stamp)


def _restated_units(view: View, said: Said, news: Iterable[str]) -> Units:
    """The stated order wins for a full statement; a partial one keeps the old order and appends."""
    if said.full:
        return {unit: value if unit in news else view.units[unit] for unit, value in said.units.items()}
    units = {unit: value for unit, value in view.units.items() if unit in said.units or unit not in news}
    return ordered({**units, **said.units})


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
