"""Probable duplicates in the store: one item per pair of patients, and what was decided about the pair, for ever."""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.log import Statement
from fhirserver.ports.storage import Version
from fhirserver.search.expression import And, Or, Query, ReferenceIs, TokenIs
from fhirserver.store.commands import Note, Put, Write
from fhirserver.store.store import Store
from fhirserver.world.duplicates import (
    CALLED_OFF,
    DIFFERENT,
    DUPLICATE,
    FACT,
    PENDING_PAIR,
    SAME,
    duplicate_task,
    is_duplicate,
    pair_key,
    read_duplicate,
    task_id,
)
from fhirserver.world.identity.scoring import Score
from fhirserver.world.review import PENDING
from fhirserver.world.vocabulary import TASK_CODE

_MOST = 50
_WORDS = {DIFFERENT: "Two different patients", SAME: "One patient"}


async def state_of(store: Store, one: str, other: str) -> str:
    """``pending``, ``different`` or ``same``; empty for a pair that was never asked about."""
    fact = await store.fact(FACT, pair_key(one, other))
    return str(fact.value["state"]) if fact else ""


async def raised(store: Store, one: str, other: str, score: Score, at: str) -> Sequence[Write]:
    """The writes that ask an operator about a pair; none where somebody was asked before.

    They are refused (409) where another process asks at the same moment.
    """
    if await state_of(store, one, other) not in ("", CALLED_OFF):
        return ()
    id = task_id(one, other)
    note = await _moved(store, one, other, PENDING_PAIR, id)
    return note, Put("Task", id, duplicate_task(one, other, score, at))


async def decided(
    store: Store, version: Version, state: str, statement: Statement, reason: str = ""
) -> Sequence[Write]:
    """The writes by which the item in ``version`` is decided: the pair is ``different`` or the ``same``.

    ``statement`` is that of the item's new state. Refuses (422) a Task of another kind, and (409) a decided item.
    """
    task: JsonObject = loads(version.content)
    if not is_duplicate(task):
        text = "This Task is not about a probable duplicate"
        raise refuse(Category.UNPROCESSABLE, "business-rule", text, "Task.code")
    item = read_duplicate(task)
    if item.status not in PENDING:
        text = f"The item is decided already: its status is {item.status}"
        raise refuse(Category.CONFLICT, "conflict", text, "Task.status")
    task = {**task, "status": "completed", "businessStatus": {"text": _WORDS[state]}}
    if reason:
        task["statusReason"] = {"text": reason}
    note = await _moved(store, item.patient, item.other, state, version.id)
    return note, Put("Task", version.id, task, if_match=version.version, statement=statement)


async def _moved(store: Store, one: str, other: str, state: str, task: str) -> Note:
    """The fact about a pair in its next state; refused where somebody else moved it meanwhile."""
    fact = await store.fact(FACT, pair_key(one, other))
    position = int(fact.value["position"]) + 1 if fact else 1
    value: JsonObject = {"state": state, "task": task, "position": position}
    return Note(FACT, pair_key(one, other), value, advance=True)


async def pending_about(store: Store, patient: str) -> Sequence[Version]:
    """The items about a patient that wait for a decision."""
    about = (ReferenceIs("focus", "Patient", patient), ReferenceIs("subject", "Patient", patient))
    where = And(
        (
            TokenIs("code", TASK_CODE, DUPLICATE),
            Or(about),
            Or(tuple(TokenIs("status", None, status) for status in PENDING)),
        )
    )
    return (await store.search(Query("Task", where, count=_MOST))).versions


async def called_off(store: Store, patient: str) -> Sequence[Write]:
    """The writes that call off the pending items about a patient who is no more, merged or deleted."""
    writes: list[Write] = []
    for version in await pending_about(store, patient):
        task: JsonObject = loads(version.content)
        item = read_duplicate(task)
        reason = {"text": "One of the two is no longer a patient of its own"}
        writes.append(await _moved(store, item.patient, item.other, CALLED_OFF, version.id))
        off = {**task, "status": "cancelled", "statusReason": reason}
        writes.append(Put("Task", version.id, off, if_match=version.version))
    return writes
