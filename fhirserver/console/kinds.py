"""The kinds of review items: what the queue says of one, and by which template its page shows it.

An item of a kind that is not known here is listed and shown by what every Task has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from fhirserver.kernel.json import JsonObject
from fhirserver.world.review import is_review, read_item


@dataclass(frozen=True, slots=True)
class Summary:
    """What one line of the queue says beside what every Task has."""

    kind: str
    type: str
    reasons: tuple[str, ...]
    sources: tuple[str, ...]
    lowest: Decimal | None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of item; ``fits`` looks at a Task, ``summary`` raises :class:`ValueError` where it is not whole."""

    name: str
    fits: Callable[[JsonObject], bool]
    summary: Callable[[JsonObject], Summary]


def _claims_summary(task: JsonObject) -> Summary:
    item = read_item(task)
    return Summary(
        kind="claims",
        type=item.focus[0],
        reasons=tuple(sorted({claim.finding or "unverified" for claim in item.claims})),
        sources=tuple(sorted({claim.source for claim in item.claims})),
        lowest=min((claim.confidence for claim in item.claims), default=None),
    )


def _holds_claims(task: JsonObject) -> bool:
    return is_review(task) and any(one.get("id") == "claims" for one in task.get("contained", ()))


KINDS = (Kind("claims", _holds_claims, _claims_summary),)


def summary(task: JsonObject) -> Summary | None:
    """What the queue says of an item; None for a Task that nobody reviews."""
    if not is_review(task):
        return None
    for kind in KINDS:
        if kind.fits(task):
            return kind.summary(task)
    focus = str(task.get("focus", {}).get("reference", "")).partition("/")[0]
    return Summary("other", focus, (), (), None)
