"""``ValueSet/$validate-code``: https://hl7.org/fhir/R4/valueset-operation-validate-code.html"""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Refusal
from fhirserver.operations.parameters import inputs, parameters, part
from fhirserver.operations.terminology_input import Coded, codes_of, service, value_set_of
from fhirserver.ports.terminology import Terminology, Validation


async def value_set_validate_code(context: Context, request: Request) -> Result:
    """Whether a value set holds a code; of a ``codeableConcept``, whether it holds one of its codings."""
    given, terminology = inputs(request), await service(context)
    value_set = await value_set_of(context, request, given)
    return validation(first_right(terminology, value_set, codes_of(given)))


def first_right(terminology: Terminology, value_set: str | JsonObject, asked: Sequence[Coded]) -> Validation:
    """The first of the codes that is right, or what is wrong with the first; what cannot be told is raised last."""
    text = "There is no code to be checked: a coding needs a system and a code"
    wrong, untold = Validation(False, message=text, cause="not-in-vs"), None
    for number, one in enumerate(asked):
        if one.is_coding and not one.system:
            continue
        try:
            found = terminology.validate_code(
                value_set, one.system, one.code, version=one.version, display=one.display
            )
        except Refusal as refusal:
            untold = untold or refusal
            continue
        if found.result:
            return found
        wrong = found if number == 0 else wrong
    if untold is not None:
        raise untold
    return wrong


def validation(found: Validation) -> Result:
    """The answer of both ``$validate-code``."""
    answer = [part("result", "Boolean", found.result)]
    if found.message:
        answer.append(part("message", "String", found.message))
    if found.concept is not None and found.concept.display:
        answer.append(part("display", "String", found.concept.display))
    return Result(200, parameters(answer))
