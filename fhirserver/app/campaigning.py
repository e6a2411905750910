"""Campaigns of a server without a telephone: by the app's chat, in the first of the processes that serve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from agent.campaigns.beside import Beside, ChatChannel
from agent.campaigns.engine import Engine, Practice
from agent.campaigns.ledger import Ledger
from agent.telephony.rest import Made, RestFailed
from agent.text_out import TextSender
from fhirserver.access.principals import Principal
from fhirserver.app.inside_way import inside_transport
from fhirserver.kernel.instants import SystemClock

if TYPE_CHECKING:
    from datetime import datetime

    from fhirserver.app.agency import House, Loop


class _NoTelephone:
    """In the place of the carrier."""

    async def send(self, to: str, text: str, status_callback: str = "") -> str:
        raise RestFailed("there is no telephone", sure=True)

    async def messages(self, to: str, since: datetime) -> Sequence[Made]:
        raise RestFailed("there is no telephone", sure=True)


class Campaigning:
    """A :class:`~fhirserver.app.agency.Lodger`. ``web`` is what this process serves."""

    def __init__(self, house: House, speaker: Principal, web: ASGIApp):
        settings, self._client = house.settings, house.client(speaker)
        base = settings.fhir_base.removesuffix("/fhir")
        transport = inside_transport(web, base, "")
        self._beside = Beside(base, house.principals.admit(speaker), transport)
        clock = SystemClock()
        sender = TextSender(Ledger(self._client, clock), _NoTelephone())
        practice = Practice(settings.voice.practice, settings.voice.zone)
        self._engine = Engine(self._client, practice, {"chat": ChatChannel(self._beside, sender)}, clock)

    @property
    def routes(self) -> Sequence[BaseRoute]:
        return ()

    @property
    def loops(self) -> Sequence[tuple[str, Loop]]:
        return [("campaigns", self._engine.run)]

    async def open(self) -> None:
        """There is nothing to open."""

    async def close(self) -> None:
        await self._engine.close()
        await self._beside.close()
        await self._client.close()
