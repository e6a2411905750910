"""What a write would be refused for, without writing. https://hl7.org/fhir/R4/resource-operation-validate.html"""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.interactions.exchange import Context, Request
from fhirserver.interactions.reserved import refuse_reserved
from fhirserver.interactions.resources import check_id, localised
from fhirserver.kernel.ids import new_id
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Issue, Refusal
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Command, Put, Remove, Write


async def refused_create(context: Context, request: Request, content: JsonObject) -> Sequence[Issue]:
    """Why a create of the content would be refused."""
    if request.id:
        text = "A create is not about a resource on the server: POST [type]/$validate"
        return (Issue("invalid", text, ("http.url",)),)
    type = str(content["resourceType"])
    return await _rehearse(context, request, Put(type, new_id(), localised(context, content), create=True))


async def refused_update(context: Context, request: Request, content: JsonObject) -> Sequence[Issue]:
    """Why an update of ``[type]/[id]``, or of the id that the content has, would be refused."""
    type, id = str(content["resourceType"]), request.id or str(content.get("id", ""))
    try:
        check_id(content, type, id)
        await refuse_reserved(context, type, id)
    except Refusal as refusal:
        return refusal.issues
    return await _rehearse(context, request, Put(type, id, localised(context, content)))


async def refused_delete(context: Context, request: Request) -> Sequence[Issue]:
    """Why a delete of ``[type]/[id]`` would be refused."""
    try:
        await refuse_reserved(context, request.type, request.id)
    except Refusal as refusal:
        return refusal.issues
    return await _rehearse(context, request, Remove(request.type, request.id))


async def _rehearse(context: Context, request: Request, write: Write) -> Sequence[Issue]:
    principal = request.principal
    if not principal.may("write"):
        return (Issue("forbidden", "This principal may not write"),)
    try:
        await context.store.rehearse(Command(Statement(principal.source.id, principal.name), (write,)))
    except Refusal as refusal:
        return refusal.issues
    return ()
