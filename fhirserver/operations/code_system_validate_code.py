"""``CodeSystem/$validate-code``: https://hl7.org/fhir/R4/codesystem-operation-validate-code.html"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.read import current
from fhirserver.kernel.json import JsonObject, dumps
from fhirserver.operations.code_question import parameters_of, question_of
from fhirserver.operations.parameters import inputs, one
from fhirserver.operations.terminology_asked import Given, asked_of
from fhirserver.operations.terminology_input import asked_before, kept, service
from fhirserver.ports.code_validation import CodeQuestion


async def code_system_validate_code(context: Context, request: Request) -> Result:
    """Whether a code system (``url``) has a code, and the display given with it."""
    terminology = await service(context)
    if request.id:
        await current(context, request.type, request.id)
    asked = await asked_before(context, request)

    def make() -> bytes:
        given = inputs(request)
        question = code_system_question(request, given)
        return dumps(parameters_of(terminology.validate(question, asked or asked_of(request, given))))

    return await kept(context, request, "validate-code", make)


def code_system_question(request: Request, given: Given) -> CodeQuestion:
    """A bare code is of the ``url``, or else of the ``system``."""
    code_system, system = _code_system(request, given), "url" if given.get("url") else "system"
    return question_of(request, given, system=system, version="version", code_system=code_system)


def _code_system(request: Request, given: Given) -> str | JsonObject | None:
    """That of the URL, the one given as ``codeSystem``, or the canonical ``url`` with its version."""
    if request.id:
        return f"{request.type}/{request.id}"
    inline = one(given, "codeSystem")
    if isinstance(inline, dict):
        return inline
    url, version = one(given, "url"), one(given, "version")
    return f"{url}|{version}" if url and version else str(url) if url else None
