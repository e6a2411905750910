"""``POST /webhooks/CONNECTOR``: a vendor says that a record changed. What follows it is imported with the first call
for a connector of the kind ``rest``.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fhirserver.app.connectors.catalogue import Catalogue
from fhirserver.app.connectors.secrets import Secrets
from fhirserver.store.store import Store

if TYPE_CHECKING:
    from fhirserver.app.connectors.rest_hooks import RestHooks


class Webhooks:
    """The webhooks of all connectors of this process."""

    def __init__(self, store: Store, catalogue: Catalogue, secrets: Secrets):
        self._store, self._catalogue, self._secrets = store, catalogue, secrets

    def route(self) -> Route:
        return Route("/webhooks/{connector}", self.receive, methods=["POST"])

    async def receive(self, request: Request) -> Response:
        """See :meth:`fhirserver.app.connectors.rest_hooks.RestHooks.receive`; 404 where no such connector runs."""
        name = str(request.path_params["connector"])
        known = (await self._catalogue.known()).get(name)
        connector = known.connector if known is not None and known.runs else None
        if connector is None or connector.kind != "rest":
            return Response(status_code=404)
        return await self._hooks.receive(connector, request)

    @cached_property
    def _hooks(self) -> RestHooks:
        from fhirserver.app.connectors.rest_hooks import RestHooks

        return RestHooks(self._store, self._secrets, self._catalogue.coder)

    async def close(self) -> None:
        if "_hooks" in self.__dict__:
            await self._hooks.close()
