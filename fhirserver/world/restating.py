"""What becomes of a source's view when the source says more, or takes something back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import field, replace
from decimal import Decimal

from fhirserver.kernel.frozen import frozen
from fhirserver.kernel.json import Json
from fhirserver.world.units import Units, member_of, ordered, same, same_order
from fhirserver.world.view import Stamp, View


@frozen
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
    return compacted(_with_news(view, said, stamp, news, full))


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
    return compacted(replace(view, units=left, at=at, silent=silent))


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


def compacted(view: View) -> View:
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
