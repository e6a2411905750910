"""Taking a decision back: what may no longer be, and how a correction's source says again what it said before. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.world.ledger import Ledger
from fhirserver.world.restating import compacted
from fhirserver.world.survivorship import standing
from fhirserver.world.units import ordered
from fhirserver.world.view import Stamp, View, load_view

REVIEWERS = frozenset({"approve", "reject", "supersede"})
"""The kinds of decisions that change which claim wins."""

Ruled = tuple[str, str, int]
"""What was decided on: the unit, the source and the position of its claim."""


def ruled(event: JsonObject, position: int) -> list[Ruled]:
    """What an event of the log at ``position`` decided on; a correction decides on its own claims."""
    if event["e"] == "decided":
        return [
            (one["unit"], one["source"], one["claim"])
            for one in event["decisions"]
            if one["kind"] in REVIEWERS
        ]
    return [(unit, event["source"], position) for unit in event.get("supersedes", {})]


def is_taken_back(ledger: Ledger, of: Ruled, position: int) -> bool:
    """Whether what was decided at ``position`` was taken back already."""
    return any(
        made.kind == "undo" and (made.unit, made.source, made.claim) == of and made.undoes == position
        for made in ledger.decisions
    )


def objection(ledger: Ledger, of: Ruled, position: int) -> str:
    """Why what was decided at ``position`` cannot be taken back any more; empty where it can."""
    unit, source, claim = of
    view = ledger.view(source)
    stamp = view.stamp(unit) if view is not None and view.deleted is None else None
    decisions = [made for made in ledger.decisions if made.unit == unit]
    if is_taken_back(ledger, of, position):
        return "The decision was taken back already"
    if stamp is None or stamp.position != claim:
        return "The source of the claim has said something else since"
    if any(made.position > position and made.kind in REVIEWERS for made in standing(decisions)):
        return "A later decision rests on it: take that one back first"
    return ""


def restored(ledger: Ledger, restores: JsonObject) -> Ledger:
    """The ledger with a source's view as it was before its correction at ``claim`` of these ``units``.

    What the source has said since about other units stays.
    """
    source, position = restores["source"], restores["claim"]
    before, now = load_view(restores["view"]), ledger.view(source)
    if now is None:
        return ledger
    corrected = {unit for unit in now.stated() if _is_at(now, unit, position)}
    alone = corrected <= set(restores["units"]) and _last(now) <= position
    view = before if alone else _put_back(now, before, restores["units"])
    return ledger.without_view(source) if view is None else ledger.with_view(view)


def _is_at(view: View, unit: str, position: int) -> bool:
    stamp = view.stamp(unit)
    return stamp is not None and stamp.position == position


def _last(view: View) -> int:
    """The position of the last statement that the view has."""
    return max(max(stamp.position, stamp.heard) for stamp in view.stamps)


def _put_back(now: View, before: View | None, units: Sequence[str]) -> View | None:
    """The view with the units as they were; None where it says nothing any more."""
    values = {unit: value for unit, value in now.units.items() if unit not in units}
    stamps = list(now.stamps)
    at = {unit: now.at.get(unit, now.base) for unit in now.stated() if unit not in units}
    for unit, stamp in _outright(before, units):
        if before is not None and unit in before.units:
            values[unit] = before.units[unit]
        at[unit] = _index(stamps, stamp)
    if not at and now.full is None:
        return None
    return compacted(replace(now, units=_in_old_order(values, before), stamps=tuple(stamps), at=at))


def _outright(before: View | None, units: Sequence[str]) -> Iterator[tuple[str, Stamp]]:
    """The units that the older view spoke of outright, with their stamps."""
    if before is None or before.deleted is not None:
        return
    stated = frozenset(before.stated())
    for unit in units:
        stamp = before.stamp(unit)
        if unit in stated and stamp is not None:
            yield unit, stamp


def _in_old_order(values: dict[str, Json], before: View | None) -> dict[str, Json]:
    """The items as they stood before the correction, then those that came since."""
    old = [unit for unit in before.units if unit in values] if before is not None else []
    return ordered({unit: values[unit] for unit in dict.fromkeys([*old, *values])})


def _index(stamps: list[Stamp], stamp: Stamp) -> int:
    if stamp not in stamps:
        stamps.append(stamp)
    return stamps.index(stamp)
