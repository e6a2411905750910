"""What the endpoints of ``/platform`` are given."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fhirserver.access.principals import Principals
from fhirserver.interactions.events.tail import EventTail
from fhirserver.interactions.exchange import Context
from fhirserver.interactions.registry import Registry
from fhirserver.rest.platform.rights import Asked, role_of
from fhirserver.rest.visits import Visits

if TYPE_CHECKING:
    from fhirserver.access.platform_keys import PlatformKeys
    from fhirserver.access.workspaces import Directory
    from fhirserver.ports.access_records import AccessRecords
    from fhirserver.ports.calls_out import CallsOut
    from fhirserver.ports.campaigns import Campaigns
    from fhirserver.ports.forms import Forms
    from fhirserver.ports.live_calls import LiveCalls
    from fhirserver.ports.texts_out import TextsOut

PATH = "/platform"
MOST_STREAMS = 200
"""Streams of events at once in one process."""


@dataclass(frozen=True)
class Platform:
    """``context`` and ``registry`` are those of the FHIR edge: whatever is done to resources goes through the same
    interactions. ``ending`` is set when the server is about to stop. ``sources`` are those of the settings by id,
    ``operators`` the names of principals of the settings who are operators."""

    context: Context
    registry: Registry
    principals: Principals
    live: LiveCalls
    ending: asyncio.Event
    keys: PlatformKeys
    sources: Collection[str]
    operators: Collection[str]
    visits: Visits
    workspace: str = "default"
    calls_out: CallsOut | None = None
    texts_out: TextsOut | None = None
    directory: Directory | None = None
    opens: Callable[[str], Awaitable[PlatformKeys]] | None = None
    """What opens another workspace and gives its keys; None for who is no host."""
    ends: Callable[[str], Awaitable[None]] | None = None
    """What lets go of another workspace in this process; None for who is no host."""
    suspended_days: int = 30
    """After so many days without service a workspace is deleted without more words."""
    forms: Forms | None = None
    campaigns: Campaigns | None = None

    @property
    def records(self) -> AccessRecords:
        """The access records of the workspace."""
        return self.context.store.storage.access_records

    @cached_property
    def tail(self) -> EventTail:
        """The end of the log, for all streams of events in this process."""
        return EventTail(self.context.store)

    @cached_property
    def streams(self) -> asyncio.Semaphore:
        """Room for one more stream."""
        return asyncio.Semaphore(MOST_STREAMS)

    async def asked(self, authorization: str | None, scope: Mapping[str, Any]) -> Asked:
        """Who asks. Refuses (401) who is not known, and (429) who asks too much."""
        principal = await self.principals.known(authorization)
        self.visits.admit_principal(principal.name, scope)
        return Asked(principal, role_of(principal), self.workspace, self)
