"""update, also conditional and as create: https://hl7.org/fhir/R4/http.html#update"""

from __future__ import annotations

from fhirserver.interactions.answers import written
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.preconditions import if_match
from fhirserver.interactions.reserved import refuse_reserved
from fhirserver.interactions.resources import accept, check_id, condition, localised
from fhirserver.interactions.statement import statement_of
from fhirserver.kernel.ids import new_id
from fhirserver.store.commands import Command, Put


async def update(context: Context, request: Request) -> Result:
    """State a resource under an id the client knows, or under the one that matches (``PUT Type?…``)."""
    statement = statement_of(request.principal, request.headers.get("x-provenance"))
    content = accept(request.json(), request.type, partial=statement.mode == "partial")
    content = localised(context, content)
    seen, absent = if_match(request.headers.get("if-match")), request.headers.get("if-none-match") == "*"
    if request.id:
        check_id(content, request.type, request.id)
        await refuse_reserved(context, request.type, request.id)
        put = Put(request.type, request.id, content, if_match=seen, if_absent=absent)
        command = Command(statement, (put,))
    else:
        name, query = condition(context, request.type, request.params)
        put = Put(request.type, content.get("id") or new_id(), content, if_match=seen, where=name)
        command = Command(statement, (put,), {name: query})
    outcome = await context.store.submit(command)
    return written(context, request, outcome.results[0])
