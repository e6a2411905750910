"""``ValueSet/$validate-code``: https://hl7.org/fhir/R4/valueset-operation-validate-code.html"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.operations.code_question import question_of, validated
from fhirserver.operations.terminology_asked import Given
from fhirserver.operations.terminology_input import value_set_of
from fhirserver.ports.code_validation import CodeQuestion


async def value_set_validate_code(context: Context, request: Request) -> Result:
    """Whether a value set holds a code; of a ``codeableConcept``, whether it holds one of its codings."""
    return await validated(context, request, value_set_question)


def value_set_question(request: Request, given: Given) -> CodeQuestion:
    value_set = value_set_of(request, given)
    return question_of(request, given, system="system", version="systemVersion", value_set=value_set)
