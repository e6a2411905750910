"""``[type]/[id]/$unmerge``: a merge is undone, and what was merged has its own claims again. Credence's own."""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.read import current
from fhirserver.interactions.statement import statement_of
from fhirserver.operations.merge import finished, undone_task, with_activity
from fhirserver.operations.merge_input import check_may_merge
from fhirserver.store.commands import Command, Unmerge


async def unmerge(context: Context, request: Request) -> Result:
    """Undo the merge of this resource into another. Answers with this one as it is again."""
    check_may_merge(request)
    version = await current(context, request.type, request.id)
    entity = await context.store.entity(request.type, request.id)
    into = entity.ledger.into if entity else ""
    task = undone_task(request.type, request.id, version.version, into)
    said = with_activity(statement_of(request.principal, request.headers.get("x-provenance")), "unmerge")
    await context.store.submit(Command(said, (Unmerge(request.type, request.id, task.id), task)))
    return await finished(context, request, f"{request.type}/{request.id}", request.id, task.id)
