"""``ValueSet/$validate-code``: https://hl7.org/fhir/R4/valueset-operation-validate-code.html"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.operations.code_system_lookup import coded, service
from fhirserver.operations.parameters import inputs, one, parameters, part


async def value_set_validate_code(context: Context, request: Request) -> Result:
    """Whether a value set (``url``) holds a code."""
    given = inputs(request)
    url = str(one(given, "url", required=True))
    system, code = coded(given)
    found = (await service(context)).validate_code(url, system, code)
    answer = [part("result", "Boolean", found.result)]
    if found.message:
        answer.append(part("message", "String", found.message))
    if found.concept is not None and found.concept.display:
        answer.append(part("display", "String", found.concept.display))
    return Result(200, parameters(answer))
