"""The sound of a call over a websocket, for whoever serves one.

To the operator: binary messages with a tenth of a second of both sides, text messages with the state
(``{"state": "listening"}``). From the operator: binary messages with the microphone's sound, ``{"heard": true}`` every
second or so, ``{"leave": true}`` to take leave. What else comes is ignored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from fhirserver.kernel.json import InvalidJson, dumps, loads
from fhirserver.ports.live_calls import OperatorSound, SoundState

LOOK_SECONDS = 1.0
"""How soon it is seen that an operator may not go on, or the server is about to stop."""
DONE, GOING = 1000, 1001


class Socket(Protocol):
    """A websocket that was accepted, by ASGI's messages."""

    async def receive(self) -> MutableMapping[str, Any]: ...

    async def send_bytes(self, data: bytes) -> None: ...

    async def send_text(self, data: str) -> None: ...


async def carry(sound: OperatorSound, socket: Socket, may_go_on: Callable[[], Awaitable[bool]]) -> int:
    """Carry sound both ways until either side ends or may not go on; the code to close the socket with.

    Raises what the socket raises when it is gone. The sound is closed in any case.
    """
    hearing, telling = asyncio.create_task(_hear(sound, socket)), asyncio.create_task(_tell(sound, socket))
    left = False
    try:
        while await may_go_on():
            await asyncio.wait({hearing, telling}, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if hearing.done():
                left = hearing.result()
                return DONE
            if telling.done():
                telling.result()
                return DONE
        return GOING
    finally:
        for task in (hearing, telling):
            task.cancel()
        await asyncio.gather(hearing, telling, return_exceptions=True)
        await sound.close(left)


async def _tell(sound: OperatorSound, socket: Socket) -> None:
    while (told := await sound.receive()) is not None:
        if isinstance(told, SoundState):
            await socket.send_text(dumps({"state": told.state}).decode())
        else:
            await socket.send_bytes(told)


async def _hear(sound: OperatorSound, socket: Socket) -> bool:
    """Take what comes; True where the operator takes leave, False where the socket is gone."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return False
        if (pcm := message.get("bytes")) is not None:
            await sound.send(pcm)
            continue
        said = _read(message.get("text") or "")
        if said.get("leave") is True:
            return True
        if said.get("heard") is True:
            await sound.alive()


def _read(text: str) -> dict[str, Any]:
    try:
        said = loads(text.encode())
    except InvalidJson:
        return {}
    return said if isinstance(said, dict) else {}
