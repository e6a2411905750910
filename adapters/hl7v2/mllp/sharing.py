"""Connections of a listener handed to other processes of the same server: each to the one that has the fewest.

Who has the port accepts, and counts all of them: limits hold for the server as a whole. Said are, to an assistant,
``C number peer`` with the connection; by it ``V version rank`` first, then ``E number`` of a connection that has ended
and ``H taken refused``, how many messages came since it last said so. See ADR 23.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from adapters.hl7v2.mllp.doorway import Channel, Doorway, is_ours
from adapters.hl7v2.mllp.service import DRAIN_SECONDS

log = logging.getLogger("credence.hl7")

LOOK_SECONDS = 0.25


@dataclass(slots=True)
class _Assistant:
    """One that serves connections of ours, and what it has: what is to be called when it ends, by number."""

    channel: Channel
    rank: int = -1
    has: dict[int, Callable[[], None]] = field(default_factory=dict)


@dataclass(slots=True)
class Sharing:
    """The side of who has the port. ``version`` is that of the listener's settings, which assistants must have too.

    Of several that have equally few, the one with the least ``rank`` gets the next. ``heard`` is told of every message
    that an assistant received, whether it was taken in. ``yields``: this process has other work to do, and keeps a
    connection only where it is alone.
    """

    name: str
    doorway: Doorway
    version: str
    rank: int = 0
    heard: Callable[[bool], None] = lambda taken: None
    yields: bool = False
    _assistants: list[_Assistant] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def run(self) -> None:
        """Let assistants come until cancelled. Where the place cannot be had, one process serves all."""
        try:
            listening = self.doorway.listen()
        except OSError as error:
            log.warning("%s: one process serves all connections: %s", self.name, error.strerror)
            return
        loop = asyncio.get_running_loop()
        loop.add_reader(listening.fileno(), self._welcome, listening)
        try:
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                self._look()
        finally:
            loop.remove_reader(listening.fileno())
            listening.close()
            self.doorway.leave()

    async def end(self) -> None:
        """Have the assistants let go of what they have, within some seconds."""
        deadline = asyncio.get_running_loop().time() + DRAIN_SECONDS
        for one in self._assistants:
            one.channel.finish()
        try:
            while self._assistants and asyncio.get_running_loop().time() < deadline:
                self._look()
                await asyncio.sleep(LOOK_SECONDS / 10)
        finally:
            for one in self._assistants:
                self._forget(one)
            self._assistants.clear()

    def hand(self, accepted: socket.socket, peer: str, own: int, ended: Callable[[], None]) -> bool:
        """Give a connection to another process, unless this one has the fewest with its ``own``; then False."""
        for one in sorted(self._assistants, key=lambda one: (len(one.has), one.rank)):
            if one.rank < 0:
                continue
            if not self.yields and (own, self.rank) < (len(one.has), one.rank):
                return False
            number = next(self._numbers)
            if one.channel.hand(f"C {number} {peer}".encode(), accepted.fileno()):
                accepted.close()
                one.has[number] = ended
                return True
        return False

    def surplus(self, own: int) -> int:
        """How many of its ``own`` connections this process has too many."""
        least = min((len(one.has) for one in self._assistants if one.rank >= 0), default=own)
        if self.yields and any(one.rank >= 0 for one in self._assistants):
            return own
        return max(0, (own - least) // 2)

    def _welcome(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):  # out of descriptors, or gone at once: it asks again
            way, _ = listening.accept()
            if is_ours(way):
                self._join(way)
            else:
                way.close()

    def _join(self, way: socket.socket) -> None:
        way.setblocking(False)
        joined = _Assistant(Channel(way, lambda words, _: self._hear(joined, words.decode())))
        self._assistants.append(joined)
        joined.channel.open()

    def _look(self) -> None:
        for one in list(self._assistants):
            one.channel.look()
            if one.channel.ended:
                self._assistants.remove(one)
                self._forget(one)

    def _forget(self, one: _Assistant) -> None:
        one.channel.close()
        for ended in one.has.values():
            ended()
        one.has.clear()

    def _hear(self, one: _Assistant, words: str) -> None:
        kind, *said = words.split(" ")
        if kind == "V":
            self._acquaint(one, *said)
        elif kind == "E" and (ended := one.has.pop(int(said[0]), None)):
            ended()
        elif kind == "H":
            taken, refused = map(int, said)
            for whether in (*[True] * taken, *[False] * refused):
                self.heard(whether)

    def _acquaint(self, one: _Assistant, version: str, rank: str = "0") -> None:
        if version == self.version:
            one.rank = int(rank)
            log.info("%s: another process serves connections too", self.name)
        else:
            one.channel.finish()  # the settings have changed, for one of us sooner than for the other
