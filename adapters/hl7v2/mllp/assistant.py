"""Serves connections that another process of the same server accepts (:mod:`adapters.hl7v2.mllp.sharing`)."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
from functools import partial

from adapters.hl7v2.mllp.doorway import Channel, Doorway
from adapters.hl7v2.mllp.service import Service
from adapters.hl7v2.mllp.sharing import LOOK_SECONDS

log = logging.getLogger("credence.hl7")

_REACH_SECONDS = 0.5


class Assistant:
    """Work of a process that has not the connector's lease. ``tally`` counts ``taken`` and ``refused`` messages.

    When who has the port lets go of it, or dies, what has arrived is answered and the connections end, as they do
    there.
    """

    def __init__(
        self, service: Service, doorway: Doorway, version: str, rank: int, tally: Counter[str] | None = None
    ):
        self._service, self._doorway = service, doorway
        self._greeting = f"V {version} {rank}".encode()
        self._tally: Counter[str] = Counter() if tally is None else tally
        self._channel: Channel | None = None
        self._ending = False
        self.paused = False
        """As for a listener: who is paused still hears."""

    async def run(self) -> None:
        """Serve until cancelled, whoever has the port."""
        sweeping = asyncio.create_task(self._service.sweep())
        try:
            while True:
                if not self._ending and (way := self._doorway.reach()):
                    await self._assist(way)
                await asyncio.sleep(_REACH_SECONDS)
        finally:
            sweeping.cancel()
            await asyncio.gather(sweeping, return_exceptions=True)

    async def drain(self) -> None:
        """Take nothing more; what has arrived is answered, within some seconds."""
        self._ending = True
        await self._service.drain()

    async def close(self) -> None:
        """After :meth:`run` has ended."""

    async def _assist(self, way: socket.socket) -> None:
        channel = Channel(way, self._hear)
        self._channel = channel
        try:
            channel.say(self._greeting)
            channel.open()
            while not channel.ended and not self._ending:
                await asyncio.sleep(LOOK_SECONDS)
                channel.look()
                self._tell(channel)
        finally:
            try:
                await self._service.drain()
            finally:
                self._tell(channel)
                channel.close()
                self._channel = None

    def _hear(self, words: bytes, descriptor: int | None) -> None:
        kind, number, peer = words.decode().split(" ", 2)
        assert kind == "C"
        if descriptor is None:  # we had none left to take it with
            self._ended(number)
            return
        accepted = socket.socket(fileno=descriptor)
        accepted.setblocking(False)
        if self._ending:
            accepted.close()
            self._ended(number)
        else:
            self._service.begin(accepted, peer, partial(self._ended, number))

    def _ended(self, number: str) -> None:
        if self._channel is not None:
            self._channel.say(f"E {number}".encode())

    def _tell(self, channel: Channel) -> None:
        taken, refused = self._tally.pop("taken", 0), self._tally.pop("refused", 0)
        if taken or refused:
            channel.say(f"H {taken} {refused}".encode())
