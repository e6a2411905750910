"""``$batch-validate-code`` of value sets and code systems: many questions of ``$validate-code`` in one request.

https://build.fhir.org/ig/HL7/fhir-tx-ecosystem-ig/requirements.html#batch-validation
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TypeAlias

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.registry import Parameter
from fhirserver.kernel.json import Json, JsonObject, dumps
from fhirserver.kernel.outcomes import Category, Refusal, operation_outcome, refuse
from fhirserver.operations.code_question import parameters_of
from fhirserver.operations.code_system_validate_code import code_system_question
from fhirserver.operations.parameters import inputs, named_values
from fhirserver.operations.terminology_asked import Given, asked_with_kept
from fhirserver.operations.terminology_input import service
from fhirserver.operations.value_set_validate_code import value_set_question
from fhirserver.ports.code_validation import CodeQuestion
from fhirserver.ports.terminology import Terminology
from fhirserver.ports.terminology_asked import Asked

Question: TypeAlias = tuple[CodeQuestion, Asked]

MOST, FEW = 5000, 20
VALIDATION = Parameter(
    "validation", "Parameters", "The parameters of one $validate-code; theirs come first", 1, "*"
)
VALIDATED = Parameter("validation", "Resource", "What each would be answered, in order", 0, "*", "out")


async def batch_validate_code(context: Context, request: Request) -> Result:
    """Every ``validation`` is answered in its place: one that cannot be, with an OperationOutcome. What is given
    beside them counts for each that does not say otherwise."""
    terminology, given = await service(context), inputs(request)
    asked = given.pop("validation", [])
    if not asked:
        raise refuse(Category.INVALID, "required", "validation is needed", "Parameters.parameter")
    if len(asked) > MOST:
        text = f"A batch may have {MOST} validations"
        raise refuse(Category.TOO_LARGE, "too-long", text, "Parameters.parameter")
    questions = [await _question(context, request, given, one) for one in asked]

    def make() -> bytes:
        answers = [_answer(terminology, question) for question in questions]
        parameters = [{"name": "validation", "resource": one} for one in answers]
        return dumps({"resourceType": "Parameters", "parameter": parameters})

    if terminology.waits:
        return Result(200, await asyncio.to_thread(make))
    return Result(200, await context.work.done(make, aside=len(asked) > FEW))


async def _question(context: Context, request: Request, common: Given, one: Json) -> Question | Refusal:
    """One question, with what it brings along; or why it is none."""
    try:
        given = {**common, **dict(_own(one))}
        of_value_set = request.type == "ValueSet" and ("url" in given or "valueSet" in given)
        question = value_set_question if of_value_set else code_system_question
        return question(request, given), await asked_with_kept(context, request, given)
    except Refusal as refusal:
        return refusal


def _answer(terminology: Terminology, question: Question | Refusal) -> JsonObject:
    try:
        if isinstance(question, Refusal):
            raise question
        return parameters_of(terminology.validate(*question))
    except Refusal as refusal:
        return operation_outcome(refusal.issues)


def _own(one: Json) -> Iterator[tuple[str, list[Json]]]:
    if not isinstance(one, dict) or one.get("resourceType") != "Parameters":
        raise refuse(
            Category.INVALID, "invalid", "A validation is a Parameters resource", "Parameters.parameter"
        )
    yield from named_values(one).items()
