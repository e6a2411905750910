"""A call that is held open: the test says what the caller says, and sees what is said to the caller."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import uvicorn

from agent.call import Call, CallRecord
from agent.line import WrittenLine
from agent.live.attended import Attended, Bridge, Ear
from agent.live.board import LiveBoard
from agent.manner import PLAIN, Manner
from agent.memory import Setting
from agent.signals import HangUp, Signal, Utterance
from agent.tools.client import FhirClient
from fhirserver.app.voice.settings import VoiceSettings
from fhirserver.app.wiring import make_application
from fhirserver.kernel.instants import Clock, SystemClock
from tests.facade import Facade, served, settings
from tests.server_process import free_port


@dataclass
class HeldLine(WrittenLine):
    """A line on which the caller speaks when the test says so."""

    in_turns = False
    clock: Clock = field(default_factory=SystemClock)
    said: list[str] = field(default_factory=list)
    stopped: int = 0
    transferred: str = ""

    def __post_init__(self) -> None:
        self._signals: asyncio.Queue[Signal] = asyncio.Queue()

    async def say(self, text: str, turn: int, manner: Manner = PLAIN, shielded: bool = False) -> None:
        self.said.append(text)

    async def stop(self) -> None:
        self.stopped += 1

    async def transfer(self, reason: str) -> None:
        self.transferred = reason

    async def listen(self) -> Signal:
        return await self._signals.get()

    def hear(self, text: str) -> None:
        self._signals.put_nowait(Utterance(self.clock.now(), text))

    def hang_up_now(self) -> None:
        self._signals.put_nowait(HangUp(self.clock.now()))

    async def spoken(self, words: str) -> str:
        """Wait until something with these words has been said; the text. Fails after 20 seconds."""
        async with asyncio.timeout(20):
            while True:
                found = next((text for text in self.said if words in text), None)
                if found is not None:
                    return found
                await asyncio.sleep(0.01)


@dataclass
class Held:
    """A call under way on a board."""

    line: HeldLine
    attended: Attended
    running: asyncio.Task[CallRecord]

    @property
    def id(self) -> str:
        return self.attended.id

    async def end(self) -> CallRecord:
        """The caller hangs up."""
        if not self.running.done():
            self.line.hang_up_now()
        async with asyncio.timeout(30):
            return await self.running


@contextlib.asynccontextmanager
async def held_call(
    board: LiveBoard,
    client: FhirClient,
    caller: str = "+14125550142",
    ear: Ear | None = None,
    bridge: Bridge | None = None,
) -> AsyncIterator[Held]:
    """A call that has been answered; hung up at the end of the block."""
    line = HeldLine()
    call = Call(client, line, caller, Setting())
    attended = board.register(call, bridge=bridge, ear=ear)
    held = Held(line, attended, asyncio.create_task(board.run(attended)))
    try:
        await line.spoken("Thank you for calling")
        yield held
    finally:
        await held.end()


@dataclass
class LiveSite:
    """A server on a port with a board."""

    server: Facade
    board: LiveBoard
    url: str
    client: FhirClient


@contextlib.asynccontextmanager
async def live_site(folder: Path) -> AsyncIterator[LiveSite]:
    """The real server, over real HTTP, and the agent as its client; recordings lie in ``folder/sound``."""
    board = LiveBoard()
    given = replace(settings(folder), voice=VoiceSettings(recordings=folder / "sound"))
    async with served(make_application(given, board=board)) as server:
        port = free_port()
        config = uvicorn.Config(
            server.application, port=port, lifespan="off", log_level="error", timeout_graceful_shutdown=1
        )
        web = uvicorn.Server(config)
        serving = asyncio.create_task(web.serve())
        while not web.started:
            await asyncio.sleep(0.02)
        client = FhirClient(f"http://127.0.0.1:{port}/fhir", "token-agent")
        try:
            yield LiveSite(server, board, f"http://127.0.0.1:{port}", client)
        finally:
            await client.close()
            server.application.end_streams()
            web.should_exit = True
            await serving
