"""The application at ``/platform``: every router there is."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from fhirserver.rest.platform import (
    agents,
    analytics,
    calls,
    campaigns,
    chat_services,
    connectors,
    dry_runs,
    events,
    forms,
    keys,
    operators,
    phone_numbers,
    review,
    scheduling_rules,
    webhooks,
    workspaces,
)
from fhirserver.rest.platform.described import OPENAPI, describe, endpoints
from fhirserver.rest.platform.methods import OwnMethods
from fhirserver.rest.platform.noting import NotingRequests
from fhirserver.rest.platform.platform import Platform
from fhirserver.rest.platform.problems import HEADERS, answer_problems
from fhirserver.rest.telemetry import SILENT


def routers() -> list[APIRouter]:
    """In the order in which the OpenAPI description has them."""
    parts = (
        workspaces,
        keys,
        agents,
        dry_runs,
        scheduling_rules,
        phone_numbers,
        chat_services,
        calls,
        campaigns,
        forms,
        operators,
        review,
        connectors,
        events,
        webhooks,
        analytics,
    )
    return [part.router for part in parts]


def platform_application(platform: Platform, version: str) -> FastAPI:
    """To be mounted at ``/platform``. Imported only when that is asked for."""
    web = _application(version)
    web.state.platform = platform
    answer_problems(web)
    web.add_middleware(OwnMethods, endpoints=list(endpoints(routers())))
    web.add_middleware(NotingRequests, audit=platform.context.audit)
    web.router.add_route(OPENAPI, _telling(web, platform.context.base_url), ["GET"], include_in_schema=False)
    return web


def description(version: str, base_url: str = "/fhir") -> dict[str, Any]:
    """The OpenAPI description, without a server."""
    return describe(_application(version), routers(), base_url)


def _application(version: str) -> FastAPI:
    web = FastAPI(
        title="Credence platform",
        version=version,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        telemetry=SILENT,
    )
    for router in routers():
        web.include_router(router)
    return web


def _operation_id(route: APIRoute) -> str:
    """The name of the function: ``list_keys``, ``create_key``. No two of them have the same."""
    return route.name


def _telling(web: FastAPI, base_url: str) -> Any:
    """The description, open to all as FHIR's is: it says nothing of this server's data."""
    told: dict[str, Any] = {}

    async def openapi(_: Any) -> JSONResponse:
        if not told:
            told.update(describe(web, routers(), base_url))
        return JSONResponse(told, headers=HEADERS)

    return openapi
