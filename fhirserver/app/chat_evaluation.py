"""Scenarios by chat: the room and its API as in production on a socket, and users of an app who chat with it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import TYPE_CHECKING, Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from agent.brain import Brain
from agent.call import Call, CallRecord, Event
from agent.channels.chat_client import ChatAddress, ChatClient
from agent.chat.beginning import Beginning
from agent.chat.card_pictures import CardPictures
from agent.chat.past_talks import PastTalks
from agent.chat.room import ChatRoom
from agent.chat.talk import Parts
from agent.evaluation.by_chat import PersonaInChat
from agent.evaluation.cutting import CutTransport
from agent.evaluation.persona import Persona
from agent.evaluation.runner import Mind, Played, Server, TimedBrain, caller_of, setting_of, troubled
from agent.evaluation.scenario import Scenario
from agent.live.attended import Attended, Bridge, Ear
from agent.live.board import LiveBoard
from agent.memory import Setting
from agent.safety.risk import Thresholds
from agent.tools.client import FhirClient
from fhirserver.access.app_users import AppUserTokens
from fhirserver.access.principals import Principals
from fhirserver.access.smart.jwts import signed
from fhirserver.kernel.instants import FixedClock
from fhirserver.ports.chats import AppUsers, ChatService
from fhirserver.rest.chat.chat import Chat
from fhirserver.rest.chat.limits import Limits
from fhirserver.rest.chat.routes import chat_application
from fhirserver.rest.pace import Pace
from fhirserver.rest.platform.rights import Asked
from fhirserver.storage.memory.journals import MemoryJournals

if TYPE_CHECKING:
    from joserfc.jwk import ECKey

_SERVICE, _ISSUER, _AUDIENCE = "app", "https://app.example", "credence"
RUN_SECONDS = 90.0


class _Board(LiveBoard):
    """A board that keeps the one call there is: its events, and its record."""

    def __init__(self) -> None:
        super().__init__(Thresholds())
        self.held: Call | None = None
        self.record: asyncio.Future[CallRecord] = asyncio.get_running_loop().create_future()
        self.events: list[Event] = []

    def register(
        self, call: Call, id: str = "", bridge: Bridge | None = None, ear: Ear | None = None
    ) -> Attended:
        self.held, call.on_event = call, self.events.append
        return super().register(call, id, bridge, ear)

    async def run(self, attended: Attended) -> CallRecord:
        record = await super().run(attended)
        if not self.record.done():
            self.record.set_result(record)
        return record


@dataclass
class ChatDriver:
    """Plays scenarios by chat; use it as an asynchronous context manager."""

    mind: Mind = field(default_factory=Mind)
    seconds: float = RUN_SECONDS

    async def __aenter__(self) -> ChatDriver:
        from joserfc.jwk import ECKey

        self._key: ECKey = ECKey.generate_key("P-256", auto_kid=True)
        return self

    async def __aexit__(self, *trouble: object) -> None:
        return None

    async def play(self, scenario: Scenario, seed: int, server: Server) -> Played:
        async with troubled(scenario, server) as (client, others):
            held = _Held(scenario, client, self.mind, self._service())
            await held.room.open()
            try:
                async with _serving(held.application) as url:
                    person = PersonaInChat(
                        Persona(scenario, seed), lambda: self._client(scenario, seed, url, held)
                    )
                    await person.run()
                record = await asyncio.wait_for(held.board.record, 20)
            finally:
                await held.room.close()
            told = (*others, *held.board.told_operators(held.board.held.id if held.board.held else ""))
        return _played(held, record, person, told)

    def _service(self) -> ChatService:
        jwks = {"keys": [self._key.as_dict(private=False)]}
        users = AppUsers(_ISSUER, _AUDIENCE, jwks, trusts_patient=True)
        return ChatService(_SERVICE, "Riverside Clinic", users=users)

    def _client(self, scenario: Scenario, seed: int, url: str, held: _Held) -> ChatClient:
        """A connection of the user, as bad as the scenario says."""
        held.connections += 1
        transport: httpx.AsyncBaseTransport = httpx.AsyncHTTPTransport()
        if scenario.cut:
            transport = CutTransport(transport, scenario.cut, f"{scenario.name}/{seed}/{held.connections}")
        return ChatClient(
            ChatAddress(url, _SERVICE, lambda again: self._token(scenario)), transport, patience=20
        )

    def _token(self, scenario: Scenario) -> str:
        now = int(time.time())
        claims = {"iss": _ISSUER, "aud": _AUDIENCE, "sub": "the-user", "iat": now, "exp": now + 600}
        claims["phone"] = caller_of(scenario)
        if scenario.signed_in:
            claims["patient"] = scenario.patient
        return signed(claims, self._key, str(self._key.kid), "ES256", "JWT")


class _Held:
    """The room of one run, and what is seen of the conversation in it."""

    def __init__(self, scenario: Scenario, client: FhirClient, mind: Mind, service: ChatService):
        self._scenario, self._mind = scenario, mind
        self.clock = FixedClock(scenario.now.astimezone(UTC))
        self.board, self.connections = _Board(), 0
        self.brain: TimedBrain | None = None
        parts = Parts(
            client, self.board, ring_seconds=scenario.ring_seconds, clock=self.clock, model=mind.model,
            think=self._think,
        )  # fmt: skip
        past = PastTalks(MemoryJournals(), self.clock)
        self.room = ChatRoom(parts, past, self._setting, recognises=CardPictures())
        self.room.offer(service)
        limits = Limits(Pace(100, 1000), Pace(100, 1000))
        chat = Chat(
            self.room,
            Principals(()),
            AppUserTokens(),
            _nobody,
            asyncio.Event(),
            limits=limits,
        )
        self.application = Starlette(routes=[Mount("/chat", chat_application(chat, "evaluation"))])

    async def _setting(self, service: ChatService) -> Setting:
        return replace(setting_of(self._scenario), written=True)

    def _think(self, setting: Setting, begun: Beginning) -> Brain:
        self.brain = TimedBrain(self._mind.make(setting, self.clock.now()))
        return self.brain


async def _nobody(authorization: str | None, scope: Mapping[str, Any]) -> Asked:
    raise RuntimeError("nobody of the practice asks here")


def _played(held: _Held, record: CallRecord, person: PersonaInChat, others: tuple[str, ...]) -> Played:
    """Whoever is handed over in a chat waits in it: that it was, and why, is how it ended."""
    handed = [event.text for event in held.board.events if event.kind == "transfer"]
    if handed and not record.outcome.startswith("transfer"):
        record = replace(record, outcome=f"transfer: {handed[-1]}")
    times = tuple(held.brain.times) if held.brain else ()
    return Played(record, tuple(held.board.events), person.turns, times, others, person.failure)


@contextlib.asynccontextmanager
async def _serving(application: Any) -> AsyncIterator[str]:
    """The API on a port of its own, for as long as the block lasts."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        application, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )
    serving = uvicorn.Server(config)
    task = asyncio.create_task(serving._serve([listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        serving.should_exit = True
        await task
        listener.close()
