"""Words in the place of sound: there and back through mu-law, and a line over a stream."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.audio import mulaw
from agent.audio.frames import Pcm
from agent.signals import HangUp, Keys, Silence, Utterance
from agent.voice.media import Frame, Gone, Key, MediaEvent, Played
from agent.voice.written_sound import FRAME_BYTES, Reader, WrittenSoundLine, codes_of, framed
from fhirserver.kernel.instants import FixedClock

CLOCK = FixedClock(datetime(2026, 12, 1, tzinfo=UTC))


class Stream:
    """A media stream in memory."""

    def __init__(self) -> None:
        self.coming: asyncio.Queue[MediaEvent] = asyncio.Queue()
        self.played = b""
        self.marks: list[str] = []
        self.closed = False

    async def receive(self) -> MediaEvent:
        return await self.coming.get()

    async def play(self, pcm: Pcm) -> None:
        self.played += mulaw.encode(pcm)

    async def mark(self, name: str) -> None:
        self.marks.append(name)
        self.coming.put_nowait(Played(name))

    async def clear(self) -> None:
        return None

    async def close(self) -> None:
        self.closed = True
        self.coming.put_nowait(Gone("closed"))

    def say(self, text: str) -> None:
        codes = framed(text)
        for start in range(0, len(codes), FRAME_BYTES):
            self.coming.put_nowait(Frame(start / 8000, mulaw.decode(codes[start : start + FRAME_BYTES])))


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=300), max_size=5),
    st.data(),
)
def test_texts_come_through_mu_law_whatever_the_pieces(texts: list[str], data: st.DataObject) -> None:
    codes = b"".join(framed(text) for text in texts)
    through = mulaw.encode(mulaw.decode(codes))
    assert through == codes and len(codes) % FRAME_BYTES == 0
    reader, read, start = Reader(), list[str](), 0
    while start < len(through):
        size = data.draw(st.integers(1, 400))
        read += reader.take(through[start : start + size])
        start += size
    assert read == [said for text in texts if (said := " ".join(text.split()))]


def test_a_samples_code_is_its_own_but_for_one() -> None:
    codes = bytes(range(256))
    back = np.frombuffer(mulaw.encode(mulaw.decode(codes)), dtype=np.uint8)
    assert [int(c) for c in np.flatnonzero(back != np.arange(256))] == [0x7F]


async def test_a_line_speaks_and_listens() -> None:
    line, stream = WrittenSoundLine(CLOCK), Stream()
    attached = asyncio.create_task(line.attach(stream))
    assert await line.answered() and line.ready.is_set()
    await line.say("Hello, who is this?", 1)
    assert stream.played == codes_of("Hello, who is this?")
    stream.say("María, José")
    assert await line.listen() == Utterance(CLOCK.now(), "María, José")
    stream.coming.put_nowait(Key("1"))
    assert await line.listen() == Keys(CLOCK.now(), "1")
    await line.finish()
    assert stream.marks == ["last"]
    await line.transfer("asked")
    assert line.transferred == "asked" and stream.closed
    assert isinstance(await line.listen(), HangUp)
    await attached


async def test_nobody_answers_and_nobody_speaks() -> None:
    line = WrittenSoundLine(CLOCK)
    answering = asyncio.create_task(line.answered())
    line.abandon()
    assert not await answering
    await line.finish()
    quiet = WrittenSoundLine(CLOCK, quiet=0.0)
    assert await quiet.listen() == Silence(CLOCK.now())


@pytest.mark.parametrize("text", ["", "  \n ", "\x7f"])
def test_nothing_is_nothing(text: str) -> None:
    assert Reader().take(framed(text)) == []
