"""``ValueSet/$validate-code``: https://hl7.org/fhir/R4/valueset-operation-validate-code.html"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.kernel.json import dumps
from fhirserver.operations.code_question import answered, question_of
from fhirserver.operations.parameters import inputs
from fhirserver.operations.terminology_asked import asked_of
from fhirserver.operations.terminology_input import service, value_set_of


async def value_set_validate_code(context: Context, request: Request) -> Result:
    """Whether a value set holds a code; of a ``codeableConcept``, whether it holds one of its codings."""
    given, terminology = inputs(request), await service(context)
    value_set = await value_set_of(context, request, given)
    question = question_of(request, given, system="system", version="systemVersion", value_set=value_set)
    return Result(200, dumps(answered(terminology.validate(question, asked_of(request, given)))))
