"""delete, also conditional: https://hl7.org/fhir/R4/http.html#delete"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fhirserver.interactions.answers import deleted
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.preconditions import if_match
from fhirserver.interactions.reserved import refuse_reserved
from fhirserver.interactions.resources import condition
from fhirserver.interactions.search_parameters import perhaps_waiting, ready_for_conditions
from fhirserver.interactions.statement import statement_of
from fhirserver.search.expression import Query
from fhirserver.store.commands import Command, Remove


async def delete(context: Context, request: Request) -> Result:
    """Say that a resource is no more; 204 also where it never was.

    ``DELETE Type?…`` says it of what matches: one resource, or as many as the settings allow; 412 beyond. Where
    a source that is trusted more says that it is, the statement is recorded and held: 200 with an
    OperationOutcome that says so.
    """
    statement = statement_of(request.principal, request.headers.get("x-provenance"))
    seen = if_match(request.headers.get("if-match"))
    await refuse_reserved(context, request.type, request.id)
    if request.id:
        command = Command(statement, (Remove(request.type, request.id, seen),))
    else:
        await ready_for_conditions(context, str(request.params))
        remove, conditions = await perhaps_waiting(
            request.params, lambda: conditional_remove(context, request.type, request.params, seen)
        )
        command = Command(statement, (remove,), conditions, context.reserved)
    outcome = await context.store.submit(command)
    return deleted(request.prefer_return, outcome.results[0])


def conditional_remove(
    context: Context, type: str, criteria: str | Sequence[tuple[str, str]], seen: int | None = None
) -> tuple[Remove, dict[str, Query]]:
    """The removal of what matches, and the condition it names."""
    most = context.limits.conditional_delete
    name, query = condition(context, type, criteria)
    name = f"DELETE {name}"
    return Remove(type, "", seen, where=name, most=most), {name: replace(query, count=most + 1)}
