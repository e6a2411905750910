"""``CodeSystem/$subsumes``: https://hl7.org/fhir/R4/codesystem-operation-subsumes.html"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.parameters import inputs, one, parameters, part
from fhirserver.operations.terminology_input import Given, service


async def code_system_subsumes(context: Context, request: Request) -> Result:
    """How code A stands to code B: ``equivalent``, ``subsumes``, ``subsumed-by`` or ``not-subsumed``."""
    given, terminology = inputs(request), await service(context)
    (system, left), (other, right) = _code(given, "A"), _code(given, "B")
    if system != other or not system:
        text = "Both codes are of one system: 'system' with 'codeA' and 'codeB', or two codings"
        raise refuse(Category.INVALID, "invalid", text, "Parameters.parameter")
    return Result(200, parameters([part("outcome", "Code", terminology.subsumes(system, left, right))]))


def _code(given: Given, side: str) -> tuple[str, str]:
    coding = one(given, f"coding{side}")
    if isinstance(coding, dict):
        return str(coding.get("system", "")), str(coding.get("code", ""))
    return str(one(given, "system") or ""), str(one(given, f"code{side}", required=True))
