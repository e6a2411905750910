"""What of the agent lives in the server's own process: conversations by text, forms that patients fill in.

Each is a FHIR client of the server it lives in, with a principal of its own, and reaches it without a socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol

from starlette.applications import Starlette
from starlette.routing import BaseRoute

from agent.live.board import LiveBoard
from agent.tools.client import FhirClient
from fhirserver.access.inside import InsidePrincipals
from fhirserver.access.platform_keys import PlatformKeys
from fhirserver.access.principals import Principal
from fhirserver.app.campaigning import Campaigning
from fhirserver.app.chatting import Chatting, Passing
from fhirserver.app.hosting import Hosting
from fhirserver.app.inside_way import InsideWay
from fhirserver.app.late import Late
from fhirserver.app.settings import SYSTEM, Settings
from fhirserver.interactions.exchange import Context
from fhirserver.interactions.registry import Registry
from fhirserver.kernel.instants import SystemClock
from fhirserver.ports.calls_out import CallsOut
from fhirserver.ports.live_calls import LiveCalls
from fhirserver.rest.edge import FhirEdge

if TYPE_CHECKING:
    from fhirserver.ports.campaigns import Campaigns
    from fhirserver.ports.forms import Forms
    from fhirserver.ports.texts_out import TextsOut
    from fhirserver.rest.platform.platform import Platform
    from fhirserver.rest.platform.rights import Asked

Loop = Callable[[], Coroutine[Any, Any, None]]


class Lodger(Protocol):
    """A part of the agent in this process."""

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """What it serves beside FHIR."""
        ...

    @property
    def loops(self) -> Sequence[tuple[str, Loop]]:
        """What runs as long as the server does."""
        ...

    async def open(self) -> None:
        """The store is open."""
        ...

    async def close(self) -> None:
        """The server is about to stop; the store is still open."""
        ...


@dataclass(frozen=True)
class House:
    """What lodgers are given. ``first``: whether this is the process, of those that serve together, where what must run
    once runs. ``ending`` is set when the server is about to stop, for answers that would go on for ever."""

    settings: Settings
    context: Context
    registry: Registry
    principals: InsidePrincipals
    edge: FhirEdge
    live: LiveCalls
    ending: asyncio.Event
    first: bool
    keys: PlatformKeys
    hosting: Hosting
    way: InsideWay
    shared: bool = False
    """Whether other processes serve from the same store."""
    chats: LiveCalls | None = None
    """The board of conversations by text: of this process, or of the one where they are."""
    calls_out: CallsOut | None = None
    texts_out: TextsOut | None = None

    def client(self, principal: Principal) -> FhirClient:
        """This server's FHIR for one of its own parts."""
        return self.way.client(principal)

    async def asked(self, authorization: str | None, scope: Mapping[str, Any]) -> Asked:
        """Who of the platform's side a token is."""
        return await platform_of(self).asked(authorization, scope)


def lodgers(house: House, web: Starlette) -> Sequence[Lodger]:
    """Those that the settings ask for. ``web`` is what this process serves."""
    from fhirserver.app.forms import forms_lodger

    staying: list[Lodger] = []
    if isinstance(house.chats, LiveBoard):
        staying.append(Chatting(house, house.chats))
    elif house.chats is not None:
        staying.append(Passing(house.settings, house.chats))
    speaker = campaign_principal(house.settings)
    if speaker is not None and house.first and house.settings.telephony is None:
        staying.append(Campaigning(house, speaker, web))
    if (forms := forms_lodger(house)) is not None:
        staying.append(forms)
    return staying


def campaign_principal(settings: Settings) -> Principal | None:
    """As whom campaigns speak FHIR; None where the settings want none, or know nobody of that name."""
    chosen = settings.campaigns
    found = (one for _, one in settings.principals if one.name == chosen.principal)
    return next(found, None) if chosen.enabled else None


def move_in(web: Starlette, house: House) -> Sequence[Lodger]:
    """Serve ``/platform`` and what the lodgers serve; the lodgers, to be opened and closed. ``web.state.campaigns``
    gives what campaigns are commanded by, which is made when it is first asked for."""
    web.state.keys = house.keys
    web.state.campaigns = cache(partial(campaign_desk, house))
    staying = [*lodgers(house, web), house.hosting]
    if house.settings.platform.enabled:
        web.mount("/platform", Late(partial(_platform, web, house, staying)))
    web.router.routes += [route for one in staying for route in one.routes]
    return staying


def _platform(web: Starlette, house: House, staying: Sequence[Lodger]) -> Starlette:
    from fhirserver.app.forms import FormsLodger
    from fhirserver.rest.platform.routes import platform_application

    forms = next((one.office for one in staying if isinstance(one, FormsLodger)), None)
    return platform_application(platform_of(house, web.state.campaigns(), forms), version("credence"))


def platform_of(house: House, campaigns: Campaigns | None = None, forms: Forms | None = None) -> Platform:
    """What the endpoints of ``/platform`` are given."""
    from fhirserver.rest.platform.platform import Platform

    return Platform(
        house.context,
        house.registry,
        house.principals,
        house.live,
        house.ending,
        house.keys,
        house.settings.sources.keys() - {SYSTEM.id},
        [one.name for _, one in house.settings.principals if one.may("operator")],
        house.edge.visits,
        house.settings.platform.workspace,
        house.calls_out,
        house.texts_out,
        house.hosting.directory,
        house.hosting.opens,
        house.hosting.ends,
        house.settings.platform.suspended_days,
        forms=forms,
        campaigns=campaigns,
    )


def campaign_desk(house: House) -> Campaigns | None:
    """Where campaigns are commanded; None where the settings want none, or have no principal for it."""
    speaker = campaign_principal(house.settings)
    if speaker is None:
        return None
    from agent.campaigns.control import Desk
    from fhirserver.app.forms import forms_on

    telephony = house.settings.telephony
    hours = telephony.call_hours if telephony is not None else None
    off = {} if forms_on(house.settings) else {"form": "forms are off"}
    return Desk(house.client(speaker), SystemClock(), house.settings.voice.zone, hours, off=off)
