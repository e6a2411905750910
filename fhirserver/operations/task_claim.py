"""``Task/[id]/$claim`` and ``$release``: one reviewer at a time holds an item, for as long as the settings say."""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.interactions.exchange import Context, Request
from fhirserver.kernel.json import JsonObject
from fhirserver.operations.task_review import Open, by_kind, principal_of, update_task
from fhirserver.store.commands import Write
from fhirserver.world.duplicates import DUPLICATE
from fhirserver.world.review import CLAIMS, freed
from fhirserver.world.vocabulary import CLAIMED_UNTIL


async def claim_item(context: Context, request: Request, opened: Open) -> Sequence[Write]:
    """Take the item, or hold it longer; 423 while another reviewer has it."""
    until = {"url": CLAIMED_UNTIL, "valueInstant": context.review.until(context.clock.now())}
    task = freed(opened.task)
    taken: JsonObject = {
        **task,
        "extension": [*task.get("extension", ()), until],
        "status": "accepted",
        "owner": principal_of(request.principal.name),
        "lastModified": opened.now,
    }
    return (update_task(opened, request, taken),)


async def release_item(context: Context, request: Request, opened: Open) -> Sequence[Write]:
    """Give the item back."""
    given = {**freed(opened.task), "status": "requested", "lastModified": opened.now}
    return (update_task(opened, request, given),)


task_claim = by_kind("claim", {CLAIMS: claim_item, DUPLICATE: claim_item})
task_release = by_kind("release", {CLAIMS: release_item, DUPLICATE: release_item})
