"""Definitions of campaigns as they are kept: each run goes by the version that it was started with."""

from __future__ import annotations

import logging

from agent.campaigns.definition import Campaign, InvalidCampaign, campaign
from agent.campaigns.runs import Run
from agent.tools.client import FhirClient
from fhirserver.world.configuration import NoConfiguration, configured

log = logging.getLogger("credence.campaigns")
_MOST = 200


class Definitions:
    """Reads each version once."""

    def __init__(self, client: FhirClient):
        self._client = client
        self._known: dict[str, Campaign | None] = {}

    async def of(self, run: Run) -> Campaign | None:
        """None for one that cannot be read (it is logged once). Raises :class:`Unreachable`."""
        if run.definition not in self._known:
            while len(self._known) >= _MOST:
                del self._known[next(iter(self._known))]
            self._known[run.definition] = await self._read(run.definition)
        return self._known[run.definition]

    async def _read(self, reference: str) -> Campaign | None:
        resource = await self._client.read(reference)
        try:
            return campaign(configured(resource or {}).document)
        except (NoConfiguration, InvalidCampaign) as error:
            log.error("a campaign cannot be carried out: %s", error)
            return None
