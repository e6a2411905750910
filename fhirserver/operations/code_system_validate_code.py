"""``CodeSystem/$validate-code``: https://hl7.org/fhir/R4/codesystem-operation-validate-code.html"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.kernel.json import JsonObject
from fhirserver.operations.code_question import question_of, validated
from fhirserver.operations.parameters import one
from fhirserver.operations.terminology_asked import Given
from fhirserver.ports.code_validation import CodeQuestion


async def code_system_validate_code(context: Context, request: Request) -> Result:
    """Whether a code system (``url``) has a code, and the display given with it."""
    return await validated(context, request, code_system_question)


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
