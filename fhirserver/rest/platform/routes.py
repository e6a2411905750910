"""The application at ``/platform``: every router there is."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from fhirserver.rest.platform import workspaces
from fhirserver.rest.platform.platform import Platform
from fhirserver.rest.platform.problems import answer_problems


def routers() -> list[APIRouter]:
    """In the order in which the OpenAPI description has them."""
    return [workspaces.router]


def platform_application(platform: Platform, version: str) -> FastAPI:
    """To be mounted at ``/platform``. Imported only when that is asked for."""
    web = FastAPI(
        title="Credence platform",
        version=version,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    web.state.platform = platform
    answer_problems(web)
    for router in routers():
        web.include_router(router)
    return web
