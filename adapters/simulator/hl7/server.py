"""The simulated EHR at work: an MLLP listener, the feed, and the control over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from adapters.hl7v2.acknowledgement import Verdict, acknowledge
from adapters.hl7v2.charset import decode, encode
from adapters.hl7v2.message import MalformedMessage, Message, parse
from adapters.hl7v2.mllp.client import MllpClient, Peer
from adapters.hl7v2.mllp.framing import Frame, Framing, frame
from adapters.simulator.hl7.book import Book
from adapters.simulator.hl7.control import control
from adapters.simulator.hl7.faults import Faults
from adapters.simulator.hl7.taking import Done, take
from adapters.simulator.hl7.telling import Feed
from fhirserver.kernel.ids import new_id
from fhirserver.kernel.instants import SystemClock, instant

log = logging.getLogger("credence.simulator")

_MOST = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Options:
    """``tell`` is the address of the listener that is told of changes (``host:port``); empty: nobody is.

    ``data`` is the file of the records; None keeps them in memory. Port 0 takes a free one.
    """

    host: str = "127.0.0.1"
    port: int = 2576
    control_port: int = 8096
    tell: str = ""
    data: Path | None = None
    faults: Faults = field(default_factory=Faults)


class Hospital:
    """One simulated EHR."""

    def __init__(self, options: Options):
        self.options, self.faults = options, options.faults
        self.book = Book(options.data)
        host, _, port = options.tell.rpartition(":")
        client = MllpClient(Peer(host, int(port), answer_seconds=10.0)) if options.tell else None
        self.feed = Feed(self.book, self.faults, client)
        self.received = 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: every message is done before it is answered."""
        framing = Framing(_MOST)
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                for event in framing.feed(data):
                    if isinstance(event, Frame) and not await self._message(event.read(), writer):
                        writer.transport.abort()
                        return
        writer.close()

    async def _message(self, raw: bytes, writer: asyncio.StreamWriter) -> bool:
        """False where the connection is to be closed."""
        self.received += 1
        try:
            decoded = decode(raw)
            message = parse(decoded.text, decoded.encoding)
        except MalformedMessage:
            return False
        if self.faults.strikes("lost"):
            return True
        answer = self._answer(message)
        if self.faults.strikes("drop"):
            return False
        if self.faults.strikes("no_ack"):
            return True
        if self.faults.strikes("late"):
            await asyncio.sleep(self.faults.late_seconds)
        writer.write(frame(encode(answer, decoded.encoding)))
        await writer.drain()
        return True

    def _answer(self, message: Message) -> str:
        """The answer, from memory where the control id was answered before; what is done is durable by then."""
        key = "/".join((*message.sender, message.control_id))
        if key in self.book.answers:
            return self.book.answers[key]
        for fault, verdict in (
            ("ae", Verdict("AE", "206", "", "busy")),
            ("ar", Verdict("AR", "207", "", "down")),
        ):
            if self.faults.strikes(fault):
                return self._written(message, Done(verdict))
        done = take(self.book, message)
        answer = self._written(message, done)
        if done.verdict.accepted:
            self.book.answers[key] = answer
            self.book.save()
            self.feed.tell(done.event, done.number)
        return answer

    def _written(self, message: Message, done: Done) -> str:
        text = acknowledge(
            message, done.verdict, instant(SystemClock().now()), new_id().replace("-", "")[:20]
        )
        if not done.own:
            return text
        return "\r".join(_with_own(line, done.own) for line in text.split("\r"))


def _with_own(line: str, own: str) -> str:
    """An ERR segment with the EHR's own code, ERR-5."""
    if not line.startswith("ERR|"):
        return line
    fields = line.split("|")
    fields += [""] * (6 - len(fields))
    fields[5] = own
    return "|".join(fields)


async def serve(options: Options) -> None:
    """Run until cancelled. Prints the addresses as one line of JSON when it listens."""
    hospital = Hospital(options)
    listener = await asyncio.start_server(hospital.connected, options.host, options.port)
    web = socket.create_server((options.host, options.control_port))
    config = uvicorn.Config(control(hospital), log_level="warning", lifespan="off")
    telling = asyncio.create_task(hospital.feed.run())
    ports = {"mllp": listener.sockets[0].getsockname()[1], "control": web.getsockname()[1]}
    print(json.dumps(ports), flush=True)
    try:
        await uvicorn.Server(config).serve(sockets=[web])
    finally:
        telling.cancel()
        listener.close()
