"""Ceilings: the most that a kind of source may claim. Applied when a statement is decided, never when it is read.

What a source says without saying how surely is lowered to the ceiling; what it says more surely is refused.
"""

from __future__ import annotations

from decimal import Decimal

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.world.rules import Limits
from fhirserver.world.sources import Source
from fhirserver.world.units import member_of, split


def hold_to(limits: Limits, event: JsonObject, source: Source, stated: bool) -> None:
    """Bring the event of a statement under the ceilings of its source's kind.

    ``stated``: its confidence was stated, not the source's own. Raises a refusal (422) where what was stated is
    above a ceiling. Absences that a full statement only implies, of units that it may not know, are as sure as
    the lowest ceiling allows.
    """
    said, given = Decimal(event["confidence"]), dict(event.get("confidences", {}))
    units = split(event["type"], event.get("content", {})).keys() - {"meta"}
    bounded = {unit: _bounded(limits, unit, given.get(unit, said)) for unit in units}
    for unit, allowed in bounded.items():
        if allowed < given.get(unit, said) and (stated or unit in given):
            raise _above(source, event["type"], unit, allowed, given.get(unit, said))
    if stated and event["e"] == "removed":
        check_stated(limits, source, event["type"], "", said)
    event["confidence"] = whole = min(said, limits.whole)
    confidences = {unit: allowed for unit, allowed in bounded.items() if allowed != whole}
    event.pop("confidences", None)
    if confidences:
        event["confidences"] = confidences
    silence = min(said, _silence(limits, event, source, stated))
    if silence != whole:
        event["silence"] = silence


def _bounded(limits: Limits, unit: str, said: Decimal) -> Decimal:
    return min(said, limits.of(unit))


def _silence(limits: Limits, event: JsonObject, source: Source, stated: bool) -> Decimal:
    """The ceiling of the absences that an event states: removed, named absent, or left out by a full one."""
    for unit in event.get("absent", ()):
        if stated and event["confidence"] > limits.of(unit):
            raise _above(source, event["type"], unit, limits.of(unit), event["confidence"])
    if event.get("full"):
        return limits.least
    return min((limits.of(unit) for unit in event.get("absent", ())), default=limits.whole)


def check_stated(limits: Limits | None, source: Source, type: str, unit: str, said: Decimal) -> None:
    """Refuse a confidence that is above the ceiling for a unit, or for the whole where it is empty."""
    allowed = limits.of(unit) if limits and unit else limits.whole if limits else None
    if allowed is not None and said > allowed:
        raise _above(source, type, unit, allowed, said)


def _above(source: Source, type: str, unit: str, allowed: Decimal, said: Decimal) -> Refusal:
    path = f"{type}.{member_of(unit).removesuffix('[x]')}" if unit else type
    text = f"By the policy, what a source of kind '{source.kind}' says of {path} is at most {allowed} sure, not {said}"
    return refuse(Category.UNPROCESSABLE, "business-rule", text, path)
