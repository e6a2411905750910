"""HTTP/1.1 over a socket, without the good manners of a client library: bytes out as they are."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import time
from dataclasses import dataclass, field


class NoAnswer(Exception):
    """The server closed the connection, answered no HTTP, or took too long; the message says which."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and after how many seconds."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float


@dataclass(slots=True)
class Wire:
    """One connection, opened when needed. ``seconds`` is how long an answer may take."""

    host: str
    port: int
    seconds: float
    _reader: asyncio.StreamReader | None = field(default=None, init=False)
    _writer: asyncio.StreamWriter | None = field(default=None, init=False)

    async def ask(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
        """Send a request, read the answer. Raises :class:`NoAnswer`.

        A broken connection is tried once more: whoever still writes when an early refusal closes may lose it.
        """
        try:
            return await self._timed(method, target, headers, body)
        except ConnectionError:
            self.close()
        try:
            return await self._timed(method, target, headers, body)
        except ConnectionError as error:
            self.close()
            raise NoAnswer(f"the connection broke: {type(error).__name__}") from None

    async def _timed(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Answer:
        began = time.monotonic()
        try:
            async with asyncio.timeout(self.seconds):
                return await self._ask(method, target, headers, body, began)
        except TimeoutError:
            self.close()
            raise NoAnswer(f"no answer within {self.seconds:.0f} s") from None
        except ConnectionError:
            raise
        except (OSError, asyncio.IncompleteReadError, EOFError, ValueError, IndexError) as error:
            self.close()
            raise NoAnswer(f"the connection broke: {type(error).__name__}") from None

    async def _ask(
        self, method: str, target: str, headers: list[tuple[str, str]], body: bytes, began: float
    ) -> Answer:
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self.host, self.port, limit=2**26)
        lines = [f"{method} {target} HTTP/1.1", f"host: {self.host}:{self.port}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if body or method in ("POST", "PUT", "PATCH"):
            lines.append(f"content-length: {len(body)}")
        head = "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")
        self._writer.write(head + body)
        assert self._reader is not None
        _, (status, told) = await asyncio.gather(self._drained(self._writer), self._head(self._reader))
        content = await self._body(self._reader, told, method, status)
        if told.get("content-encoding") == "gzip" and content:
            content = gzip.decompress(content)
        if told.get("connection", "") == "close":
            self.close()
        return Answer(status, told, content, time.monotonic() - began)

    async def _drained(self, writer: asyncio.StreamWriter) -> None:
        """Send while the answer is awaited: the server may have answered (413, 431) before all was sent."""
        with contextlib.suppress(ConnectionError):
            await writer.drain()

    async def _head(self, reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in head[1:] if line)
        return int(head[0].split(" ")[1]), {name.lower(): value.strip() for name, _, value in pairs}

    async def _body(
        self, reader: asyncio.StreamReader, headers: dict[str, str], method: str, status: int
    ) -> bytes:
        if method == "HEAD" or status in (204, 304):
            return b""
        if headers.get("transfer-encoding") != "chunked":
            return await reader.readexactly(int(headers.get("content-length", "0")))
        chunks = []
        while size := int(await reader.readline(), 16):
            chunks.append(await reader.readexactly(size))
            await reader.readline()
        await reader.readline()
        return b"".join(chunks)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None
