"""An agent that speaks in tones, behind the real telephone: the smallest thing that can hold a call with sound.

It greets with a tone, answers whatever is said with another, stops when it is spoken over, hands the caller on when
``#`` is pressed and hangs up on ``*``. Served in this process on a real socket::

    async with serving(settings) as served:
        served.base, served.calls
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import numpy as np
import uvicorn
from starlette.applications import Starlette

from agent.audio.frames import RATE, Pcm
from agent.telephony.incoming import Incoming
from agent.telephony.settings import TelephonySettings
from agent.telephony.telephone import Telephone
from agent.telephony.texting import Converse
from agent.voice.media import Frame, Gone, Key, Media, Played
from tests.server_process import free_port

TOKEN = "the-auth-token-of-the-tests"
_LOUD = 500
_END = 15
"""Frames of silence after which the caller has finished (300 ms)."""


def tone(seconds: float, pitch: float = 440.0, level: float = 6_000.0) -> Pcm:
    """A sine."""
    at = np.arange(round(seconds * RATE)) / RATE
    return np.asarray(level * np.sin(2 * np.pi * pitch * at), dtype=np.int16)


@dataclass
class ToneCall:
    """A :class:`~agent.telephony.incoming.PreparedCall`; what it went through is kept for the test."""

    incoming: Incoming
    greeting: float = 1.0
    prepare: float = 0.0
    events: list[str] = field(default_factory=list)
    record: str = ""
    reason: str | None = None
    heard: float = 0.0

    def __post_init__(self) -> None:
        self._media: asyncio.Future[Media | None] = asyncio.get_running_loop().create_future()
        self._prepared = asyncio.Event()

    async def run(self) -> None:
        await asyncio.sleep(self.prepare)
        self._prepared.set()
        media = await self._media
        try:
            if media is not None:
                await self._talk(media)
        finally:
            self.record = "written"

    async def ready(self) -> None:
        await self._prepared.wait()

    def attach(self, media: Media) -> None:
        self.events.append("attached")
        self._media.set_result(media)

    def abandon(self, reason: str) -> None:
        self.events.append(f"abandoned: {reason}")
        if not self._media.done():
            self._media.set_result(None)

    def answered_by(self, who: str) -> None:
        self.events.append(f"answered by: {who}")

    def onward(self) -> str | None:
        return self.reason

    async def unanswered(self, reason: str) -> None:
        self.events.append(f"unanswered: {reason}")

    async def _talk(self, media: Media) -> None:
        await self._say(media, tone(self.greeting), "greeting")
        loud = quiet = 0
        while True:
            event = await media.receive()
            if isinstance(event, Gone):
                self.events.append(f"gone: {event.reason}")
                return
            if isinstance(event, Played):
                self.events.append(f"played: {event.mark}")
            elif isinstance(event, Key):
                self.events.append(f"key: {event.digit}")
                await self._press(media, event.digit)
            elif isinstance(event, Frame):
                self.heard = event.at + len(event.pcm) / RATE
                is_loud = int(np.abs(event.pcm).max()) > _LOUD
                loud, quiet = (loud + 1, 0) if is_loud else (loud, quiet + 1)
                if loud == 5 and is_loud:
                    await media.clear()
                if loud >= 5 and quiet == _END:
                    self.events.append("answered")
                    await self._say(media, tone(1.0, 660), "answer")
                loud = 0 if quiet >= _END else loud

    async def _say(self, media: Media, pcm: Pcm, name: str) -> None:
        await media.play(pcm)
        await media.mark(name)

    async def _press(self, media: Media, digit: str) -> None:
        if digit == "#":
            self.reason = "billing: asked for a person"
        if digit in "#*":
            await media.close()


@dataclass
class Served:
    """What is being served: its address and the calls it has taken, by CallSid."""

    base: str
    telephone: Telephone
    calls: dict[str, ToneCall]


@contextlib.asynccontextmanager
async def serving(
    port: int = 0,
    greeting: float = 1.0,
    prepare: float = 0.0,
    converse: Converse | None = None,
    **settings: object,
) -> AsyncIterator[Served]:
    """Serve on loopback for as long as the block lasts. Other arguments are those of TelephonySettings."""
    port = port or free_port()
    base = f"http://127.0.0.1:{port}"
    calls: dict[str, ToneCall] = {}

    def make(incoming: Incoming) -> ToneCall:
        calls[incoming.id] = ToneCall(incoming, greeting, prepare)
        return calls[incoming.id]

    chosen = TelephonySettings(**{"auth_token": TOKEN, "public_url": base, **settings})  # type: ignore[arg-type]
    telephone = Telephone(chosen, make, converse)
    config = uvicorn.Config(
        Starlette(routes=telephone.routes()),
        port=port,
        ws="websockets-sansio",
        log_level="error",
        lifespan="off",
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield Served(base, telephone, calls)
    finally:
        await telephone.close()
        server.should_exit = True
        await task
