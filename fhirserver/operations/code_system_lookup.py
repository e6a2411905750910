"""``CodeSystem/$lookup``: https://hl7.org/fhir/R4/codesystem-operation-lookup.html"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.parameters import group, inputs, parameters, part
from fhirserver.operations.terminology_input import codes_of, service
from fhirserver.ports.terminology import Concept


async def code_system_lookup(context: Context, request: Request) -> Result:
    """What a code means: by ``code`` and ``system`` (and ``version``), or by ``coding``."""
    terminology = await service(context)
    asked = codes_of(inputs(request), version="version")[0]
    if asked.version:
        found = terminology.validate_code("", asked.system, asked.code, version=asked.version)
        if not found.result:
            raise refuse(Category.NOT_FOUND, "not-found", found.message)
    concept = terminology.lookup(asked.system, asked.code)
    return Result(200, parameters([one for one in _answer(concept) if one is not None]))


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
        _property("inactive", concept.inactive),
        _property("notSelectable", concept.abstract),
    ]


def _property(code: str, value: bool) -> JsonObject | None:
    return group("property", [part("code", "Code", code), part("value", "Boolean", True)]) if value else None
