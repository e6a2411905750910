"""``[type]/[id]/$withdraw``: a source takes back what it said, as though it had never said it."""

from __future__ import annotations

from dataclasses import replace

from fhirserver.interactions.answers import outcome_bytes, written
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.preconditions import if_match
from fhirserver.interactions.registry import Operation, Parameter
from fhirserver.interactions.reserved import refuse_reserved
from fhirserver.interactions.statement import statement_of
from fhirserver.kernel.outcomes import Category, Issue, refuse
from fhirserver.operations.parameters import inputs, one
from fhirserver.store.commands import Command, Withdraw, Written
from fhirserver.world.vocabulary import ACTIVITY, BASE


async def withdraw(context: Context, request: Request) -> Result:
    """Take back a source's claims on a resource, all or those on the given ``unit``s.

    Others' claims hold from then on; a resource on which no claim is left is deleted. An operator may do it for
    any ``source``, with a ``reason``. Answers with the resource as it is now.
    """
    await refuse_reserved(context, request.type, request.id)
    given = inputs(request)
    reason = str(one(given, "reason") or "")
    units = tuple(str(unit) for unit in given.get("unit", ()))
    source = _whose(request, str(one(given, "source") or ""), reason)
    seen = if_match(request.headers.get("if-match"))
    own = statement_of(request.principal, request.headers.get("x-provenance"))
    activity = own.activity or {"coding": [{"system": ACTIVITY, "code": "withdraw"}]}
    write = Withdraw(request.type, request.id, source, units, reason, seen)
    outcome = await context.store.submit(Command(replace(own, activity=activity), (write,)))
    return _answer(context, request, outcome.results[0])


def _whose(request: Request, source: str, reason: str) -> str:
    """Whose claims are taken back: one's own, or with the role ``operator`` and a reason anybody's."""
    mine = request.principal.source.id
    if source in ("", mine):
        return mine
    if not request.principal.may("operator"):
        text = "Only the role 'operator' may take back what another source said"
        raise refuse(Category.FORBIDDEN, "forbidden", text, "Parameters.parameter.where(name='source')")
    if not reason:
        text = "'reason' is needed to take back what another source said"
        raise refuse(Category.INVALID, "required", text, "Parameters.parameter.where(name='reason')")
    return source


def _answer(context: Context, request: Request, write: Written) -> Result:
    if write.version is not None:
        request.method = "PUT"
        return written(context, request, write)
    text = f"No claim about {write.key} is left: it is deleted"
    return Result(200, outcome_bytes(Issue("informational", text, severity="information")))


WITHDRAW = Operation(
    "withdraw",
    "instance",
    ("*",),
    "write",
    withdraw,
    f"{BASE}/OperationDefinition/withdraw",
    affects_state=True,
    description="Take back what a source said, as though it had never said it; others' claims hold from then on.",
    parameters=(
        Parameter(
            "unit", "string", "The unit or path of the claims meant; all of the source without", max="*"
        ),
        Parameter("source", "string", "Whose claims, for operators; one's own without"),
        Parameter("reason", "string", "Why; needed where the claims are another's"),
        Parameter("return", "Resource", "The resource as it is now, or an OperationOutcome", 1, use="out"),
    ),
)
