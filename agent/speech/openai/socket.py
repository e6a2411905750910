"""One websocket to the Realtime API: opened ahead, kept over the turns of a call, opened again where it broke."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from openai import AsyncOpenAI, OpenAIError
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from openai.types.realtime import RealtimeErrorEvent, RealtimeServerEvent, SessionUpdatedEvent
from websockets.exceptions import WebSocketException

from agent.speech.openai.failures import failed, refused
from agent.speech.ports import SpeechFailed

log = logging.getLogger("credence.speech.openai")

ClientEvent = Mapping[str, Any]
"""One of ``openai.types.realtime.RealtimeClientEventParam``."""
_BROKEN = (OpenAIError, WebSocketException, OSError, ValueError)
_OPTIONAL = ("include", "reasoning")
"""Parts of a session that not every model has: left out where the API refuses them."""
_REOPENINGS = 2
"""How often in a row it is opened again by itself; after that only when it is needed."""


class Listener(Protocol):
    """Who uses the socket. All are called from the reading task and return at once."""

    def opened(self) -> None:
        """A session stands, and knows nothing of one before it."""
        ...

    def event(self, event: RealtimeServerEvent) -> None:
        """What the API says."""
        ...

    def lost(self, error: SpeechFailed, final: bool) -> None:
        """The session has ended; where it is not ``final``, another one is being opened."""
        ...


class RealtimeSocket:
    """``session`` makes the session's parameters; ``model`` is None for a session that only transcribes."""

    def __init__(
        self,
        client: AsyncOpenAI,
        model: str | None,
        session: Callable[[], dict[str, Any]],
        connect_seconds: float,
    ):
        self._client, self._model, self._session, self._seconds = client, model, session, connect_seconds
        self.listeners: list[Listener] = []
        self._connection: AsyncRealtimeConnection | None = None
        self._opening: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._ending: set[asyncio.Task[None]] = set()
        self._out: asyncio.Queue[ClientEvent] = asyncio.Queue()
        self._left_out: set[str] = set()
        self._reopenings, self._closed = 0, False

    @property
    def connected(self) -> bool:
        return self._connection is not None

    async def ensure(self) -> None:
        """Return when a session stands. Raises SpeechFailed."""
        if self._connection is not None:
            return
        if self._opening is None or self._opening.done():
            self._opening = self._begin()
        await asyncio.shield(self._opening)

    def _begin(self) -> asyncio.Task[None]:
        task = asyncio.create_task(self._open())
        # It may fail with nobody waiting any more: that is no error of the loop.
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task

    def send(self, event: ClientEvent) -> None:
        """Queue an event; one for a session that has ended is dropped."""
        if self._connection is not None:
            self._out.put_nowait(event)

    def session(self) -> dict[str, Any]:
        """The session's parameters without what was refused."""
        return {name: value for name, value in self._session().items() if name not in self._left_out}

    def worked(self) -> None:
        """The API has done what it was asked: a break from now on is the first again."""
        self._reopenings = 0

    def reset(self, error: SpeechFailed) -> None:
        """Give up a session that no longer answers."""
        if self._connection is not None:
            self._end(self._connection, error)

    async def close(self) -> None:
        """End it."""
        self._closed = True
        tasks = [task for task in (self._opening, *self._tasks) if task is not None and not task.done()]
        connection, self._connection = self._connection, None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self._ending, return_exceptions=True)
        self._tasks.clear()
        if connection is not None:
            await _hang_up(connection)
            self._tell_lost(SpeechFailed("OpenAI: closed"), final=True)

    async def _open(self) -> None:
        if self._closed:
            raise SpeechFailed("OpenAI: closed")
        try:
            async with asyncio.timeout(self._seconds):
                connection = await self._connect()
        except TimeoutError:
            raise self._unopened(SpeechFailed(f"OpenAI: no session within {self._seconds:g} s")) from None
        except _BROKEN as error:
            raise self._unopened(failed(error)) from None
        except SpeechFailed as error:
            raise self._unopened(error) from None
        self._connection, self._out = connection, asyncio.Queue()
        for listener in self.listeners:
            listener.opened()
        self._keep(self._read(connection))
        self._keep(self._write(connection, self._out))

    def _unopened(self, error: SpeechFailed) -> SpeechFailed:
        log.warning("no session: %s", error)
        self._tell_lost(error, final=True)
        return error

    async def _connect(self) -> AsyncRealtimeConnection:
        options: dict[str, Any] = (
            {"extra_query": {"intent": "transcription"}} if self._model is None else {"model": self._model}
        )
        connection = await self._client.realtime.connect(**options).enter()
        try:
            await self._set_up(connection)
        except BaseException:
            await _hang_up(connection)
            raise
        return connection

    async def _set_up(self, connection: AsyncRealtimeConnection) -> None:
        await self._update(connection)
        while True:
            event = await connection.recv()
            if isinstance(event, SessionUpdatedEvent):
                return
            if isinstance(event, RealtimeErrorEvent):
                self._leave_out(event)
                await self._update(connection)

    async def _update(self, connection: AsyncRealtimeConnection) -> None:
        update: Any = {"type": "session.update", "session": self.session()}
        await connection.send(update)

    def _leave_out(self, event: RealtimeErrorEvent) -> None:
        """The optional part that was refused; any other refusal is raised."""
        param = event.error.param or ""
        part = next((p for p in _OPTIONAL if p in param.split(".") and p not in self._left_out), None)
        if part is None:
            raise refused("the session was refused", event.error.code, event.error.type)
        self._left_out.add(part)

    async def _write(self, connection: AsyncRealtimeConnection, out: asyncio.Queue[ClientEvent]) -> None:
        try:
            while True:
                await connection.send_raw(json.dumps(await out.get()))
        except _BROKEN as error:
            self._end(connection, failed(error))

    async def _read(self, connection: AsyncRealtimeConnection) -> None:
        try:
            while True:
                self._tell(await connection.recv())
        except _BROKEN as error:
            self._end(connection, failed(error))

    def _tell(self, event: RealtimeServerEvent) -> None:
        try:
            if event.type == "error":
                log.warning("%s", refused("an error event", event.error.code, event.error.type))
            for listener in self.listeners:
                listener.event(event)
        except (AttributeError, TypeError, KeyError) as error:
            # The SDK does not check what comes: an event may lack what its type has.
            log.warning("an event of another shape was passed over: %s", type(error).__name__)

    def _end(self, connection: AsyncRealtimeConnection, error: SpeechFailed) -> None:
        if self._connection is not connection:
            return
        self._connection = None
        current = asyncio.current_task()
        for task in self._tasks:
            if task is not current:
                task.cancel()
        again = not self._closed and self._reopenings < _REOPENINGS
        log.warning("the session ended%s: %s", ", another one is opened" if again else "", error)
        ending = asyncio.create_task(_hang_up(connection))
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        self._tell_lost(error, final=not again)
        if again:
            self._reopenings += 1
            self._opening = self._begin()

    def _tell_lost(self, error: SpeechFailed, final: bool) -> None:
        for listener in self.listeners:
            listener.lost(error, final)

    def _keep(self, work: Any) -> None:
        self._tasks = [task for task in self._tasks if not task.done()]
        self._tasks.append(asyncio.create_task(work))


async def _hang_up(connection: AsyncRealtimeConnection) -> None:
    try:
        async with asyncio.timeout(1.0):
            await connection.close()
    except (TimeoutError, *_BROKEN):
        return
