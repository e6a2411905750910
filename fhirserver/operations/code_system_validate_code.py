"""``CodeSystem/$validate-code``: https://hl7.org/fhir/R4/codesystem-operation-validate-code.html"""

from __future__ import annotations

from dataclasses import replace

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.parameters import inputs, one
from fhirserver.operations.terminology_input import codes_of, service
from fhirserver.operations.value_set_validate_code import first_right, validation


async def code_system_validate_code(context: Context, request: Request) -> Result:
    """Whether a code system (``url``) has a code, and the display given with it."""
    given, terminology = inputs(request), await service(context)
    url = str(one(given, "url") or "")
    asked = [replace(code, system=url or code.system) for code in codes_of(given, "url", "version")]
    if not all(code.system for code in asked):
        text = "The code system is needed: as 'url', or in the coding"
        raise refuse(Category.INVALID, "required", text, "Parameters.parameter.where(name='url')")
    return validation(first_right(terminology, "", asked))
