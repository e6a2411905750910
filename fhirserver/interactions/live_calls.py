"""A call's events as server-sent events, for whoever serves them.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from fhirserver.kernel.json import dumps
from fhirserver.ports.live_calls import LiveCalls, LiveEvent

QUIET_SECONDS = 15.0
"""How long nothing is sent while nothing happens: proxies cut off what is silent."""
LOOK_SECONDS = 1.0
"""How soon a stream sees that the server is about to stop."""
STREAM_SECONDS = 300.0
"""A stream ends after this and its reader comes back: whether it may still read is looked at anew."""


def position(last_event_id: str) -> int:
    """The event to go on after; 0, the beginning, for what is no id of ours."""
    return int(last_event_id) if last_event_id.isdecimal() and len(last_event_id) < 10 else 0


def is_at_its_end(live: LiveCalls, id: str, after: int) -> bool:
    """Whether nothing can follow any more: a reader that comes back is told not to (204)."""
    call = live.call(id)
    return (
        call is not None and bool(call.ended) and after >= call.last_event and call.stage in ("", "completed")
    )


async def stream(live: LiveCalls, id: str, after: int, ending: asyncio.Event) -> AsyncIterator[bytes]:
    """Events of one call as bytes until it is over, the server ends, or the reader should come back.

    A last event of the type ``end`` says that there will be nothing more.
    """
    events = live.follow(id, after)
    clock = asyncio.get_running_loop().time
    until, silent = clock() + STREAM_SECONDS, clock()
    yield b"retry: 1000\n\n"
    waiting = asyncio.ensure_future(anext(events, None))
    try:
        while clock() < until and not ending.is_set():
            await asyncio.wait({waiting}, timeout=LOOK_SECONDS)
            if waiting.done():
                event = waiting.result()
                if event is None:
                    yield b"event: end\ndata: {}\n\n"
                    return
                yield told(event)
                silent, waiting = clock(), asyncio.ensure_future(anext(events, None))
            elif clock() - silent > QUIET_SECONDS:
                silent = clock()
                yield b": still here\n\n"
    finally:
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting


def told(event: LiveEvent) -> bytes:
    """One event on the wire."""
    return f"id: {event.id}\ndata: {dumps(event.as_json()).decode()}\n\n".encode()
