"""Observability of the process that answers the telephone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from starlette.routing import BaseRoute, Route

from agent.telephony.calls import Calls
from agent.tools.client import FhirClient, Unreachable
from fhirserver.app.observing.gathering import Figures
from fhirserver.app.observing.health import beat, watched
from fhirserver.app.observing.watching import metrics_routes
from fhirserver.app.settings import Settings
from fhirserver.kernel.measures import Described, Gathered
from fhirserver.rest.health import HealthRoutes
from fhirserver.rest.metrics import Authenticator

SERVER_SECONDS: Final = 2.0


class WatchingVoice:
    """Health and figures of ``credence voice``: it is ready while it can speak and its server answers."""

    def __init__(self, settings: Settings, client: FhirClient, calls: Calls, principals: Authenticator):
        self._settings, self._client, self._calls, self._principals = settings, client, calls, principals
        self._health = HealthRoutes(self)
        self._figures = Figures(self._look)
        self.started = False
        """Whether speech is there."""

    async def parts(self) -> Mapping[str, bool]:
        """See :class:`fhirserver.rest.health.Readiness`."""
        return {"server": await self._server_answers()} if self.started else {}

    async def _server_answers(self) -> bool:
        """Whether the FHIR server is there."""
        try:
            async with asyncio.timeout(SERVER_SECONDS):
                answer = await self._client.send("HEAD", "metadata")
        except (Unreachable, TimeoutError):
            return False
        return answer.ok

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The beat of the process."""
        task = watched("beat", beat)
        try:
            yield
        finally:
            task.cancel()

    def routes(self) -> list[BaseRoute]:
        live = Route("/livez", self._health.healthz)  # the name it once had
        return [
            *self._health.routes(),
            live,
            *metrics_routes(self._settings, self._figures, self._principals),
        ]

    async def _look(self) -> Sequence[Gathered]:
        described = Described(
            "credence_calls_under_way", "Calls and conversations that are not over", "gauge"
        )
        return (Gathered(described, {(): [float(self._calls.under_way)]}),)
