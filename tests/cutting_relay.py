"""A relay before a server on this machine that can lose answers: what was asked arrives, what is answered does not."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Self


class CuttingRelay:
    """Listens on a port of its own; ``url`` is where. ``lose`` so many answers from now on."""

    def __init__(self, port: int):
        self._port = port
        self.lose = 0
        self.lost = 0
        self._server: asyncio.Server | None = None
        self._open: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.append(asyncio.create_task(self._between(reader, writer)))

    async def _between(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection("127.0.0.1", self._port)
        there = asyncio.create_task(self._copy(reader, ours, False))
        try:
            with contextlib.suppress(OSError):
                await self._copy(theirs, writer, True)
        finally:
            there.cancel()
            await asyncio.gather(there, return_exceptions=True)
            for one in (ours, writer):
                one.close()
                with contextlib.suppress(OSError):
                    await one.wait_closed()

    async def _copy(self, source: asyncio.StreamReader, to: asyncio.StreamWriter, answers: bool) -> None:
        while data := await source.read(65_536):
            if answers and self.lose:
                self.lose -= 1
                self.lost += 1
                to.transport.abort()
                return
            to.write(data)
            await to.drain()
