"""A TCP proxy before a server on this machine that cuts: wherever an answer is, all at once, or for good.

It runs in a thread with a loop of its own, so that tests with and without a loop use it in the same way.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")


class CuttingProxy:
    """``with CuttingProxy(port) as proxy: … proxy.url``.

    ``after`` says for each connection how many bytes of answers come through (0: all of them); then it ends in order,
    with a FIN: after a reset the other side may throw away what it has. ``down``: connections are taken and reset at
    once. ``lose``: of so many answers from now on nothing arrives, though what was asked did. ``cuts`` counts all.
    """

    def __init__(self, upstream: int, after: Callable[[], int] = lambda: 0):
        self._upstream, self.after = upstream, after
        self.down = False
        self.lose = 0
        self.cuts = 0
        self.port = 0
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._there(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._there(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Reset every connection there is."""
        self._there(self._cut())

    def _there(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _end(self) -> None:
        self._server.close()
        tasks = [task for task in self._open.values() if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _cut(self) -> None:
        for writer in list(self._open):
            self.cuts += 1
            writer.transport.abort()

    async def _serve(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        if self.down:
            back.transport.abort()
            return
        self._open[back] = asyncio.current_task()
        with suppress(OSError, asyncio.CancelledError):
            await self._between(client, back)
        del self._open[back]
        await _close(back)

    async def _between(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        server, there = await asyncio.open_connection("127.0.0.1", self._upstream)
        asking = asyncio.create_task(_copy(client, there))
        try:
            await self._answers(server, back)
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await _close(there)

    async def _answers(self, server: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        left = self.after()
        limited = left > 0
        while data := await server.read(4096):
            if self.lose:
                self.lose -= 1
                self.cuts += 1
                back.transport.abort()
                return
            back.write(data[:left] if limited else data)
            await back.drain()
            left -= len(data)
            if limited and left <= 0:
                self.cuts += 1
                return


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65_536):
        sink.write(data)
        await sink.drain()
    if sink.can_write_eof():
        sink.write_eof()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError, asyncio.CancelledError):
        await writer.wait_closed()
