"""``POST Task/$approve`` and ``POST Task/$reject``: one decision on many items, each independent of the others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.registry import Handler
from fhirserver.kernel.ids import is_id
from fhirserver.kernel.json import Json, JsonObject, loads
from fhirserver.kernel.outcomes import Category, Refusal, operation_outcome, refuse
from fhirserver.operations.parameters import group, inputs, parameters, part

AT_ONCE = 10
"""Items decided at a time: they share commits, and others' writes come between."""
_ITEM = "Parameters.parameter.where(name='item')"


def batched(activity: str, handler: Handler, *passed: str) -> Handler:
    """The operation at the level of the type. ``passed`` are the inputs that go on to each item.

    Answers 200 with a part for each ``item`` in the order asked: a reference, the status that the operation on the
    instance would have answered, and the Task or the OperationOutcome.
    """

    async def decided(context: Context, request: Request) -> Result:
        given = inputs(request)
        ids = _ids(given.get("item", []), context)
        more = [part(name, "String", value) for name in passed for value in given.get(name, [])]
        parts: list[JsonObject] = []
        for start in range(0, len(ids), AT_ONCE):
            asked = [_asked(request, activity, id, more) for id in ids[start : start + AT_ONCE]]
            parts += await asyncio.gather(*(_one(context, one, handler) for one in asked))
        return Result(200, parameters(parts))

    return decided


def _ids(given: Sequence[Json], context: Context) -> list[str]:
    """The items' ids. Refuses none at all (400), too many (413), one twice (400)."""
    if not given:
        raise refuse(Category.INVALID, "required", "'item' is needed, once for each item", _ITEM)
    most = context.review.batch_items
    if len(given) > most:
        text = f"At most {most} items are decided at once; these are {len(given)}"
        raise refuse(Category.TOO_LARGE, "too-long", text, _ITEM)
    ids = [_id(value, context.base_url) for value in given]
    if len({*ids}) < len(ids):
        raise refuse(Category.INVALID, "duplicate", "An item is named twice", _ITEM)
    return ids


def _id(value: Json, base: str) -> str:
    """The id in a Reference (``Task/1``, also absolute), or an id as it stands."""
    text = str(value.get("reference", "")) if isinstance(value, dict) else str(value)
    id = text.removeprefix(f"{base}/").removeprefix("Task/")
    if not is_id(id):
        raise refuse(
            Category.INVALID, "value", "An item is a reference such as Task/1, or the Task's id", _ITEM
        )
    return id


def _asked(request: Request, activity: str, id: str, more: Iterable[JsonObject]) -> Request:
    """The request on one item."""
    given = [*more]
    body: JsonObject = {"resourceType": "Parameters", **({"parameter": given} if given else {})}
    return Request(request.principal, "POST", "Task", id, operation=f"${activity}", body=body)


async def _one(context: Context, request: Request, handler: Handler) -> JsonObject:
    item = part("item", "Reference", {"reference": f"Task/{request.id}"})
    try:
        done = await handler(context, request)
    except Refusal as refusal:
        outcome = {"name": "outcome", "resource": operation_outcome(refusal.issues)}
        return group("result", [item, part("status", "Integer", refusal.category.value), outcome])
    return group(
        "result", [item, part("status", "Integer", 200), {"name": "task", "resource": loads(done.body)}]
    )
