"""``$validate``: https://hl7.org/fhir/R4/resource-operation-validate.html"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.profiles import conformance_issues
from fhirserver.interactions.read import current
from fhirserver.interactions.rehearsal import refused_create, refused_delete, refused_update
from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.kernel.outcomes import Category, Issue, operation_outcome, refuse
from fhirserver.operations.validate_input import Asked, asked, needed

Rehearse = Callable[[Context, Request, JsonObject], Awaitable[Sequence[Issue]]]

_REHEARSALS: dict[str, Rehearse] = {"create": refused_create, "update": refused_update}
_ALL_OK = Issue("informational", "All OK: no issue was found", severity="information")


async def validate_resource(context: Context, request: Request) -> Result:
    """Whether a resource is valid, and acceptable to the interaction that ``mode`` names.

    200 with an OperationOutcome that lists every issue; 400 only where the request itself is malformed. Nothing is
    written, and an outcome without errors is no promise that a later write succeeds.
    """
    found = asked(request)
    if found.mode == "delete":
        issues = await _for_delete(context, request)
    elif found.resource is None and request.id:
        version = await current(context, request.type, request.id)
        issues = await conformance_issues(context, loads(version.content), found.profiles)
    else:
        issues = await _issues(context, request, found, needed(found))
    return Result(200, dumps(operation_outcome(issues or [_ALL_OK])))


async def _for_delete(context: Context, request: Request) -> Sequence[Issue]:
    if not request.id:
        text = "The mode 'delete' is about a resource on the server: POST [type]/[id]/$validate"
        raise refuse(Category.INVALID, "invalid", text, "http.url")
    return await refused_delete(context, request)


async def _issues(context: Context, request: Request, found: Asked, resource: JsonObject) -> Sequence[Issue]:
    issues = found.placed(_wrong_type(request, resource))
    issues += await conformance_issues(context, resource, found.profiles, found.place)
    rehearse = _REHEARSALS.get(found.mode)
    if rehearse is not None and not any(issue.severity in ("error", "fatal") for issue in issues):
        issues += found.placed(await rehearse(context, request, resource))
    return issues


def _wrong_type(request: Request, resource: JsonObject) -> Sequence[Issue]:
    stated = resource.get("resourceType") if isinstance(resource, dict) else None
    if not request.type or stated == request.type or not isinstance(stated, str):
        return ()
    text = f"The URL says {request.type}, the resource has another resourceType"
    return (Issue("invalid", text, (stated,)),)
