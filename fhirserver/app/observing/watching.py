"""Observability of one process put together: what the wiring of the server asks for."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from starlette.routing import BaseRoute

from fhirserver.app.observing.gathering import Figures, Lookup
from fhirserver.app.observing.health import LOOPS, Health, beat, watched
from fhirserver.app.observing.logs import access_line
from fhirserver.app.settings import Settings
from fhirserver.kernel.measures import MEASURES
from fhirserver.ports.connectors import Connectors
from fhirserver.rest.health import HealthRoutes
from fhirserver.rest.metering import Meter
from fhirserver.rest.metrics import Authenticator, MetricsRoute
from fhirserver.store.followers import STEPPED
from fhirserver.store.store import Store

__all__ = ["Watching", "metrics_routes", "watched"]

Loop = Callable[[], Coroutine[Any, Any, None]]


class Watching:
    """Of a process of ``credence serve``. ``started``: whether it serves."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        connectors: Connectors,
        principals: Authenticator,
        started: Callable[[], bool],
    ):
        self.meter = Meter(access_line() if settings.log.access else None)
        self._settings, self._principals = settings, principals
        self._health = HealthRoutes(Health(store, started))
        self._figures = Figures(Lookup(store, connectors))

    def loops(self) -> Sequence[tuple[str, Loop]]:
        """What is to run beside the others. What another server told in this process, in a test say, is over."""
        if not MEASURES.is_shared:
            for figure in (STEPPED, LOOPS):
                figure.forget()
        return (("beat", beat),)

    def routes(self) -> list[BaseRoute]:
        """Health, and the figures where they are wanted."""
        return [*self._health.routes(), *metrics_routes(self._settings, self._figures, self._principals)]


def metrics_routes(settings: Settings, figures: Figures, principals: Authenticator) -> list[BaseRoute]:
    """``/metrics``, where it is not switched off."""
    chosen = settings.metrics
    if not chosen.enabled:
        return []
    return [MetricsRoute(figures.text, principals, chosen.is_open_to).route()]
