"""What everybody may read: configuration, keys, brands, style."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhirserver.access.smart.keys import ALGORITHMS
from fhirserver.access.smart.metadata import openid_configuration, smart_configuration
from fhirserver.access.smart.server import AuthorizationServer
from fhirserver.kernel.json import JsonObject
from fhirserver.rest.smart.replies import document, from_anywhere

SMART_CONFIGURATION = "/fhir/.well-known/smart-configuration"
_STYLE: JsonObject = {
    "color_background": "#ffffff",
    "color_error": "#b3261e",
    "color_highlight": "#1f5fbf",
    "color_modal_backdrop": "",
    "color_success": "#1b7f4b",
    "color_text": "#1a1d21",
    "dim_border_radius": "6px",
    "dim_font_size": "16px",
    "dim_spacing_size": "16px",
    "font_family_body": "system-ui, sans-serif",
    "font_family_heading": "system-ui, sans-serif",
}
"""https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#styling"""
_KEYS_SECONDS = 60
"""For how long others may keep our keys: a fresh one signs at once."""


def document_routes(server: AuthorizationServer) -> list[Route]:
    """The documents at their places."""
    settings = server.settings
    openid = openid_configuration(settings)
    told = {
        SMART_CONFIGURATION: smart_configuration(settings),
        "/.well-known/openid-configuration": openid,
        "/.well-known/oauth-authorization-server": openid,
        "/auth/style": _STYLE,
    }
    routes = [_open(path, _same(body)) for path, body in told.items()]
    if settings.brands is not None:
        brands = settings.brands
        routes.append(_open("/auth/brands", lambda: document(brands, media_type="application/fhir+json")))

    async def jwks(_: Request) -> Response:
        await server.ring.ensure(*ALGORITHMS)
        return document(server.ring.jwks(), _KEYS_SECONDS, "application/jwk-set+json")

    return [*routes, Route("/auth/jwks", from_anywhere(jwks, "GET"), methods=["GET", "OPTIONS"])]


def _same(body: JsonObject) -> Callable[[], Response]:
    return lambda: document(body)


def _open(path: str, make: Callable[[], Response]) -> Route:
    async def read(_: Request) -> Response:
        return make()

    return Route(path, from_anywhere(read, "GET"), methods=["GET", "OPTIONS"])
