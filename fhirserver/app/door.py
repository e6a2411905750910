"""The one listening socket of several workers: each new connection is handed to the worker that has the fewest.

Clients of a FHIR server hold few connections and keep them, so it matters which process each gets: where the
kernel spreads them by chance (``SO_REUSEPORT``), one worker often has them all while the others idle. Over its
channel a worker is sent descriptors, and answers one byte when it is ready and one for each connection that ended.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import time
from dataclasses import dataclass
from typing import Final

log = logging.getLogger("credence.workers")

READY: Final = b"r"
ENDED: Final = b"e"
HANDED: Final = b"h"
_BACKLOG: Final = 2048
_AT_ONCE: Final = 64
_PAUSE_SECONDS: Final = 0.1
"""How long nothing is accepted after the system refused: it has no descriptors left, say."""


@dataclass(slots=True, eq=False)
class Lane:
    """The way to one worker, and how many connections went it."""

    channel: socket.socket
    ready: bool = False
    handed: int = 0
    ended: int = 0

    @property
    def load(self) -> tuple[int, int]:
        """Connections that are open there; among equals, whoever had fewer in all comes first."""
        return self.handed - self.ended, self.handed


class Door:
    """Bound at once, so that the port is kept; listens from :meth:`open` on. Raises OSError for a taken port."""

    def __init__(self, host: str, port: int) -> None:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        self._listening = socket.socket(family, kind, protocol)
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listening.bind(address)
        except OSError:
            self._listening.close()
            raise
        self._listening.setblocking(False)
        self.port = int(self._listening.getsockname()[1])
        self._lanes: list[Lane] = []
        self._selector = selectors.DefaultSelector()
        self._accepts = False
        self.opened = False

    def open(self) -> None:
        """Let clients come."""
        self._listening.listen(_BACKLOG)
        self.opened = True
        self._accept_or_not()

    def shut(self) -> None:
        """Let nobody in any more; what workers have goes on."""
        self.opened = False
        self._accept_or_not()
        self._listening.close()

    def close(self) -> None:
        """Give up the port and the ways to the workers: one that still runs then ends at once."""
        self.shut()
        for lane in list(self._lanes):
            self._drop(lane)
        self._selector.close()

    def lane(self) -> tuple[Lane, socket.socket]:
        """A way to a new worker, and the worker's end of it."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        lane = Lane(ours)
        self._lanes.append(lane)
        self._selector.register(ours, selectors.EVENT_READ, lane)
        return lane, theirs

    def serve(self, seconds: float) -> None:
        """Hand on who comes; returns after one round, or where nobody came in that time."""
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                self._accept()
            else:
                self._hear(key.data)

    def _hear(self, lane: Lane) -> None:
        try:
            said = lane.channel.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        if not said:
            self._drop(lane)
            return
        lane.ready |= READY in said
        lane.ended += said.count(ENDED)
        self._accept_or_not()

    def _drop(self, lane: Lane) -> None:
        """A worker that ended, or is about to: it gets no more."""
        self._lanes.remove(lane)
        self._selector.unregister(lane.channel)
        lane.channel.close()
        lane.ready = False
        self._accept_or_not()

    def _accept_or_not(self) -> None:
        """Clients wait outside while no worker is ready."""
        wanted = self.opened and any(lane.ready for lane in self._lanes)
        if wanted and not self._accepts:
            self._selector.register(self._listening, selectors.EVENT_READ, None)
        elif self._accepts and not wanted:
            self._selector.unregister(self._listening)
        self._accepts = wanted

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            if not self._accepts:  # the last worker left in this very round: who comes waits outside
                return
            try:
                connection, _address = self._listening.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                log.warning("no connection could be accepted: %s", error.strerror)
                time.sleep(_PAUSE_SECONDS)
                return
            with connection:
                self._hand(connection)

    def _hand(self, connection: socket.socket) -> None:
        for lane in sorted((lane for lane in self._lanes if lane.ready), key=lambda lane: lane.load):
            # A worker that is gone, or so slow that its channel is full, is passed over: the next one gets it.
            with contextlib.suppress(OSError):
                socket.send_fds(lane.channel, [HANDED], [connection.fileno()])
                lane.handed += 1
                return
        log.warning("no worker takes connections")
