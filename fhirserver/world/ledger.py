"""The ledger of a resource: what each source says now, and what reviewers and judges decided about it.

A resource known from one source is one view with one stamp, and its content is not kept twice: its units are then
left out of the JSON, since they are those of the world resource.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field, replace

from fhirserver.kernel.frozen import frozen
from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.world.decision import Decision
from fhirserver.world.restating import withdrawn
from fhirserver.world.units import Units, member_of
from fhirserver.world.view import View, view_from, view_json
from fhirserver.world.voices import MARK, origin_of


@frozen
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
    json: JsonObject = {"v": [view_json(view, spelled) for view in ledger.views]}
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
    views = tuple(view_from(view, world) for view in json["v"])
    decisions = tuple(Decision.from_json(decision) for decision in json.get("d", ()))
    return Ledger(views, decisions, json.get("w", 0), json.get("i", ""), json.get("l", {}))
