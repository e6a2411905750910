"""The kinds of review items: what the queue says of one, and by which template its page shows it.

An item of a kind that has no entry here is listed and shown by what every Task has.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fhirserver.console.duplicate import pair
from fhirserver.console.review import Shown
from fhirserver.interactions.exchange import Context
from fhirserver.kernel.json import JsonObject
from fhirserver.world.duplicates import DUPLICATE
from fhirserver.world.review import CLAIMS, Item
from fhirserver.world.voices import speaker

REASONS = (
    "The caller said something else",
    "Misheard: wrong digits or spelling",
    "Said about another person",
    "Out of date: the record is newer",
    "Not confirmed by the caller",
    "Does not match the payer's or the directory's data",
)
"""Common reasons for rejecting claims."""
TWO_PEOPLE = (
    "Two members of one family",
    "Twins, or brother and sister",
    "Parent and child of one name",
    "Another person of the same name",
    "Asked them: two people",
)
"""Common reasons why two records are not of one person."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How items of one kind appear: ``says`` gives who speaks and how surely at the least; ``template`` is the page.

    ``reasons`` are common ones for a rejection; ``view`` reads what the page shows beside the item itself.
    """

    template: str
    says: Callable[[JsonObject, Item], tuple[tuple[str, ...], Decimal | None]]
    reasons: Sequence[str] = REASONS
    view: Callable[[Context, Shown], Awaitable[object]] | None = None


def _claims(_: JsonObject, item: Item) -> tuple[tuple[str, ...], Decimal | None]:
    sources = sorted({speaker(claim.source) for claim in item.claims})
    return tuple(sources), min((claim.confidence for claim in item.claims), default=None)


def _nobody(_: JsonObject, __: Item) -> tuple[tuple[str, ...], Decimal | None]:
    return (), None


OTHER = Kind("item_other.html", _nobody)
KINDS: Mapping[str, Kind] = {
    CLAIMS: Kind("item.html", _claims),
    DUPLICATE: Kind("item_duplicate.html", _nobody, TWO_PEOPLE, pair),
}


def kind(item: Item) -> Kind:
    """How an item appears."""
    return KINDS.get(item.kind, OTHER)
