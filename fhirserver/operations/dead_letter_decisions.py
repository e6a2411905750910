"""What is decided about dead letters, each by itself: one that was settled meanwhile does not hold the others up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fhirserver.interactions.exchange import Context, Request
from fhirserver.kernel.json import Json, JsonObject, loads
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.operations.connector import SYSTEM
from fhirserver.operations.parameters import group, part
from fhirserver.ports.log import Statement
from fhirserver.search.cursor import decode
from fhirserver.search.expression import Query
from fhirserver.store.commands import Command, Put
from fhirserver.store.dead_letters import dead_letters, is_dead_letter

_PAGE = 500


async def meant(context: Context, name: str, tasks: Sequence[Json]) -> list[str]:
    """The ids of the Tasks that an input names, by reference or id; of all dead letters where it names none."""
    if tasks:
        return list(dict.fromkeys(_id(task) for task in tasks))
    found: list[str] = []
    query = Query("Task", dead_letters(name), count=_PAGE)
    while True:
        page = await context.store.search(query)
        found += [version.id for version in page.versions]
        if not page.cursor:
            return found
        query = Query("Task", query.where, count=_PAGE, cursor=decode(page.cursor, ()))


def _id(task: Json) -> str:
    text = str(task.get("reference", "")) if isinstance(task, dict) else str(task)
    type, _, id = text.rpartition("/")
    if type not in ("", "Task") or not id:
        where = "Parameters.parameter.where(name='task')"
        raise refuse(Category.INVALID, "value", "'task' is a reference to a Task, or its id", where)
    return id


async def decided(
    context: Context, request: Request, name: str, id: str, change: Callable[[JsonObject], JsonObject]
) -> JsonObject:
    """Change one dead letter; the part of the answer that says what came of it, with an HTTP status."""
    status = await _changed(context, request, name, id, change)
    task = part("task", "Reference", {"reference": f"Task/{id}"})
    return group("result", (task, part("status", "Integer", status)))


async def _changed(
    context: Context, request: Request, name: str, id: str, change: Callable[[JsonObject], JsonObject]
) -> int:
    version = await context.store.read("Task", id)
    if version is None or version.deleted:
        return Category.NOT_FOUND.value
    task: JsonObject = loads(version.content)
    if not is_dead_letter(task, name):
        return Category.CONFLICT.value
    own = Statement(SYSTEM, principal=request.principal.name, method="review")
    put = Put("Task", id, change(task), if_match=version.version)
    try:
        await context.store.submit(Command(own, (put,)))
    except Refusal as refusal:
        return refusal.category.value
    return 200
