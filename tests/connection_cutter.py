"""A TCP proxy between a client and a server that cuts: all connections at once, after so many bytes, or for good."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType


class ConnectionCutter:
    """``async with ConnectionCutter(port) as proxy: … proxy.url``. ``down``: connections are taken and closed at once;
    ``every``: each connection is cut after so many bytes of answers (0: never). ``cuts`` counts."""

    def __init__(self, target: int, every: int = 0):
        self._target, self.every = target, every
        self.down = False
        self.cuts = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> ConnectionCutter:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Reset every connection there is."""
        for writer in list(self._open):
            self.cuts += 1
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.down:
            writer.transport.abort()
            return
        self._open.add(writer)
        try:
            inner, outer = await asyncio.open_connection("127.0.0.1", self._target)
            await asyncio.gather(self._pipe(reader, outer, 0), self._pipe(inner, writer, self.every))
        except OSError:
            pass
        finally:
            self._open.discard(writer)
            with contextlib.suppress(OSError, RuntimeError):
                writer.close()

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int) -> None:
        sent = 0
        with contextlib.suppress(OSError):
            while data := await reader.read(4096):
                writer.write(data)
                await writer.drain()
                sent += len(data)
                if most and sent >= most:
                    self.cuts += 1
                    break  # in order, with a FIN: after a reset the other side may throw away what it has
        with contextlib.suppress(OSError, RuntimeError):
            writer.close()
