"""patch, also conditional, by JSON Patch or FHIRPath Patch: https://hl7.org/fhir/R4/http.html#patch"""

from __future__ import annotations

from fhirserver.interactions.answers import written
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.patch_bodies import JSON_PATCH, read_patch
from fhirserver.interactions.preconditions import if_match
from fhirserver.interactions.profiles import held_to_claims
from fhirserver.interactions.reserved import refuse_reserved
from fhirserver.interactions.resources import condition, no_link, relative, unconditional
from fhirserver.interactions.search_parameters import perhaps_waiting, ready_for_conditions
from fhirserver.interactions.statement import statement_of
from fhirserver.interactions.subscription.governing import governing
from fhirserver.store.commands import Amend, Command


async def patch(context: Context, request: Request) -> Result:
    """State what the patch changes of the world resource, and nothing else.

    ``PATCH Type?…`` changes the one resource that matches; 404 where none does, 412 where several do.
    """
    statement = statement_of(request.principal, request.headers.get("x-provenance"))
    media = request.headers.get("content-type", "") or JSON_PATCH
    change = read_patch(media, request.body, no_link, unconditional(relative(context)))
    change = await governing(context, request.type, change)
    seen = if_match(request.headers.get("if-match"))
    await refuse_reserved(context, request.type, request.id)
    if request.id:
        amend, conditions = Amend(request.type, request.id, change, seen), {}
    else:
        await ready_for_conditions(context, str(request.params))
        name, query = await perhaps_waiting(
            request.params, lambda: condition(context, request.type, request.params)
        )
        amend, conditions = Amend(request.type, "", change, seen, where=name), {name: query}
    write, _ = await held_to_claims(context, amend, statement)
    command = Command(statement, (write,), conditions, context.reserved)
    outcome = await context.store.submit(command)
    return written(context, request, outcome.results[0])
