"""Words in the place of sound, for drills: thousands of calls whose webhooks, TwiML, streams and dialogues are real.

The bytes of a media message are the text in UTF-8, each sentence ended by a line feed, what is silence in sound
(0xFF, which is in no UTF-8) filling a frame up. Everything between, mu-law included, is as on any call: the codes of
mu-law and their samples stand one for one (but for 0x7F). Only who listens and who speaks is another: nothing is
recognised, nothing synthesised, and nobody speaks over anybody.
"""

from __future__ import annotations

import asyncio
import contextlib

from agent.audio import mulaw
from agent.line import WrittenLine
from agent.manner import PLAIN, Manner
from agent.signals import HangUp, Keys, Signal, Silence, Utterance
from agent.voice.media import Frame, Gone, Key, Media, MediaEvent, Played
from fhirserver.kernel.instants import Clock

PROVIDER = "written"
"""How ``[speech] providers`` names it."""
FRAME_BYTES = 160
_END = b"\n"
_QUIET = 4.0
"""Seconds without a word after which it is a silence; of the machine, however fast the day goes by."""
_HEARD_WITHIN = 10.0
_LAST = "last"


def codes_of(text: str) -> bytes:
    """The bytes that say it."""
    words = " ".join(text.replace("\x7f", " ").split())
    return words.encode(errors="replace") + _END


def framed(text: str) -> bytes:
    """The same, filled up to whole frames of 20 ms."""
    codes = codes_of(text)
    return codes.ljust(-(-len(codes) // FRAME_BYTES) * FRAME_BYTES, bytes([mulaw.SILENCE]))


class Reader:
    """Texts from bytes as they come."""

    def __init__(self) -> None:
        self._rest = b""

    def take(self, codes: bytes) -> list[str]:
        """The texts that are complete now."""
        self._rest += codes.replace(bytes([mulaw.SILENCE]), b"")
        *whole, self._rest = self._rest.split(_END)
        return [text.decode(errors="replace") for text in whole if text]


class WrittenSoundLine(WrittenLine):
    """A :class:`~agent.line.Line` over a media stream whose sound is text."""

    def __init__(self, clock: Clock, quiet: float = _QUIET):
        self._clock, self._quiet = clock, quiet
        self.ready = asyncio.Event()
        self.transferred = ""
        self._media: Media | None = None
        self._begun = asyncio.Event()
        self._gone = asyncio.Event()
        self._heard: asyncio.Queue[Signal] = asyncio.Queue()
        self._played = asyncio.Event()

    # the side of the telephone

    async def attach(self, media: Media) -> None:
        """The stream has begun; returns at its end."""
        self._media = media
        self._begun.set()
        reader = Reader()
        while not isinstance(event := await media.receive(), Gone):
            self._take(event, reader)
        self._gone.set()
        self._heard.put_nowait(HangUp(self._clock.now()))

    def abandon(self) -> None:
        """There will be no stream."""
        self._gone.set()
        self._begun.set()

    def _take(self, event: MediaEvent, reader: Reader) -> None:
        if isinstance(event, Frame):
            for text in reader.take(mulaw.encode(event.pcm)):
                self._heard.put_nowait(Utterance(self._clock.now(), text))
        elif isinstance(event, Key):
            self._heard.put_nowait(Keys(self._clock.now(), event.digit))
        elif isinstance(event, Played) and event.mark == _LAST:
            self._played.set()

    # the side of the call

    async def prepare(self, text: str) -> None:
        self.ready.set()

    async def answered(self) -> bool:
        self.ready.set()
        await self._begun.wait()
        return self._media is not None

    async def say(self, text: str, turn: int, manner: Manner = PLAIN, shielded: bool = False) -> None:
        if self._media is not None:
            await self._media.play(mulaw.decode(codes_of(text)))

    async def listen(self) -> Signal:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._quiet):
                return await self._heard.get()
        return Silence(self._clock.now())

    async def finish(self) -> None:
        """Return when the last words have reached the other side."""
        if self._media is None or self._gone.is_set():
            return
        await self._media.mark(_LAST)
        waiting = [asyncio.create_task(event.wait()) for event in (self._played, self._gone)]
        await asyncio.wait(waiting, timeout=_HEARD_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()

    async def transfer(self, reason: str) -> None:
        self.transferred = reason or "asked"
        await self.hang_up()

    async def hang_up(self) -> None:
        if self._media is not None:
            await self._media.close()
