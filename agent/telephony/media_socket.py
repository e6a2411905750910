"""The websocket of media streams: lets in who has signature and token, and carries the sound of one call."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass

from starlette.websockets import WebSocket, WebSocketDisconnect

from agent.telephony.calls import Calls, PhoneCall
from agent.telephony.media import TwilioMedia
from agent.telephony.signatures import HEADER, Signatures
from agent.telephony.stream_messages import Garbage, Started, StreamMessage, read
from agent.telephony.twiml import TOKEN

log = logging.getLogger("credence.telephony")

_MOST_BEFORE_START = 10
"""Messages before ``start``; Twilio sends one."""
_REFUSED = 1008


@dataclass
class MediaSocket:
    """``/telephony/media``."""

    calls: Calls
    signatures: Signatures

    async def serve(self, socket: WebSocket) -> None:
        """One connection from its upgrade to its end."""
        signature = socket.headers.get(HEADER, "")
        if not self.signatures.of_socket(socket.url.path, socket.url.query, signature):
            log.warning("a media stream without Twilio's signature was refused")
            await socket.close()
            return
        await socket.accept()
        try:
            started = await self._started(socket)
            call = self.calls.claim(started.call, started.parameters.get(TOKEN, "")) if started else None
            if started is None or call is None:
                log.warning("a media stream without a token of its own was refused")
                await socket.close(_REFUSED)
                return
            await self._carry(socket, started, call)
        except (WebSocketDisconnect, OSError, RuntimeError):  # it is gone; Starlette says so by any of them
            return

    async def _started(self, socket: WebSocket) -> Started | None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.calls.settings.start_within):
                for _ in range(_MOST_BEFORE_START):
                    message = await _next(socket)
                    if isinstance(message, Started):
                        return message
        return None

    async def _carry(self, socket: WebSocket, started: Started, call: PhoneCall) -> None:
        media = TwilioMedia(started.stream, lambda text: _send(socket, text))
        at_work = [
            asyncio.create_task(work) for work in (_hear(socket, media), media.write(), self._watch(media))
        ]
        try:
            call.attach(media)
            await media.ended()
        finally:
            media.end("shutting down")
            call.sound_over()
            for task in at_work:
                task.cancel()
            await asyncio.gather(*at_work, return_exceptions=True)
            _tell_trouble(media)
        await socket.close()

    async def _watch(self, media: TwilioMedia) -> None:
        seen = -1
        while seen != media.counts.received:
            seen = media.counts.received
            await asyncio.sleep(self.calls.settings.stalled_after)
        media.end("stalled")


async def _next(socket: WebSocket) -> StreamMessage:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1006))
    text = message.get("text")
    return read(text) if isinstance(text, str) else Garbage("not text")


async def _hear(socket: WebSocket, media: TwilioMedia) -> None:
    """Everything that comes, until nothing does."""
    try:
        while not media.over:
            media.take(await _next(socket))
    except (WebSocketDisconnect, OSError, RuntimeError):
        media.end("disconnected")


async def _send(socket: WebSocket, text: str) -> None:
    try:
        await socket.send_text(text)
    except WebSocketDisconnect as gone:
        raise OSError("the stream is gone") from gone


def _tell_trouble(media: TwilioMedia) -> None:
    counts, order = media.counts, media.ordered
    if counts.garbage or counts.lost or order.jumps or order.filled:
        log.info(
            "a media stream had %d messages that cannot be read, %d frames nobody took, %d samples missing, %d jumps",
            counts.garbage, counts.lost, order.filled, order.jumps,
        )  # fmt: skip
