"""Events on their way out: as NDJSON, as server-sent events, or as one JSON document, by ``Accept``.

An empty line (NDJSON) or a comment (SSE) every 15 seconds tells both sides that the other is there.
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

from fastapi.responses import Response, StreamingResponse

from fhirserver.kernel.json import dumps
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.chats import ChatEvent
from fhirserver.rest.front import Receive, Scope, Send

NDJSON, SSE, JSON = "application/x-ndjson", "text/event-stream", "application/json"
TYPES: Final = (JSON, NDJSON, SSE)
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_STREAMING = {**HEADERS, "X-Accel-Buffering": "no"}
BEAT_SECONDS = 15.0
_PART = 64 * 1024
Lots = AsyncIterator[Sequence[ChatEvent]]
Until = Callable[[ChatEvent], bool]
Still = Callable[[], Awaitable[bool]]
"""Whether whoever reads may do so by now: a token ends, or is revoked."""


def wanted(accept: str | None) -> str:
    """Which of :data:`TYPES` an ``Accept`` asks for; JSON where it says nothing. Refuses (406)."""
    best, weight = "", 0.0
    for part in (accept or JSON).split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        q = next((_number(one[2:]) for one in parameters if one.startswith("q=")), 1.0)
        found = next((one for one in TYPES if name in (one, f"{one.split('/')[0]}/*", "*/*")), "")
        if found and q > weight:
            best, weight = found, q
    if not best:
        raise refuse(
            Category.NOT_ACCEPTABLE, "not-supported", f"Accept is one of {', '.join(TYPES)}", "accept"
        )
    return best


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def line(event: ChatEvent) -> bytes:
    """A line of NDJSON."""
    return dumps(event.as_json()) + b"\n"


def sent_event(event: ChatEvent) -> bytes:
    """A server-sent event; its id is the number, by which ``Last-Event-ID`` goes on."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.number, event.kind.encode(), dumps(event.as_json()))


class _Stream(StreamingResponse):
    """``opened`` is entered for as long as it is being sent."""

    opened: AbstractContextManager[None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self.opened:
            await super().__call__(scope, receive, send)


def streamed(
    lots: Lots,
    media_type: str,
    ending: asyncio.Event,
    opened: AbstractContextManager[None],
    until: Until | None = None,
    still: Still | None = None,
) -> Response:
    """The answer that sends events as they come, to the first that is ``until``'s, until the reader is let in no longer
    (``still``), or until the server ends."""
    encode, beat = (sent_event, b": \n\n") if media_type == SSE else (line, b"\n")
    shown = _bytes(beating(lots, ending, still=still), encode, beat, until)
    stream = _Stream(shown, 200, _STREAMING, media_type=media_type)
    stream.opened = opened
    return stream


async def _bytes(
    lots: AsyncIterator[Sequence[ChatEvent] | None],
    encode: Callable[[ChatEvent], bytes],
    beat: bytes,
    until: Until | None,
) -> AsyncIterator[bytes]:
    async for lot in lots:
        if lot is None:
            yield beat
            continue
        shown, last = up_to(lot, until)
        for part in _parts(shown, encode):
            yield part
        if last:
            return


def _parts(events: Sequence[ChatEvent], encode: Callable[[ChatEvent], bytes]) -> Iterator[bytes]:
    """What is handed over at once: no more than a little waits for a reader who is slow."""
    part = bytearray()
    for event in events:
        part += encode(event)
        if len(part) >= _PART:
            yield bytes(part)
            part.clear()
    if part:
        yield bytes(part)


def up_to(lot: Sequence[ChatEvent], until: Until | None) -> tuple[Sequence[ChatEvent], bool]:
    """The events to the first that is ``until``'s, and whether that was among them."""
    for place, event in enumerate(lot, 1):
        if until is not None and until(event):
            return lot[:place], True
    return lot, False


async def _next(lots: Lots) -> Sequence[ChatEvent] | None:
    """None at the end: a task cannot end with StopAsyncIteration."""
    return await anext(lots, None)


async def beating(
    lots: Lots, ending: asyncio.Event, seconds: float = BEAT_SECONDS, still: Still | None = None
) -> AsyncIterator[Sequence[ChatEvent] | None]:
    """The lots, with None where none came for a while; it ends with them, where the server is about to, or where
    ``still``, asked every so many seconds, says no."""
    asked = time.monotonic()
    stop = asyncio.create_task(ending.wait())
    following: asyncio.Task[Sequence[ChatEvent] | None] | None = None
    try:
        while not ending.is_set():
            following = following or asyncio.create_task(_next(lots))
            waited: set[asyncio.Task[Any]] = {following, stop}
            await asyncio.wait(waited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if still is not None and time.monotonic() - asked >= seconds:
                if not await still():
                    return
                asked = time.monotonic()
            if not following.done():
                if not ending.is_set():
                    yield None
                continue
            done, following = following, None
            lot = done.result()
            if lot is None:
                return
            yield lot
    finally:
        stop.cancel()
        if following is not None:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
