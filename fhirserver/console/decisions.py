"""What the reviewer decides, done by the operations on review items; one item refused does not fail the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fhirserver.console.desk import Desk, strings, words_of
from fhirserver.console.sessions import LastDecision, Session
from fhirserver.kernel.json import JsonObject, loads
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
BATCHED = ("approve", "reject")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Items that it was done to, and for the others why not."""

    done: Sequence[str]
    refused: Sequence[str]


async def on_items(
    desk: Desk, session: Session, decision: str, ids: Sequence[str], reason: str = ""
) -> Outcome:
    """Do the same to several items, each by itself: by the batch operation where there is one."""
    given = strings("reason", [reason] if reason else [])
    if decision in BATCHED:
        most = desk.context.review.batch_items
        answers = [
            await _batch(desk, session, decision, ids[start : start + most], given)
            for start in range(0, len(ids), most)
        ]
    else:
        answers = [[(id, await _single(desk, session, decision, id, given)) for id in ids]]
    told = [one for answer in answers for one in answer]
    refused = [f"{_about(desk, id)}: {wrong}" for id, wrong in told if wrong]
    return Outcome([id for id, wrong in told if not wrong], refused)


async def _batch(
    desk: Desk, session: Session, decision: str, ids: Sequence[str], given: Sequence[JsonObject]
) -> list[tuple[str, str]]:
    """Each item with what was wrong, or empty."""
    items = [{"name": "item", "valueReference": {"reference": f"Task/{id}"}} for id in dict.fromkeys(ids)]
    try:
        result = await desk.invoke(session, "Task", "", decision, *items, *given)
    except Refusal as refusal:
        return [(id, words_of(refusal)) for id in ids]
    return [_told(one["part"]) for one in loads(result.body).get("parameter", ())]


def _told(parts: Sequence[JsonObject]) -> tuple[str, str]:
    """An item's id and what was wrong, from its part of a batch's answer."""
    named = {one["name"]: one for one in parts}
    id = str(named["item"]["valueReference"]["reference"]).removeprefix("Task/")
    issues = named["outcome"]["resource"]["issue"] if "outcome" in named else ()
    return id, "; ".join(issue.get("diagnostics", issue["code"]) for issue in issues)


async def _single(desk: Desk, session: Session, decision: str, id: str, given: Sequence[JsonObject]) -> str:
    try:
        await desk.invoke(session, "Task", id, decision, *given)
    except Refusal as refusal:
        return words_of(refusal)
    return ""


def _about(desk: Desk, id: str) -> str:
    item = desk.queue.items.get(id)
    return item.about if item else "Item"


def remembered(outcome: Outcome, decision: str, about: str) -> LastDecision:
    """What the pages say of a decision until the next one. Taking back can itself not be taken back."""
    count = len(outcome.done)
    what = about if count == 1 else f"{count} items" if count else "nothing"
    said = f"{DONE[decision].capitalize()}: {what}"
    undoable = count > 0 and decision in ("approve", "reject", "correct")
    return LastDecision(tuple(outcome.done), said, tuple(outcome.refused), undoable)
