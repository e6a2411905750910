"""What the endpoints of ``/platform`` are given."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fhirserver.access.principals import Principals
from fhirserver.interactions.exchange import Context
from fhirserver.interactions.registry import Registry
from fhirserver.rest.platform.rights import Asked, role_of

if TYPE_CHECKING:
    from fhirserver.ports.calls_out import CallsOut
    from fhirserver.ports.live_calls import LiveCalls
    from fhirserver.ports.texts_out import TextsOut

PATH = "/platform"


@dataclass(frozen=True)
class Platform:
    """``context`` and ``registry`` are those of the FHIR edge: whatever is done to resources goes through the same
    interactions. ``ending`` is set when the server is about to stop."""

    context: Context
    registry: Registry
    principals: Principals
    live: LiveCalls
    ending: asyncio.Event
    workspace: str = "default"
    calls_out: CallsOut | None = None
    texts_out: TextsOut | None = None

    async def asked(self, authorization: str | None) -> Asked:
        """Who asks. Refuses (401) who is not known."""
        principal = self.principals.authenticate(authorization)
        return Asked(principal, role_of(principal), self.workspace)
