"""The sound of one call over Twilio's media stream: the port :class:`agent.voice.media.Media`."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from agent.audio import mulaw
from agent.audio.frames import RATE, Pcm
from agent.telephony.ordering import Ordered
from agent.telephony.stream_messages import (
    Marked,
    Pressed,
    Sound,
    Stopped,
    StreamMessage,
    clear,
    mark,
    sound,
)
from agent.voice.media import Frame, Gone, Key, MediaEvent, Played

MOST_WAITING = 500
"""Frames that wait for a slow listener (10 s); then the oldest are given up."""
MOST_UNSENT = 120 * RATE
"""Samples that wait for a carrier that takes nothing; then the stream is at its end."""
MOST_UNREAD = 1_000
"""Keys and marks that wait; a caller who presses more has a reason that is none of ours."""
_AHEAD = 10.0
"""Seconds by which the carrier's clock may be ahead of ours."""
_PIECE = RATE
"""Samples in one message at most."""

SendText: TypeAlias = Callable[[str], Awaitable[None]]


@dataclass(slots=True)
class StreamCounts:
    """What was wrong with a stream, for the log of operations."""

    garbage: int = 0
    lost: int = 0
    """Frames given up because nobody took them."""
    sent: int = 0
    received: int = 0


@dataclass(frozen=True, slots=True)
class _Out:
    """One message to send; ``samples`` of sound, or the mark it asks for."""

    text: str
    samples: int = 0
    mark: str | None = None


class TwilioMedia:
    """One stream. Whoever has the websocket feeds :meth:`take`, runs :meth:`write` and ends it by :meth:`end`.

    ``send`` sends one text message; it may take its time and may raise: then the stream is gone.
    """

    def __init__(self, stream: str, send: SendText):
        self._stream, self._send = stream, send
        self.counts = StreamCounts()
        self.ordered = Ordered()
        self._frames: deque[MediaEvent] = deque()
        self._arrived = asyncio.Event()
        self._out: deque[_Out] = deque()
        self._to_send = asyncio.Event()
        self._unsent = 0
        self._marks: set[str] = set()
        self._others = 0
        self._over = ""
        self._begun = time.monotonic()
        self._ended = asyncio.Event()

    @property
    def over(self) -> str:
        """Why it is at its end; empty while it lasts."""
        return self._over

    async def ended(self) -> None:
        """Return when it is at its end."""
        await self._ended.wait()

    # the port

    async def receive(self) -> MediaEvent:
        while not self._frames:
            if self._over:
                return Gone(self._over)
            self._arrived.clear()
            await self._arrived.wait()
        event = self._frames.popleft()
        if not isinstance(event, Frame):
            self._others -= 1
        return event

    async def play(self, pcm: Pcm) -> None:
        for start in range(0, len(pcm), _PIECE):
            piece = mulaw.encode(pcm[start : start + _PIECE])
            self._put(_Out(sound(self._stream, piece), len(piece)))
        if self._unsent > MOST_UNSENT:
            self.end("the carrier takes nothing")

    async def mark(self, name: str) -> None:
        if not self._over:
            self._marks.add(name)
            self._put(_Out(mark(self._stream, name), mark=name))

    async def clear(self) -> None:
        unsent, self._unsent = list(self._out), 0
        self._out.clear()
        self._put(_Out(clear(self._stream)))
        for out in unsent:
            if out.mark is not None:
                self._played(out.mark)

    async def close(self) -> None:
        self.end("closed")

    # the side of the websocket

    def take(self, message: StreamMessage) -> None:
        """A message has come in."""
        self.counts.received += 1
        if isinstance(message, Sound) and message.at <= self._latest():
            for frame in self.ordered.take(message):
                self._hear(frame)
        elif isinstance(message, Pressed):
            self._tell(Key(message.digit))
        elif isinstance(message, Marked) and message.name in self._marks:
            self._played(message.name)
        elif isinstance(message, Stopped):
            self.end("stopped")
        else:  # what cannot be read, sound of the future, a mark that was never asked for, a second start
            self.counts.garbage += 1

    def end(self, reason: str) -> None:
        """The stream is at its end; the first reason counts. What came before it can still be received."""
        if not self._over:
            self._over = reason
            self._out.clear()
            for event in (self._ended, self._arrived, self._to_send):
                event.set()

    async def write(self) -> None:
        """Send what is to be sent, until the end of the stream."""
        while not self._over:
            while self._out:
                out = self._out.popleft()
                self._unsent -= out.samples
                self.counts.sent += 1
                try:
                    await self._send(out.text)
                except (OSError, RuntimeError):  # the socket is gone; Starlette says so by either
                    self.end("disconnected")
                    return
            self._to_send.clear()
            if not self._over:
                await self._to_send.wait()

    def _latest(self) -> float:
        """The latest time in milliseconds of the stream that sound may have now."""
        return (time.monotonic() - self._begun + _AHEAD) * 1000

    def _put(self, out: _Out) -> None:
        if not self._over:
            self._out.append(out)
            self._unsent += out.samples
            self._to_send.set()

    def _played(self, name: str) -> None:
        self._marks.discard(name)
        self._tell(Played(name))

    def _tell(self, event: MediaEvent) -> None:
        if isinstance(event, Key) and self._others >= MOST_UNREAD:
            self.counts.garbage += 1
            return
        self._others += 1
        self._frames.append(event)
        self._arrived.set()

    def _hear(self, frame: Frame) -> None:
        if self._over:
            return
        if len(self._frames) - self._others >= MOST_WAITING:
            self._give_up_oldest()
        self._frames.append(frame)
        self._arrived.set()

    def _give_up_oldest(self) -> None:
        for index, event in enumerate(self._frames):
            if isinstance(event, Frame):
                del self._frames[index]
                self.counts.lost += 1
                return
