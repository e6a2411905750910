"""One connection of a listener: reads frames, has them handled, answers them in their order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from adapters.hl7v2.mllp.framing import Event, Frame, Framing, Garbage, frame
from adapters.hl7v2.mllp.limits import Complaints, Limits

log = logging.getLogger("credence.hl7")

_CHUNK = 64 * 1024
_NEVER = float("inf")

_Answers: TypeAlias = "asyncio.Future[Sequence[bytes]]"


class Receiver(Protocol):
    """Says what is answered to a message."""

    async def receive(self, raw: bytes, peer: str) -> Sequence[bytes]:
        """The answers to one message, in order; none where none is wanted.

        What must keep the order of arrival is done before the first wait. Raises nothing for what a message holds.
        """
        ...

    def too_large(self, head: bytes, most: int) -> bytes:
        """The answer to a message of which only the head was taken."""
        ...


@dataclass(slots=True)
class Counts:
    """What a listener has seen since it began."""

    received: int = 0
    answered: int = 0
    refused: int = 0
    garbage_bytes: int = 0


class Budget:
    """Bytes that may be held at a time; whoever asks for more waits until others have given back theirs."""

    def __init__(self, most: int):
        self._most = self._left = most
        self._freed = asyncio.Event()

    async def take(self, size: int) -> None:
        size = min(size, self._most)
        while self._left < size:
            self._freed.clear()
            await self._freed.wait()
        self._left -= size

    def give(self, size: int) -> None:
        self._left += min(size, self._most)
        self._freed.set()


@dataclass(frozen=True, slots=True)
class Shared:
    """What the connections of a listener have in common."""

    receiver: Receiver
    limits: Limits
    budget: Budget
    complaints: Complaints
    counts: Counts
    idle: Callable[[Connection], None] = lambda connection: None
    """Called when a connection has answered what came."""


class Inlet(asyncio.StreamReader):
    """A reader that tells how many bytes have come in all."""

    fed = 0

    def feed_data(self, data: Any) -> None:
        self.fed += len(data)
        super().feed_data(data)


class Connection:
    """``deadline``, on the monotonic clock, is when the peer must have gone on; the listener looks after it."""

    def __init__(self, reader: Inlet, writer: asyncio.StreamWriter, peer: str, shared: Shared):
        self._reader, self._writer, self.peer, self._shared = reader, writer, peer, shared
        self._limits = shared.limits
        self._framing = Framing(self._limits.message_bytes)
        self._answers: asyncio.Queue[_Answers | None] = asyncio.Queue()
        self._slots = asyncio.Semaphore(self._limits.pipelined)
        self._outstanding = self._read_bytes = 0
        self._listening = False
        self._reading: asyncio.Task[None] | None = None
        self.deadline = _NEVER
        self._wait_for_more()

    async def run(self) -> None:
        """Until the peer ends it, or :meth:`finish` or :meth:`expire` is called."""
        writing = asyncio.create_task(self._write())
        self._reading = asyncio.create_task(self._read())
        try:
            await asyncio.wait({self._reading})
            self._answers.put_nowait(None)
            await writing
            if self._framing.refused:
                await self._linger()
            if not self._reading.cancelled() and (error := self._reading.exception()):
                raise error
        finally:
            self._reading.cancel()
            writing.cancel()
            for _ in self._framing.close():
                self._say("the connection ended within a message")
            self._writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(self._writer.wait_closed(), self._limits.linger_seconds)

    def finish(self) -> None:
        """Take nothing more; what was taken is still answered."""
        if self._reading is not None:
            self._reading.cancel()

    def release(self) -> socket.socket | None:
        """Let the connection itself go on elsewhere, and end here; None where something of it is here still.

        Then it was neither read from beyond what was dealt with, nor is anything to be answered. Never over TLS,
        whose state cannot be taken along.
        """
        transport = self._writer.transport
        unread = self._reader.fed - self._read_bytes or self._reader.at_eof() or not self._listening
        if unread or self._framing.inside or self._outstanding or transport.get_write_buffer_size():
            return None
        if transport.is_closing() or transport.get_extra_info("sslcontext") is not None:
            return None
        kept = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
        kept.setblocking(False)
        self.finish()
        transport.abort()  # closes our descriptor, not the connection
        return kept

    def expire(self) -> None:
        """End it at once: the peer has had its time."""
        within = self._framing.inside
        seconds = self._limits.message_seconds if within else self._limits.idle_seconds
        what = "a message was not complete" if within else "nothing was sent"
        self._say(f"{what} within {seconds:g} s, connection closed")
        self.deadline = _NEVER
        self._writer.transport.abort()

    async def _read(self) -> None:
        while not self._framing.refused:
            inside = self._framing.inside
            self._listening = True
            try:
                data = await self._reader.read(_CHUNK)
            except OSError:
                return
            self._listening = False
            self._read_bytes += len(data)
            if not data:
                return
            for event in self._framing.feed(data):
                inside = False
                await self._take(event)
            if not (inside and self._framing.inside):
                self._wait_for_more()

    async def _take(self, event: Event) -> None:
        counts, self.deadline = self._shared.counts, _NEVER
        if isinstance(event, Garbage):
            counts.garbage_bytes += event.size
            self._say(f"{event.size} bytes belong to no message")
        elif isinstance(event, Frame):
            counts.received += 1
            await self._slots.acquire()
            await self._shared.budget.take(event.size)
            self._expect(asyncio.create_task(self._handle(event)))
        else:
            counts.refused += 1
            self._say(f"a message of more than {self._limits.message_bytes} bytes refused, connection closed")
            answer: _Answers = asyncio.get_running_loop().create_future()
            answer.set_result((self._shared.receiver.too_large(event.head, self._limits.message_bytes),))
            self._expect(answer)

    def _expect(self, answer: _Answers) -> None:
        self._outstanding += 1
        self._answers.put_nowait(answer)

    async def _handle(self, message: Frame) -> Sequence[bytes]:
        try:
            return await self._shared.receiver.receive(message.read(), self.peer)
        finally:
            self._shared.budget.give(message.size)

    async def _write(self) -> None:
        while (answer := await self._answers.get()) is not None:
            try:
                for content in await answer:
                    self._shared.counts.answered += 1
                    self._writer.write(frame(content))
                await self._flush()
            except OSError:
                pass  # the peer is gone; what it sent is handled all the same
            except (
                Exception
            ) as error:  # a message without an answer: the peer must not take the next one for it
                log.error("%s: a message was not answered: %s", self.peer, type(error).__name__)
                self._writer.transport.abort()
            self._outstanding -= 1
            self._slots.release()
            if not self._framing.inside:
                self._wait_for_more()
            if not self._outstanding:
                asyncio.get_running_loop().call_soon(self._offer)

    def _offer(self, again: bool = True) -> None:
        """Say that nothing of it is here, once the answer has gone out."""
        if again and self._writer.transport.get_write_buffer_size():
            asyncio.get_running_loop().call_soon(self._offer, False)
        else:
            self._shared.idle(self)

    async def _flush(self) -> None:
        if not self._writer.transport.get_write_buffer_size():
            return
        try:
            async with asyncio.timeout(self._limits.answer_seconds):
                await self._writer.drain()
        except TimeoutError:
            self._say("it does not read its answers, connection closed")
            self._writer.transport.abort()

    async def _linger(self) -> None:
        """Let the peer read why it is refused: to close at once, while it still sends, would take that from it."""
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(self._limits.linger_seconds):
                if self._writer.can_write_eof():
                    self._writer.write_eof()
                while await self._reader.read(_CHUNK):
                    pass

    def _wait_for_more(self) -> None:
        """The peer's time begins anew, unless it waits for us."""
        if self._framing.inside:
            self.deadline = time.monotonic() + self._limits.message_seconds
        else:
            self.deadline = _NEVER if self._outstanding else time.monotonic() + self._limits.idle_seconds

    def _say(self, what: str) -> None:
        self._shared.complaints.say(self.peer, what)
