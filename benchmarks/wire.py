"""A load client that costs far less than the server it measures.

HTTP/1.1 with keep-alive on bare asyncio transports: requests are bytes made beforehand, of an answer only
the status and where it ends are looked at. One connection has one request under way at a time (a closed
loop).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

Next = Callable[[], "Request | None"]
"""Gives the next request, or None when the measurement is over."""


class BadAnswer(Exception):
    """What came back is not HTTP/1.1 as this client knows it."""


@dataclass(frozen=True, slots=True)
class Request:
    """``wire`` is sent as it is.

    ``key`` names what was asked for, so that the answer can be checked afterwards.
    """

    wire: bytes
    key: int
    status: int


@dataclass(frozen=True, slots=True)
class Address:
    """Where a FHIR base is, and how to ask there."""

    host: str
    port: int
    path: str
    token: str

    @classmethod
    def of(cls, url: str, token: str) -> Address:
        parts = urlsplit(url.rstrip("/"))
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"the load client speaks plain http only, not {url!r}")
        return cls(parts.hostname, parts.port or 80, parts.path, token)

    def request(self, method: str, where: str, body: bytes = b"") -> bytes:
        """The bytes of one request.

        ``where`` follows the base, such as ``Patient/1`` or empty for the base.
        """
        target = f"{self.path}/{where}" if where else self.path or "/"
        lines = [
            f"{method} {target} HTTP/1.1",
            f"Host: {self.host}:{self.port}",
            "Accept: application/fhir+json",
        ]
        if self.token:
            lines.append(f"Authorization: Bearer {self.token}")
        if body:
            lines += ["Content-Type: application/fhir+json", "Prefer: return=representation"]
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body


class Reader:
    """Finds where answers end.

    Feed it bytes; :meth:`take` gives ``(status, head, body)`` once one is whole.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._needed = 0

    def feed(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data

    def take(self) -> tuple[int, bytes, bytes] | None:
        if len(self._buffer) < self._needed:
            return None
        split = self._buffer.find(b"\r\n\r\n")
        if split < 0:
            return None
        head = self._buffer[: split + 2]
        status = _status(head)
        body = (
            self._chunked(split + 4) if _is_chunked(head) else self._sized(split + 4, _length(head, status))
        )
        return None if body is None else (status, head, body)

    def _sized(self, start: int, length: int) -> bytes | None:
        end = start + length
        if len(self._buffer) < end:
            self._needed = end
            return None
        return self._cut(start, end)

    def _cut(self, start: int, end: int) -> bytes:
        body = self._buffer[start:end]
        self._buffer = self._buffer[end:]
        self._needed = 0
        return body

    def _chunked(self, start: int) -> bytes | None:
        body: list[bytes] = []
        at = start
        while (line := self._buffer.find(b"\r\n", at)) >= 0:
            size = int(self._buffer[at:line].split(b";")[0], 16)
            end = line + 2 + size
            if len(self._buffer) < end + 2:
                return None
            if not size:
                self._cut(0, end + 2)
                return b"".join(body)
            body.append(self._buffer[line + 2 : end])
            at = end + 2
        return None


def _status(head: bytes) -> int:
    if not head.startswith(b"HTTP/1.1 "):
        raise BadAnswer("the answer does not begin with HTTP/1.1")
    return int(head[9:12])


def _is_chunked(head: bytes) -> bool:
    return b"\r\ntransfer-encoding: chunked\r\n" in head.lower()


def _length(head: bytes, status: int) -> int:
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    if at < 0:
        if status in (204, 304):
            return 0
        raise BadAnswer(f"an answer with status {status} has neither a length nor chunks")
    return int(lower[at + 17 : lower.index(b"\r\n", at + 2)])


@dataclass(slots=True)
class Tally:
    """What one run saw: latencies in seconds, answers with a wrong status, and bodies kept for checking."""

    latencies: list[float] = field(default_factory=list)
    wrong: dict[int, int] = field(default_factory=dict)
    bodies: dict[int, bytes] = field(default_factory=dict)
    sample: bytes = b""
    broken: int = 0


class Lane(asyncio.Protocol):
    """One connection that asks, waits for the answer, and asks again."""

    def __init__(self, next_request: Next, tally: Tally):
        self._next = next_request
        self._tally = tally
        self._reader = Reader()
        self._request: Request | None = None
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by its methods only.
        self._ask()

    def _ask(self) -> None:
        assert self._transport is not None
        self._request = self._next()
        if self._request is None:
            self._transport.close()
            self._finish()
            return
        self._sent = time.perf_counter()
        self._transport.write(self._request.wire)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            answer = self._reader.take()
        except (BadAnswer, ValueError) as error:
            self._fail(error)
            return
        if answer is not None:
            self._count(answer[0], answer[2])
            self._ask()

    def _count(self, status: int, body: bytes) -> None:
        tally, request = self._tally, self._request
        assert request is not None
        tally.latencies.append(time.perf_counter() - self._sent)
        if status != request.status:
            tally.wrong[status] = tally.wrong.get(status, 0) + 1
            tally.sample = tally.sample or body[:500]
        elif request.key not in tally.bodies:
            tally.bodies[request.key] = body

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self._fail(error or ConnectionError("the server closed the connection"))

    def _fail(self, error: Exception) -> None:
        self._tally.broken += 1
        self._tally.sample = self._tally.sample or repr(error).encode()
        if self._transport is not None:
            self._transport.abort()
        self._finish()

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def drive(address: Address, connections: int, next_request: Next) -> Tally:
    """Ask over ``connections`` lanes until ``next_request`` gives None.

    A lane whose connection breaks stays out.
    """
    loop = asyncio.get_running_loop()
    tally = Tally()
    lanes = []
    for _ in range(connections):
        _, lane = await loop.create_connection(lambda: Lane(next_request, tally), address.host, address.port)
        lanes.append(lane)
    await asyncio.gather(*(lane.done for lane in lanes))
    return tally
