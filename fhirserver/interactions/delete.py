"""delete: https://hl7.org/fhir/R4/http.html#delete"""

from __future__ import annotations

from fhirserver.interactions.answers import held_issues
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.preconditions import if_match
from fhirserver.interactions.reserved import refuse_reserved
from fhirserver.interactions.statement import statement_of
from fhirserver.kernel.json import dumps
from fhirserver.store.commands import Command, Remove


async def delete(context: Context, request: Request) -> Result:
    """Say that a resource is no more; 204 also where it never was.

    Where a source that is trusted more says that it is, the statement is recorded and held: 200 with an
    OperationOutcome that says so.
    """
    statement = statement_of(request.principal, request.headers.get("x-provenance"))
    await refuse_reserved(context, request.type, request.id)
    remove = Remove(request.type, request.id, if_match(request.headers.get("if-match")))
    outcome = await context.store.submit(Command(statement, (remove,)))
    write = outcome.results[0]
    if write.held:
        body = dumps({"resourceType": "OperationOutcome", "issue": held_issues(write)})
        return Result(200, body, {"X-Held": ",".join(write.held)}, issues=held_issues(write))
    return Result(204)
