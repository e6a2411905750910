"""update, also conditional and as create: https://hl7.org/fhir/R4/http.html#update"""

from __future__ import annotations

from fhirserver.interactions.answers import written
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.preconditions import if_match, if_none_match
from fhirserver.interactions.profiles import held_to_claims
from fhirserver.interactions.reserved import refuse_reserved
from fhirserver.interactions.resources import accept, check_id, condition, localised, refuse_conditional
from fhirserver.interactions.search_parameters import check_definition, perhaps_waiting, ready_for_conditions
from fhirserver.interactions.statement import statement_of
from fhirserver.interactions.subscription.governing import governed
from fhirserver.kernel.ids import new_id
from fhirserver.store.commands import Command, Put


async def update(context: Context, request: Request) -> Result:
    """State a resource under an id the client knows, or under the one that matches (``PUT Type?…``)."""
    statement = statement_of(request.principal, request.headers.get("x-provenance"))
    seen = if_match(request.headers.get("if-match"))
    absent, unseen = if_none_match(request.headers.get("if-none-match"))
    body = request.json()
    if request.id:
        check_id(body, request.type, request.id)
    content = accept(body, request.type, partial=statement.mode == "partial")
    refuse_conditional(content, request.body)
    content = localised(context, content, request.body)
    await check_definition(context, content, content.get("id", ""))
    content = await governed(context, content)
    if request.id:
        await refuse_reserved(context, request.type, request.id)
        put = Put(request.type, request.id, content, False, seen, absent, unless_version=unseen)
        conditions = {}
    else:
        await ready_for_conditions(context, str(request.params))
        name, query = await perhaps_waiting(
            request.params, lambda: condition(context, request.type, request.params)
        )
        id = content.get("id") or new_id()
        await refuse_reserved(context, request.type, id)
        put = Put(request.type, id, content, False, seen, absent, where=name, unless_version=unseen)
        conditions = {name: query}
    write, claimed = await held_to_claims(context, put, statement)
    command = Command(statement, (write,), conditions, context.reserved)
    outcome = await context.store.submit(command)
    return written(context, request, outcome.results[0], claimed)
