"""The port of sound over a media stream: what comes in, what goes out, and every way to end."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import numpy as np
import pytest

from agent.audio import mulaw
from agent.audio.frames import FRAME, RATE
from agent.telephony import media as media_module
from agent.telephony.media import TwilioMedia
from agent.telephony.stream_messages import Garbage, Marked, Pressed, Sound, Stopped
from agent.voice.media import Frame, Gone, Key, Played


class Carrier:
    """Takes what is sent; ``stuck`` takes nothing, ``broken`` fails."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.stuck = self.broken = False

    async def send(self, text: str) -> None:
        if self.broken:
            raise OSError("gone")
        while self.stuck:
            await asyncio.sleep(0.001)
        self.sent.append(json.loads(text))

    @property
    def events(self) -> list[str]:
        return [message["event"] for message in self.sent]


def sound(number: int, level: int = 0) -> Sound:
    return Sound(number, (number - 1) * 20, mulaw.encode(np.full(FRAME, level, dtype=np.int16)))


async def written(media: TwilioMedia) -> asyncio.Task[None]:
    task = asyncio.create_task(media.write())
    await asyncio.sleep(0.01)
    return task


async def test_sound_marks_and_clear_go_out_in_order() -> None:
    carrier = Carrier()
    media = TwilioMedia("MZ1", carrier.send)
    writing = await written(media)
    pcm = np.arange(0, 5 * RATE // 2, dtype=np.int16)
    await media.play(pcm)
    await media.mark("one")
    await asyncio.sleep(0.01)
    await media.clear()
    await asyncio.sleep(0.01)
    assert carrier.events == ["media", "media", "media", "mark", "clear"]
    codes = b"".join(base64.b64decode(m["media"]["payload"]) for m in carrier.sent[:3])
    assert codes == mulaw.encode(pcm)
    assert {m["streamSid"] for m in carrier.sent} == {"MZ1"}
    await media.close()
    await writing


async def test_keys_frames_and_marks_come_in_order_and_gone_comes_last() -> None:
    media = TwilioMedia("MZ1", Carrier().send)
    await media.mark("one")
    for message in (
        sound(1, 1000),
        Pressed("5"),
        Marked("one"),
        Marked("one"),
        sound(2),
        Garbage("x"),
        Stopped(),
    ):
        media.take(message)
    found = [await media.receive() for _ in range(5)]
    assert isinstance(found[0], Frame)
    assert int(found[0].pcm[0]) == pytest.approx(1000, abs=20)
    assert found[1:3] == [Key("5"), Played("one")]
    assert isinstance(found[3], Frame)
    assert found[4] == Gone("stopped")
    assert media.counts.garbage == 2  # the second mark and what could not be read


async def test_clear_drops_what_was_not_sent_and_its_marks_come_back() -> None:
    carrier = Carrier()
    carrier.stuck = True
    media = TwilioMedia("MZ1", carrier.send)
    writing = await written(media)
    await media.play(np.zeros(FRAME, dtype=np.int16))
    await asyncio.sleep(0.01)  # the first message is under way
    for name in ("a", "b"):
        await media.play(np.zeros(FRAME, dtype=np.int16))
        await media.mark(name)
    await media.clear()
    carrier.stuck = False
    await asyncio.sleep(0.02)
    assert carrier.events == ["media", "clear"]
    assert [await media.receive() for _ in range(2)] == [Played("a"), Played("b")]
    await media.close()
    await writing


async def test_a_listener_that_is_slow_loses_the_oldest_frames_and_no_keys() -> None:
    media = TwilioMedia("MZ1", Carrier().send)
    media.take(Pressed("1"))
    for number in range(1, 500 + media_module.MOST_WAITING + 1):
        media._begun = -1e9  # as late as it says
        media.take(sound(number))
    assert media.counts.lost == 500
    assert await media.receive() == Key("1")
    first = await media.receive()
    assert isinstance(first, Frame)
    assert first.at == 10.0


async def test_a_carrier_that_takes_nothing_ends_the_stream() -> None:
    carrier = Carrier()
    carrier.stuck = True
    media = TwilioMedia("MZ1", carrier.send)
    writing = await written(media)
    for _ in range(13):
        await media.play(np.zeros(10 * RATE, dtype=np.int16))
    assert await media.receive() == Gone("the carrier takes nothing")
    await media.play(np.zeros(FRAME, dtype=np.int16))
    await media.mark("late")
    await media.clear()
    writing.cancel()


async def test_a_socket_that_fails_while_sending_is_gone() -> None:
    carrier = Carrier()
    carrier.broken = True
    media = TwilioMedia("MZ1", carrier.send)
    await media.play(np.zeros(FRAME, dtype=np.int16))
    await media.write()
    assert await media.receive() == Gone("disconnected")


async def test_gone_wakes_who_waits_and_the_first_reason_counts() -> None:
    media = TwilioMedia("MZ1", Carrier().send)
    waiting = asyncio.create_task(media.receive())
    await asyncio.sleep(0)
    media.end("shutting down")
    media.end("disconnected")
    assert await waiting == Gone("shutting down")
    await media.ended()


async def test_sound_of_the_future_is_garbage() -> None:
    media = TwilioMedia("MZ1", Carrier().send)
    media.take(Sound(1, 3_600_000, b"\xff" * FRAME))
    media.take(sound(1))
    assert media.counts.garbage == 1
    assert isinstance(await media.receive(), Frame)
