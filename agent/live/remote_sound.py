"""The sound of a call of another process, over a websocket: what an operator hears and says goes through."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Mapping
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from fhirserver.kernel.json import InvalidJson, loads
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.live_calls import SoundState

_OPEN_SECONDS = 5.0
_CLOSE_SECONDS = 2.0
_BYTES = 65_536
_WAITING = 4
"""Messages that wait here for an operator who is slow; the rest waits, and is dropped, beside the call."""


class FarSound:
    """:class:`~fhirserver.ports.live_calls.OperatorSound` over a connection that is open."""

    def __init__(self, connection: ClientConnection):
        self._connection = connection

    async def receive(self) -> bytes | SoundState | None:
        while True:
            try:
                told = await self._connection.recv()
            except ConnectionClosed:
                return None
            if isinstance(told, bytes):
                return told
            with contextlib.suppress(InvalidJson, KeyError, TypeError):
                return SoundState(str(loads(told.encode())["state"]))

    async def send(self, sound: bytes) -> None:
        await self._put(sound)

    async def alive(self) -> None:
        await self._put('{"heard":true}')

    async def close(self, left: bool = False) -> None:
        if left:
            await self._put('{"leave":true}')
        await self._connection.close()

    async def _put(self, told: bytes | str) -> None:
        with contextlib.suppress(ConnectionClosed):
            await self._connection.send(told)


async def far_sound(url: str, headers: Mapping[str, str], tls: ssl.SSLContext | None = None) -> FarSound:
    """Connect to ``url`` (http, or https known by ``tls``).

    Refuses what the other process refuses, and (503) where it is not there."""
    address = "ws" + url.removeprefix("http")
    known: dict[str, Any] = {"ssl": tls} if tls is not None else {}
    try:
        connection = await connect(
            address, additional_headers=headers, open_timeout=_OPEN_SECONDS, close_timeout=_CLOSE_SECONDS,
            max_size=_BYTES, max_queue=_WAITING, compression=None, proxy=None,
            **known,
        )  # fmt: skip
    except InvalidStatus as error:
        status = error.response.status_code
        category = next((c for c in Category if c.value == status), Category.BUSY)
        raise refuse(category, "not-found", "There is no sound of this call any more") from None
    except (WebSocketException, OSError):
        raise refuse(Category.BUSY, "transient", "The telephone does not answer") from None
    return FarSound(connection)
