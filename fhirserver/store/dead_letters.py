"""Dead letters: Tasks for what could not be written to an EHR, or taken in from it, and waits for a person."""

from __future__ import annotations

from typing import Final

from fhirserver.kernel.json import JsonObject
from fhirserver.search.expression import And, Expression, Or, TokenIs
from fhirserver.world.vocabulary import SOURCE_PREFIX, TASK_CODE

OWNER: Final = f"{SOURCE_PREFIX}sink"
"""The system of the identifier by which a Task names its connector."""
WRITEBACK, INTAKE = "writeback", "intake"


def dead_letters(connector: str) -> Expression:
    """The search for those of one connector, of both directions."""
    return And(
        (
            Or((TokenIs("code", TASK_CODE, WRITEBACK), TokenIs("code", TASK_CODE, INTAKE))),
            TokenIs("status", None, "failed"),
            TokenIs("owner:identifier", OWNER, connector),
        )
    )


def is_dead_letter(task: JsonObject, connector: str) -> bool:
    """Whether the Task is one of the connector's."""
    codings = task.get("code", {}).get("coding", ())
    kinds = {one.get("code") for one in codings if one.get("system") == TASK_CODE}
    owner = {"system": OWNER, "value": connector}
    mine: bool = task.get("owner", {}).get("identifier") == owner
    return mine and not kinds.isdisjoint((WRITEBACK, INTAKE)) and task.get("status") == "failed"


def again(task: JsonObject) -> JsonObject:
    """The Task when it shall be tried once more."""
    return {**_without(task, "statusReason"), "status": "requested"}


def discarded(task: JsonObject, reason: str) -> JsonObject:
    """The Task when nobody shall try it again."""
    return {**task, "status": "cancelled", "statusReason": {"text": f"Discarded: {reason}"}}


def _without(task: JsonObject, name: str) -> JsonObject:
    return {member: value for member, value in task.items() if member != name}
