"""Notifications of EHRs, on ``/notify/{connector}``: whoever brings the connector's secret is heard, nobody else.

A notification has the connector pull at once, in whichever process it is at work. What it names is read first where
that is this process. Nothing that it says is taken in.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.runner.runner import Runner
from fhirserver.app.connectors.catalogue import Catalogue
from fhirserver.app.connectors.secrets import MissingSecret, Secrets
from fhirserver.ports.connectors import Connectors
from fhirserver.ports.ehr import Hinted, NotHeard

log = logging.getLogger("credence.connectors")
MOST_BYTES: Final = 4 * 1024 * 1024
_ANSWERS: Final = {"POST": 200, "PUT": 200, "DELETE": 204}


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as a kind sees it; ``path`` is what follows the connector's own address."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Hears(Protocol):
    """What a kind that is notified of news provides."""

    def __call__(self, own: Any, secrets: Secrets, incoming: Incoming) -> tuple[tuple[str, str], ...]:
        """Type and id of what has news, maybe none. Raises :class:`NotHeard` and :class:`MissingSecret`."""
        ...


def _fhir(own: Any, secrets: Secrets, incoming: Incoming) -> tuple[tuple[str, str], ...]:
    from fhirserver.app.connectors import fhir  # with its adapter, only where there is such a connector

    return fhir.heard(own, secrets, incoming)


HEARING: Final[Mapping[str, Hears]] = {"fhir": _fhir}
"""The kinds that are notified of news: one line each."""


class Hearing:
    """Hears notifications for all connectors. ``at_work`` gives the one of that name where it is at work here."""

    def __init__(
        self,
        catalogue: Catalogue,
        connectors: Connectors,
        secrets: Secrets,
        at_work: Callable[[str], Runner | None],
    ):
        self._catalogue, self._connectors, self._secrets = catalogue, connectors, secrets
        self._at_work = at_work

    async def hear(self, name: str, incoming: Incoming) -> int:
        """The HTTP status to answer with. An unknown connector is answered as a wrong secret is."""
        known = (await self._catalogue.known()).get(name)
        hears = HEARING.get(known.connector.kind) if known and known.connector else None
        if known is None or known.connector is None or hears is None:
            return 401
        try:
            named = hears(known.connector.own, self._secrets, incoming)
        except NotHeard as refused:
            return 401 if refused.status == 404 else refused.status
        except MissingSecret as missing:
            log.error("%s: %s", name, missing)
            return 503
        await self._pull_soon(name, named)
        return _ANSWERS[incoming.method]

    async def _pull_soon(self, name: str, named: tuple[tuple[str, str], ...]) -> None:
        runner = self._at_work(name)
        if runner is None:
            await self._connectors.sync(name)
            return
        if isinstance(runner.ehr, Hinted):
            for type, id in named:
                runner.ehr.name(type, id)
        runner.pull_soon()


def notification_routes(hearing: Callable[[], Hearing | None]) -> Sequence[Route]:
    """The routes. ``hearing`` is None until the server is ready."""

    async def answer(request: Request) -> Response:
        ears = hearing()
        if ears is None:
            return Response(status_code=503)
        body = await _body(request)
        if body is None:
            return Response(status_code=413)
        incoming = Incoming(request.method, request.path_params.get("path", ""), request.headers, body)
        return Response(status_code=await ears.hear(request.path_params["name"], incoming))

    places = ("/notify/{name}", "/notify/{name}/{path:path}")
    return [Route(place, answer, methods=list(_ANSWERS)) for place in places]


async def _body(request: Request) -> bytes | None:
    """The body; None where it is longer than :data:`MOST_BYTES`."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            return None
    return bytes(body)
