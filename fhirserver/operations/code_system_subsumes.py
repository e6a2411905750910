"""``CodeSystem/$subsumes``: https://hl7.org/fhir/R4/codesystem-operation-subsumes.html"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.read import current
from fhirserver.kernel.json import loads
from fhirserver.kernel.outcomes import Category, Issue, Refusal, refuse
from fhirserver.operations.parameters import inputs, one, parameters, part
from fhirserver.operations.terminology_asked import asked_of
from fhirserver.operations.terminology_input import Given, asked_before, kept, service


async def code_system_subsumes(context: Context, request: Request) -> Result:
    """How code A stands to code B: ``equivalent``, ``subsumes``, ``subsumed-by`` or ``not-subsumed``."""
    terminology = await service(context)
    stored = await _stored(context, request) if request.id else None
    before = await asked_before(context, request)

    def make() -> bytes:
        given = inputs(request)
        system, version = stored or (str(one(given, "system") or ""), str(one(given, "version") or ""))
        left, right = _code(given, "A", system), _code(given, "B", system)
        if not left[0] or not right[0]:
            raise _without_system(given)
        if left[0] != right[0] or (stored and left[0] != system):
            text = "Both codes are of one system: 'system' with 'codeA' and 'codeB', or two codings"
            raise refuse(Category.INVALID, "invalid", text, "Parameters.parameter")
        asked, of = before or asked_of(request, given), version or left[2] or right[2]
        outcome = terminology.subsumes(left[0], left[1], right[1], version=of, asked=asked)
        return parameters([part("outcome", "Code", outcome)])

    return await kept(context, request, "subsumes", make)


def _without_system(given: Given) -> Refusal:
    codings = "codingA" in given or "codingB" in given
    id = "SUBSUMES_CODING_NO_SYSTEM" if codings else "SUBSUMES_SYSTEM_REQUIRED"
    text = "A coding has no system" if codings else "The system of the codes is needed"
    return Refusal(Category.INVALID, (Issue("invalid", text, type="invalid-data", message_id=id),))


async def _stored(context: Context, request: Request) -> tuple[str, str]:
    """Url and version of the code system of the URL."""
    found = loads((await current(context, request.type, request.id)).content)
    return str(found.get("url", "")), str(found.get("version", ""))


def _code(given: Given, side: str, system: str) -> tuple[str, str, str]:
    """System, code and version."""
    coding = one(given, f"coding{side}")
    if coding is not None and f"code{side}" in given:
        text = f"Either 'code{side}' with 'system' is given, or 'coding{side}'"
        raise refuse(Category.INVALID, "invalid", text, f"Parameters.parameter.where(name='coding{side}')")
    if isinstance(coding, dict):
        code = str(coding.get("code", ""))
        if not code:
            text = f"coding{side} has no code"
            raise refuse(
                Category.INVALID, "required", text, f"Parameters.parameter.where(name='coding{side}')"
            )
        return str(coding.get("system", "")), code, str(coding.get("version", ""))
    return system, str(one(given, f"code{side}", required=True)), ""
