"""What the reviewer decides, done by the operations on review items; one item refused does not fail the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fhirserver.console.desk import Desk, strings, words_of
from fhirserver.console.sessions import LastDecision, Session
from fhirserver.kernel.outcomes import Refusal

DONE = {
    "approve": "approved",
    "reject": "rejected",
    "correct": "corrected",
    "claim": "held",
    "release": "given back",
    "undo": "undone",
}
"""Operations on an item by their code, and what is said when one was done."""
REASONS = (
    "The caller said something else",
    "Misheard: wrong digits or spelling",
    "Said about another person",
    "Out of date: the record is newer",
    "Not confirmed by the caller",
    "Does not match the payer's or the directory's data",
)
"""Common reasons for a rejection."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Items that it was done to, and for the others why not."""

    done: Sequence[str]
    refused: Sequence[str]


async def on_items(
    desk: Desk, session: Session, decision: str, ids: Sequence[str], reason: str = ""
) -> Outcome:
    """Do the same to several items, each by itself."""
    done: list[str] = []
    refused: list[str] = []
    given = strings("reason", [reason] if reason else [])
    for id in ids:
        try:
            await desk.invoke(session, "Task", id, decision, *given)
            done.append(id)
        except Refusal as refusal:
            item = desk.queue.items.get(id)
            refused.append(f"{item.description if item else 'Item'}: {words_of(refusal)}")
    return Outcome(done, refused)


def remembered(outcome: Outcome, decision: str, about: str) -> LastDecision:
    """What the pages say of a decision until the next one. Taking back can itself not be taken back."""
    count = len(outcome.done)
    what = about if count == 1 else f"{count} items" if count else "nothing"
    said = f"{DONE[decision].capitalize()}: {what}"
    undoable = count > 0 and decision in ("approve", "reject", "correct")
    return LastDecision(tuple(outcome.done), said, tuple(outcome.refused), undoable)
