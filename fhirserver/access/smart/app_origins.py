"""The web origins whose pages may ask the FHIR facade: those of the settings, and those of apps that are registered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Iterator

from fhirserver.access.smart.clients import Client, Clients

log = logging.getLogger("credence.smart")

_PERIOD_SECONDS = 5.0
_SELDOM_SECONDS = 1.0


class AppOrigins(Collection[str]):
    """All of them as they are now. An app that is added is known at once where it was, elsewhere when it first asks
    (:meth:`look`)."""

    def __init__(self, fixed: Collection[str], clients: Clients):
        self._fixed, self._clients = frozenset(fixed), clients
        self._now = self._fixed | _origins(clients.fixed.values())
        self._looked = -_SELDOM_SECONDS

    def __contains__(self, origin: object) -> bool:
        return origin in self._now

    def __iter__(self) -> Iterator[str]:
        return iter(self._now)

    def __len__(self) -> int:
        return len(self._now)

    async def refresh(self) -> None:
        """Read the clients anew."""
        self._now = self._fixed | _origins(await self._clients.all())

    async def look(self) -> None:
        """Somebody asks from an origin that is not among them. Whoever makes origins up has the clients read no more
        than once a second."""
        now = asyncio.get_running_loop().time()
        if now - self._looked >= _SELDOM_SECONDS:
            self._looked = now
            await self._refreshed()

    async def run(self) -> None:
        """Keep up with what is added and removed."""
        while True:
            await self._refreshed()
            await asyncio.sleep(_PERIOD_SECONDS)

    async def _refreshed(self) -> None:
        try:
            await self.refresh()
        except Exception as error:  # the storage may be back the next time
            log.warning("the clients cannot be read: %s", type(error).__name__)


def _origins(clients: Iterable[Client]) -> frozenset[str]:
    return frozenset(origin for client in clients for origin in client.origins)
