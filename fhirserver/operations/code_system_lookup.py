"""``CodeSystem/$lookup``: https://hl7.org/fhir/R4/codesystem-operation-lookup.html"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.parameters import group, inputs, one, parameters, part
from fhirserver.ports.terminology import Concept, Terminology


async def code_system_lookup(context: Context, request: Request) -> Result:
    """What a code means: by ``code`` and ``system``, or by ``coding``."""
    given = inputs(request)
    system, code = coded(given)
    concept = (await service(context)).lookup(system, code)
    return Result(200, parameters([one for one in _answer(concept) if one is not None]))


async def service(context: Context) -> Terminology:
    """The terminology service, knowing all that is stored by now, or a refusal where the server has none."""
    if context.terminology is None:
        raise refuse(Category.NOT_SUPPORTED, "not-supported", "This server has no terminology service")
    await context.conformance.catch_up()
    return context.terminology


def coded(given: dict[str, list[Json]]) -> tuple[str, str]:
    """System and code from the inputs ``coding``, or ``system`` and ``code``."""
    coding = one(given, "coding")
    if isinstance(coding, dict):
        return str(coding.get("system", "")), str(coding.get("code", ""))
    return str(one(given, "system") or ""), str(one(given, "code", required=True))


def _answer(concept: Concept) -> list[JsonObject | None]:
    return [
        part("name", "String", concept.system),
        part("version", "String", concept.version) if concept.version else None,
        part("display", "String", concept.display or concept.code),
        part("definition", "String", concept.definition) if concept.definition else None,
        *(
            group(
                "designation",
                [
                    part("language", "Code", other.language) if other.language else None,
                    part("value", "String", other.value),
                ],
            )
            for other in concept.designations
        ),
    ]
