"""What happens in the queue, to the browsers at once: server-sent events that follow the log.

https://html.spec.whatwg.org/multipage/server-sent-events.html The id of an event is a position of the log, so a
browser that was cut off goes on where it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from fhirserver.console.desk import HEADERS, Desk
from fhirserver.console.queue import Happened
from fhirserver.kernel.json import dumps

QUIET_SECONDS = 15.0
"""How long nothing is sent while nothing happens: proxies cut off what is silent, and we see who is gone."""
GATHER_SECONDS = 0.2
"""What happens within this time is told together."""
STREAM_SECONDS = 300.0
"""A stream ends after this, and its browser comes back at once: the session is looked at anew."""


LOOK_SECONDS = 1.0
"""How soon a stream sees that the server is about to stop."""


class Live:
    """The event stream of the console. Its streams end soon after ``ending`` is set: a server waits for them."""

    def __init__(self, desk: Desk, ending: asyncio.Event):
        self._desk, self._ending = desk, ending

    async def events(self, request: Request) -> Response:
        """A stream for a signed-in operator; 401 for a stranger, which ends the browser's attempts."""
        if await self._desk.sessions.of(request) is None:
            return Response(status_code=401, headers=HEADERS)
        told = request.headers.get("last-event-id") or request.query_params.get("after", "")
        after = int(told) if told.isdecimal() and len(told) < 19 else self._desk.context.store.head
        return StreamingResponse(
            self._stream(request, after), media_type="text/event-stream", headers=HEADERS
        )

    async def _stream(self, request: Request, after: int) -> AsyncIterator[bytes]:
        """Events until the browser is gone."""
        queue, clock = self._desk.queue, asyncio.get_running_loop().time
        until, silent = clock() + STREAM_SECONDS, clock()
        yield b"retry: 1000\n\n"
        while clock() < until and not self._ending.is_set():
            if await self._desk.context.store.wait_beyond(after, LOOK_SECONDS):
                await asyncio.sleep(GATHER_SECONDS)
                await queue.refresh()
                happened = queue.since(after)
                after = max(after, queue.position)
                if happened:
                    silent = clock()
                    yield event(after, happened, len(queue.items))
            elif clock() - silent > QUIET_SECONDS:
                if await request.is_disconnected():
                    return
                silent = clock()
                yield b": still here\n\n"


def event(position: int, happened: list[Happened], waiting: int) -> bytes:
    """One event: what became of which item by whom, and how many items wait now."""
    told = [{"id": one.id, "what": one.what, "by": one.by, "about": one.description} for one in happened]
    data = dumps({"happened": told, "waiting": waiting}).decode()
    return f"id: {position}\nevent: queue\ndata: {data}\n\n".encode()
