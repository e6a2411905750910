"""create, also conditional: https://hl7.org/fhir/R4/http.html#create"""

from __future__ import annotations

from fhirserver.interactions.answers import written
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.profiles import held_to_claims
from fhirserver.interactions.resources import accept, if_none_exist, localised, refuse_conditional, without_id
from fhirserver.interactions.search_parameters import check_definition, perhaps_waiting, ready_for_conditions
from fhirserver.interactions.statement import statement_of
from fhirserver.interactions.subscription.governing import governed
from fhirserver.kernel.ids import new_id
from fhirserver.store.commands import Command, Put


async def create(context: Context, request: Request) -> Result:
    """Make a new resource with an id of the server's. ``If-None-Exist`` makes it only where none matches."""
    statement = statement_of(request.principal, request.headers.get("x-provenance"))
    content = accept(without_id(request.json()), request.type, partial=statement.mode == "partial")
    refuse_conditional(content, request.body)
    content = localised(context, content, request.body)
    await check_definition(context, content)
    content = await governed(context, content)
    conditions = {}
    unless = criteria = request.headers.get("if-none-exist", "")
    if unless:
        await ready_for_conditions(context, unless)
        unless, query = await perhaps_waiting(unless, lambda: if_none_exist(context, request.type, criteria))
        conditions[unless] = query
    put = Put(request.type, new_id(), content, create=True, unless=unless)
    write, claimed = await held_to_claims(context, context.store.prepared(put), statement)
    outcome = await context.store.submit(Command(statement, (write,), conditions))
    return written(context, request, outcome.results[0], claimed)
