"""Sending messages over MLLP: connections are kept and used again, every answer is matched to its message."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import ssl
from dataclasses import dataclass, field

from adapters.hl7v2.acknowledgement import Acknowledgement, read_acknowledgement, wants
from adapters.hl7v2.charset import decode
from adapters.hl7v2.message import MalformedMessage, Message, parse
from adapters.hl7v2.mllp.framing import Frame, Framing, TooLarge, frame
from adapters.hl7v2.mllp.tls import problem
from fhirserver.ports.ehr import Unanswered

log = logging.getLogger("credence.hl7")

_CHUNK = 64 * 1024
_LONGEST_ANSWER = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Resending:
    """When a message is sent again: ``attempts`` at most, after answers with one of the ``codes``.

    Seconds between two attempts grow from ``pause`` to ``cap``, each by chance up to that much.
    """

    attempts: int = 1
    codes: frozenset[str] = frozenset(("AE", "CE"))
    pause: float = 1.0
    cap: float = 30.0

    def seconds(self, attempt: int) -> float:
        return random.uniform(0, min(self.cap, self.pause * 2**attempt))  # noqa: S311


@dataclass(frozen=True, slots=True)
class Peer:
    """Where messages go, and how long is waited, in seconds. ``tls``: only over TLS, to a host of that name.

    ``connections`` at most are open at a time; with one, messages arrive in the order of sending.
    ``separate_answers``: application acknowledgements come elsewhere; the accept acknowledgement is all that is
    waited for.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    connections: int = 1
    connect_seconds: float = 10.0
    answer_seconds: float = 30.0
    separate_answers: bool = False
    resending: Resending = field(default_factory=Resending)


class _Link:
    """One open connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader, self._writer = reader, writer
        self._framing = Framing(_LONGEST_ANSWER)
        self._frames: list[bytes] = []
        self.used = False

    async def send(self, content: bytes) -> None:
        self._writer.write(frame(content))
        await self._writer.drain()

    async def answer_to(self, control_id: str) -> Acknowledgement:
        """The next acknowledgement of a message; answers to anything else are left out."""
        while True:
            answer = _read(await self._frame())
            if answer is not None and answer.of == control_id:
                return answer
            log.warning("an answer to no message that was sent was left out")

    async def _frame(self) -> bytes:
        while not self._frames:
            data = await self._reader.read(_CHUNK)
            if not data:
                raise ConnectionResetError("the connection was closed")
            for event in self._framing.feed(data):
                if isinstance(event, Frame):
                    self._frames.append(event.read())
                elif isinstance(event, TooLarge):
                    raise ConnectionAbortedError("an answer that is too long")
        return self._frames.pop(0)

    @property
    def usable(self) -> bool:
        return not (self._reader.at_eof() or self._writer.is_closing())

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await self._writer.wait_closed()


class MllpClient:
    """Sends messages to one peer. Concurrent calls share the connections."""

    def __init__(self, peer: Peer):
        self._peer = peer
        self._idle: list[_Link] = []
        self._places = asyncio.Semaphore(peer.connections)

    async def send(self, message: Message, encoding: str = "utf-8") -> Acknowledgement | None:
        """The answer: the application's, or the accept acknowledgement where that is all that comes.

        None where the message wants no answer. An answer may be an error: see its code. Raises
        :class:`~fhirserver.ports.ehr.Unanswered` where none came; whether the message arrived is then not known.
        """
        content = message.text.encode(encoding)
        for attempt in range(self._peer.resending.attempts):
            if attempt:
                await asyncio.sleep(self._peer.resending.seconds(attempt))
            answer = await self._once(message, content)
            if answer is None or answer.code not in self._peer.resending.codes:
                break
        return answer

    async def probe(self) -> None:
        """Make a connection. Raises :class:`~fhirserver.ports.ehr.Unanswered` where that fails."""
        async with self._places:
            self._idle.append(await self._connect())

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()

    async def _once(self, message: Message, content: bytes) -> Acknowledgement | None:
        async with self._places:
            link = await self._link()
            while True:
                try:
                    answer = await self._exchange(link, message, content)
                except (OSError, MalformedMessage) as error:
                    await link.close()
                    if link.used and isinstance(error, ConnectionError):
                        # The peer had closed a connection that was kept: that is no answer to this message.
                        link = await self._connect()
                        continue
                    raise Unanswered(f"no answer ({type(error).__name__})") from None
                except (
                    BaseException
                ):  # cancelled: what comes next on this connection is not for the next message
                    await link.close()
                    raise
                link.used = True
                self._idle.append(link)
                return answer

    async def _exchange(self, link: _Link, message: Message, content: bytes) -> Acknowledgement | None:
        accept, application = wants(message)
        async with asyncio.timeout(self._peer.answer_seconds):
            await link.send(content)
            if application == "NE" and accept == "NE":
                return None
            answer = await link.answer_to(message.control_id)
            if answer.is_commit and answer.accepted and self._application_follows(application):
                answer = await link.answer_to(message.control_id)
            return answer

    def _application_follows(self, application: str) -> bool:
        # Under ER and SU it may never come, so only the accept acknowledgement can be waited for.
        return application == "AL" and not self._peer.separate_answers

    async def _link(self) -> _Link:
        while self._idle:
            link = self._idle.pop()
            if link.usable:
                return link
            await link.close()
        return await self._connect()

    async def _connect(self) -> _Link:
        peer = self._peer
        try:
            async with asyncio.timeout(peer.connect_seconds):
                return _Link(*await asyncio.open_connection(peer.host, peer.port, ssl=peer.tls))
        except ssl.SSLError as error:
            raise Unanswered(f"no TLS connection: {problem(error)}") from None
        except OSError as error:  # TimeoutError is one
            raise Unanswered(f"no connection ({type(error).__name__})") from None


def _read(content: bytes) -> Acknowledgement | None:
    try:
        decoded = decode(content)
        return read_acknowledgement(parse(decoded.text, decoded.encoding))
    except MalformedMessage as error:
        log.warning("an answer could not be read: %s", error)
        return None
