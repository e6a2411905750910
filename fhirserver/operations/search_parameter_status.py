"""``SearchParameter/[id]/$status``: whether searches may use a stored SearchParameter, and how far its index is."""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.read import current
from fhirserver.operations.parameters import parameters, part
from fhirserver.store.search_parameters import Taken


async def search_parameter_status(context: Context, request: Request) -> Result:
    """Parameters with ``status``: ``ready``, ``indexing``, ``refused``, ``standard`` or ``inactive``.

    While it is ``indexing``, ``indexed`` of ``total`` resources are done by the pass that is under way (both 0
    before it began). A search by a parameter that is not ready is refused with 503.
    """
    await current(context, request.type, request.id)
    known = context.store.parameters
    await known.refresh()
    taken = known.taken.get(request.id)
    status = _status(taken)
    told = [part("status", "Code", status)]
    if status == "indexing":
        indexed, total = known.progress
        told += [part("indexed", "Integer", indexed), part("total", "Integer", total)]
    if taken is not None:
        told += [part("reason", "String", issue.diagnostics) for issue in taken.issues]
    return Result(200, parameters([one for one in told if one is not None]))


def _status(taken: Taken | None) -> str:
    if taken is None:
        return "inactive"
    if taken.issues:
        return "refused"
    if not taken.definition.by_type:
        return "standard" if taken.definition.same else "inactive"
    return "ready" if taken.ready else "indexing"
