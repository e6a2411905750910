"""``ValueSet/$validate-code``: https://hl7.org/fhir/R4/valueset-operation-validate-code.html"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.read import current
from fhirserver.kernel.json import dumps
from fhirserver.operations.code_question import parameters_of, question_of
from fhirserver.operations.parameters import inputs
from fhirserver.operations.terminology_asked import Given, asked_of
from fhirserver.operations.terminology_input import asked_before, kept, service, value_set_of
from fhirserver.ports.code_validation import CodeQuestion


async def value_set_validate_code(context: Context, request: Request) -> Result:
    """Whether a value set holds a code; of a ``codeableConcept``, whether it holds one of its codings."""
    terminology = await service(context)
    if request.id:
        await current(context, request.type, request.id)
    asked = await asked_before(context, request)

    def make() -> bytes:
        given = inputs(request)
        question = value_set_question(request, given)
        return dumps(parameters_of(terminology.validate(question, asked or asked_of(request, given))))

    return await kept(context, request, "validate-code", make)


def value_set_question(request: Request, given: Given) -> CodeQuestion:
    value_set = value_set_of(request, given)
    return question_of(request, given, system="system", version="systemVersion", value_set=value_set)
