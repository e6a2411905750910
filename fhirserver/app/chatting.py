"""Conversations by text in the server's process: they live in the first of those that serve together, and the others
pass on what they are asked."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount

from agent.brain import Brain
from agent.chat.beginning import Beginning
from agent.chat.card_pictures import CardPictures
from agent.chat.keeping import Keeping
from agent.chat.past_talks import PastTalks
from agent.chat.recognising import Recognises
from agent.chat.room import ChatRoom
from agent.chat.talk import Parts
from agent.definition.loading import Definitions
from agent.live.board import LiveBoard
from agent.live.remote import RemoteBoard
from agent.memory import Setting
from fhirserver.access.app_users import AppUserTokens
from fhirserver.access.demo_users import DemoUsers
from fhirserver.access.desk_passes import DeskPasses, DeskPrincipals
from fhirserver.access.principals import Principal
from fhirserver.app.agent_setting import setting_of
from fhirserver.app.chat_settings import ChatSettings
from fhirserver.app.jwks_fetching import JwksFetch
from fhirserver.app.late import Late
from fhirserver.app.relay import Relay, RelayServer
from fhirserver.app.relay_transport import RelayTransport
from fhirserver.app.server_key import server_key
from fhirserver.app.settings import Settings
from fhirserver.app.subscribing import egress_of
from fhirserver.ports.chats import ChatService
from fhirserver.ports.live_calls import LiveCalls
from fhirserver.rest.chat.chat import PATH, Chat
from fhirserver.rest.chat.limits import Limits
from fhirserver.rest.front import Receive, Scope, Send
from fhirserver.rest.live_calls import BASE, LiveRoutes
from fhirserver.rest.pace import Pace

if TYPE_CHECKING:
    from fhirserver.app.agency import House, Loop

log = logging.getLogger("credence.chat")
_BURST, _BEGUN = 10, 5
"""Messages that one user may send at once, and conversations that may be begun."""


def relay_path(settings: Settings) -> Path:
    """Where the process with the conversations is found by the others."""
    return settings.path.with_name(f"{settings.path.name}-chat")


def limits_of(chosen: ChatSettings) -> Limits:
    """How much one user may do."""
    messages, begun = chosen.messages_per_minute, chosen.conversations_per_hour
    return Limits(
        Pace(messages / 60, max(_BURST, messages / 6)),
        Pace(begun / 3600, max(_BEGUN, begun / 6)),
        chosen.streams_per_user,
    )


def chat_principal(settings: Settings) -> Principal | None:
    """As whom the agent speaks FHIR in conversations; None where the settings know nobody of that name."""
    return next((one for _, one in settings.principals if one.name == settings.chat.principal), None)


def chat_board(settings: Settings, first: bool) -> LiveBoard | RemoteBoard | None:
    """Where operators see conversations: the board itself in the process where they are; None where there are none."""
    if not settings.chat.enabled or chat_principal(settings) is None:
        return None
    if first:
        return LiveBoard(settings.safety)
    passes = DeskPasses(server_key(settings))
    return RemoteBoard("http://chat", passes.issue, RelayTransport(relay_path(settings)))


class Passing:
    """In every process but the first: a :class:`~fhirserver.app.agency.Lodger` that passes everything on."""

    def __init__(self, settings: Settings, board: LiveCalls):
        self._settings, self._board = settings, board

    @property
    def routes(self) -> Sequence[BaseRoute]:
        return [Mount(PATH, Relay(relay_path(self._settings)))]

    @property
    def loops(self) -> Sequence[tuple[str, Loop]]:
        return [("chats", self._board.run)] if isinstance(self._board, RemoteBoard) else []

    async def open(self) -> None:
        """There is nothing to open."""

    async def close(self) -> None:
        """There is nothing to close."""


class Chatting:
    """In the first process: a :class:`~fhirserver.app.agency.Lodger` with all conversations."""

    def __init__(self, house: House, board: LiveBoard, recognises: Recognises | None = None):
        self._house, self._board, self._recognises = house, board, recognises or CardPictures()
        self._room: ChatRoom | None = None
        self._client = house.client(_needed(chat_principal(house.settings)))
        self._fetch = JwksFetch(egress_of(house.settings.subscriptions))
        self._definitions = Definitions(self._client, setting_of(house.settings))
        self._model: Any = None
        self._demo = DemoUsers() if house.settings.chat.demo else None
        self.application = Late(self._application)
        self._server: RelayServer | None = None

    @property
    def room(self) -> ChatRoom:
        """All conversations; there once the store is open."""
        return _needed(self._room)

    @property
    def routes(self) -> Sequence[BaseRoute]:
        return [Mount(PATH, self.application)]

    @property
    def loops(self) -> Sequence[tuple[str, Loop]]:
        return [("agents", self._definitions.keep), ("chats that are over", self._forget)]

    async def _forget(self) -> None:
        """Remove conversations that have been over for long enough."""
        chosen, clock = self._house.settings.chat, self._house.context.clock
        await Keeping(self._past, clock, timedelta(days=chosen.keep_days)).run()

    @property
    def _past(self) -> PastTalks:
        return PastTalks(self._house.context.store.storage.journals, self._house.context.clock)

    async def open(self) -> None:
        settings, chosen = self._house.settings, self._house.settings.chat
        if settings.llm.enabled:
            self._model = settings.llm.language_model()
        parts = Parts(
            self._client,
            self._board,
            chosen.idle_minutes * 60.0,
            chosen.outreach_hours * 3600.0,
            model=self._model,
            think=self._think,
        )
        self._room = ChatRoom(parts, self._past, self._setting, chosen.most_conversations, self._recognises)
        if self._demo is not None:
            self._room.offer(self._demo.service())
        await self._room.open()
        if self._house.shared:
            self._server = RelayServer(relay_path(settings), self._serve)
            await self._server.open()

    async def close(self) -> None:
        if self._server is not None:
            await self._server.close()
        if self._room is not None:
            await self._room.close()
        await self._client.close()
        await self._fetch.close()
        if self._model is not None:
            await self._model.aclose()

    async def _setting(self, service: ChatService) -> Setting:
        """By what conversations of a service are held: the agent it names, with its own name and greeting."""
        setting = (await self._definitions.fresh()).of(service.agent)
        return replace(
            setting,
            practice=service.practice or setting.practice,
            greeting=service.greeting,
            written=True,
        )

    def _think(self, setting: Setting, begun: Beginning) -> Brain | None:
        if self._model is None or setting.brain == "policy":
            return None
        return self._house.settings.llm.brain(setting, self._house.context.clock.now())

    def _application(self) -> Any:
        from fhirserver.rest.chat.routes import chat_application

        house, chosen = self._house, self._house.settings.chat
        chat = Chat(
            self.room,
            house.principals,
            AppUserTokens(self._fetch),
            house.asked,
            house.ending,
            house.settings.fhir_base,
            house.context.audit,
            limits_of(chosen),
            chosen.attachment_megabytes * 1024 * 1024,
            self._demo,
            f"{house.settings.prefix}{PATH}",
        )
        return chat_application(chat, version("credence"))

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What the other processes pass on: requests of users, and of operators for this board."""
        if scope["path"].startswith(BASE):
            await self._live(scope, receive, send)
        else:
            await self.application(scope, receive, send)

    @property
    def _live(self) -> Starlette:
        if not hasattr(self, "_live_made"):
            house = self._house
            principals = DeskPrincipals(house.principals, DeskPasses(server_key(house.settings)))
            live = LiveRoutes(self._board, principals, house.ending, None, house.context.audit)
            self._live_made = Starlette(routes=live.router().routes)
        return self._live_made


T = TypeVar("T")


def _needed(found: T | None) -> T:
    if found is None:
        raise RuntimeError("not there yet")
    return found
