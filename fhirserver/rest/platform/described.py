"""The OpenAPI description of ``/platform``: what is said of each operation is what is enforced there.

https://spec.openapis.org/oas/v3.1.0. The right that an operation needs is taken from its dependency
(:func:`fhirserver.rest.platform.rights.needs`), so that description and check cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from fhirserver.kernel.json import JsonObject
from fhirserver.rest.platform.platform import PATH
from fhirserver.rest.platform.problems import MEDIA_TYPE
from fhirserver.rest.platform.rights import RIGHTS, Right

OPENAPI = "/openapi.json"
_PROBLEM = "Problem"
_SCHEME = "bearer"
_SAID = {
    400: "The request cannot be read",
    401: "Who asks is not known",
    403: "The role does not have the right that is needed",
    404: "There is none",
    408: "The body did not come in time",
    405: "It stands in the settings, and is changed there",
    409: "It does not go together with how things are now",
    410: "There is none any more",
    412: "It has changed meanwhile (`If-Match`)",
    413: "The body is too large",
    415: "The body is not JSON",
    422: "The request is not as it is described here, or what it says cannot be",
    423: "Somebody else holds it",
    429: "Too many requests; `Retry-After` says when to come again",
    500: "The server failed",
    501: "This server is not set up for it",
    503: "Not now; `Retry-After` may say when",
}
_ALWAYS = (400, 401, 403, 422, 429, 500, 503)
_WITH_BODY = (408, 413)
_ABOUT = """\
Set up and watch a Credence workspace: agents, calls, reviews, campaigns, connectors, keys.

Whatever is FHIR stays FHIR: answers link to resources (`{"reference": "Communication/1", "url": "…"}`) and do not
copy them. A list comes in pages, `{"items": […], "next": "…"}`; `next` is the `cursor` of the page behind it. What is
refused is a problem (RFC 9457) whose `errors` name the places. The right that an operation needs is its
`x-credence-right`.
"""
RightsOfRoles = {role: sorted(right.value for right in rights) for role, rights in RIGHTS.items()}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For ``responses=`` of an endpoint: what it refuses beside what every one does."""
    return {status: _response(status) for status in statuses}


def right_of(route: APIRoute) -> Right | None:
    """The right that an endpoint needs; None for one that is open."""
    found = (getattr(one.call, "right", None) for one in route.dependant.dependencies)
    return next((right for right in found if right is not None), None)


def describe(web: FastAPI, routers: Iterable[APIRouter], base_url: str) -> JsonObject:
    """The description of all that is served there; ``base_url`` is the workspace's FHIR base."""
    described = get_openapi(
        title=web.title, version=web.version, description=_ABOUT, routes=web.routes, openapi_version="3.1.0"
    )
    described["servers"] = [{"url": urlsplit(base_url).path.removesuffix("/fhir") + PATH}]
    described["x-credence-roles"] = RightsOfRoles
    schemas = described.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas[_PROBLEM] = _problem_schema()
    described["components"]["securitySchemes"] = {
        _SCHEME: {
            "type": "http",
            "scheme": "bearer",
            "description": "A platform key, or a token of the settings",
        }
    }
    for route in endpoints(routers):
        for method in route.methods or ():
            _complete(described["paths"][route.path_format][method.lower()], route)
    return described


def endpoints(routers: Iterable[APIRouter]) -> Iterator[APIRoute]:
    """All that are in the description."""
    routes = (route for router in routers for route in router.routes)
    return (route for route in routes if isinstance(route, APIRoute) and route.include_in_schema)


def _complete(operation: JsonObject, route: APIRoute) -> None:
    right = right_of(route)
    responses: JsonObject = operation["responses"]
    statuses = (*_ALWAYS, *(_WITH_BODY if "requestBody" in operation else ()))
    if right is None:
        statuses = tuple(one for one in statuses if one not in (401, 403))
    else:
        operation["x-credence-right"] = right.value
        operation["security"] = [{_SCHEME: []}]
    if responses.get("422", {}).get("description") == "Validation Error":
        del responses["422"]
    for status in statuses:
        responses.setdefault(str(status), _response(status))
    operation["responses"] = dict(sorted(responses.items()))


def _response(status: int) -> JsonObject:
    content = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{_PROBLEM}"}}}
    return {"description": _SAID[status], "content": content}


def _problem_schema() -> JsonObject:
    text = {"type": "string"}
    place = {**text, "description": "A JSON Pointer into the body, or the name of a parameter"}
    return {
        "type": "object",
        "title": _PROBLEM,
        "description": "What was refused, and why (RFC 9457).",
        "required": ["type", "status", "title"],
        "properties": {
            "type": text,
            "status": {"type": "integer"},
            "title": text,
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["pointer", "detail"],
                    "properties": {"pointer": place, "detail": text},
                },
            },
        },
    }
