"""The kinds of review items: what the queue says of one, and by which template its page shows it.

An item of a kind that has no entry here is listed and shown by what every Task has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from fhirserver.kernel.json import JsonObject
from fhirserver.world.review import CLAIMS, Item


@dataclass(frozen=True, slots=True)
class Kind:
    """How items of one kind appear: ``says`` gives who speaks and how surely at the least; ``template`` is the page."""

    template: str
    says: Callable[[JsonObject, Item], tuple[tuple[str, ...], Decimal | None]]


def _claims(_: JsonObject, item: Item) -> tuple[tuple[str, ...], Decimal | None]:
    sources = sorted({claim.source for claim in item.claims})
    return tuple(sources), min((claim.confidence for claim in item.claims), default=None)


def _nobody(_: JsonObject, __: Item) -> tuple[tuple[str, ...], Decimal | None]:
    return (), None


OTHER = Kind("item_other.html", _nobody)
KINDS: Mapping[str, Kind] = {CLAIMS: Kind("item.html", _claims)}


def kind(item: Item) -> Kind:
    """How an item appears."""
    return KINDS.get(item.kind, OTHER)
