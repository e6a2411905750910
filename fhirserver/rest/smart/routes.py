"""All routes of the authorization server."""

from __future__ import annotations

from starlette.routing import Route

from fhirserver.access.audit.event import Audit
from fhirserver.access.principals import Principals
from fhirserver.access.smart.server import AuthorizationServer
from fhirserver.rest.smart.authorizing import Authorizing
from fhirserver.rest.smart.documents import document_routes
from fhirserver.rest.smart.endpoints import Endpoints
from fhirserver.rest.smart.pages import Pages, SignIns


def smart_routes(
    server: AuthorizationServer, principals: Principals, sign_ins: SignIns, pages: Pages, audit: Audit
) -> list[Route]:
    """Routes for the web application."""
    return [
        *document_routes(server),
        *Endpoints(server, principals, audit).routes(),
        *Authorizing(server, sign_ins, pages, audit).routes(),
    ]
