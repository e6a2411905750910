"""The simulated carrier's side of a media stream against a plain websocket server: every message, to the letter."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers

from agent.audio import mulaw
from agent.audio.frames import FRAME, Pcm
from agent.simulator.faults import Faults
from agent.simulator.moods import Noise
from agent.simulator.person import Act, AgentHeard, HangUp, Press, Speak
from agent.simulator.stream import CallStream
from agent.simulator.text_socket import Refused
from tests.tone_agent import tone

SID = "MZ" + "1" * 32


class Planned:
    """A caller who does things at set seconds."""

    def __init__(self, *acts: tuple[float, Act]):
        self._acts, self.said_at = list(acts), list[float]()

    def step(self, now: float, agent: AgentHeard) -> Act | None:
        return self._acts.pop(0)[1] if self._acts and now >= self._acts[0][0] else None

    def said(self, at: float) -> None:
        self.said_at.append(at)


def call_of(*acts: tuple[float, Act], faults: Faults | None = None, noise: Noise | None = None) -> CallStream:
    async def voice(act: Speak) -> Pcm:
        if act.words == "nothing":
            raise OSError("the caller cannot speak")
        return tone(0.105, 300)

    return CallStream("CA" + "1" * 32, Planned(*acts), voice, faults or Faults(), noise)


@contextlib.asynccontextmanager
async def server(talk: Callable[[ServerConnection], Awaitable[None]]) -> AsyncIterator[str]:
    async with serve(talk, "127.0.0.1", 0, compression=None) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/media"


class Server:
    """Keeps what comes, and says something when the first frame has come."""

    def __init__(self, *says: str, close_after: int = 0):
        self._says, self._close_after = says, close_after
        self.texts: list[str] = []
        self.headers = Headers()
        self.said_at = self.marked_at = 0.0

    async def talk(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.headers = socket.request.headers
        async for text in socket:
            self.texts.append(str(text))
            self.marked_at = time.monotonic() if '"event":"mark"' in str(text) else self.marked_at
            if len(self.texts) == 3:
                self.said_at = time.monotonic()
                for says in self._says:
                    await socket.send(says)
            if len(self.texts) == self._close_after:
                await socket.close(1000)

    def of(self, event: str) -> list[dict[str, Any]]:
        return [m for m in map(json.loads, self.texts) if m["event"] == event]


def media(*, of: Pcm) -> str:
    payload = base64.b64encode(mulaw.encode(of)).decode()
    return json.dumps({"event": "media", "streamSid": SID, "media": {"payload": payload}})


async def test_what_is_sent_is_what_twilio_sends() -> None:
    taken, stream = Server(), call_of((0.1, Speak("hello")), (0.4, Press("1#")), (1.5, HangUp()))
    async with server(taken.talk) as url:
        assert await stream.run(url, "the signature", {"token": 'a"b'}) == "caller"
    assert taken.headers["X-Twilio-Signature"] == "the signature"
    assert taken.headers["User-Agent"] == "Twilio.TmeWs/1.0"
    messages = [json.loads(text) for text in taken.texts]
    assert [m["sequenceNumber"] for m in messages[1:]] == [str(n) for n in range(1, len(messages))]
    assert taken.texts[0] == '{"event": "connected", "protocol": "Call", "version": "1.0.0"}'
    assert messages[1]["start"]["customParameters"] == {"token": 'a"b'}
    silence = base64.b64encode(bytes([mulaw.SILENCE]) * FRAME).decode()
    assert taken.texts[2] == (
        f'{{"event":"media","sequenceNumber":"2","streamSid":"{SID}","media":{{"track":"inbound","chunk":"1",'
        f'"timestamp":"0","payload":"{silence}"}}}}'
    )
    assert [m["dtmf"]["digit"] for m in taken.of("dtmf")] == ["1", "#"]
    assert messages[-1]["stop"] == {"callSid": stream.call}
    frames = taken.of("media")
    assert [m["media"]["timestamp"] for m in frames] == [str(20 * n) for n in range(len(frames))]
    assert [m["media"]["chunk"] for m in frames] == [str(n + 1) for n in range(len(frames))]
    sent = mulaw.decode(b"".join(base64.b64decode(m["media"]["payload"]) for m in frames))
    assert np.array_equal(sent, stream.said.pcm())
    spoken = np.flatnonzero(sent)
    [utterance] = stream.moments.utterances
    assert spoken[0] / 8_000 == pytest.approx(utterance["start"], abs=0.002)
    assert spoken[-1] / 8_000 == pytest.approx(utterance["end"], abs=0.002)


async def test_marks_come_back_when_what_is_before_them_has_been_played_or_is_cleared() -> None:
    marks = [json.dumps({"event": "mark", "streamSid": SID, "mark": {"name": n}}) for n in ('a"', "b")]
    sound = media(of=tone(0.2, 440))
    taken, stream = Server(marks[0], sound, marks[1]), call_of((0.6, HangUp()))
    async with server(taken.talk) as url:
        await stream.run(url, "", {})
    assert [m["mark"] for m in taken.of("mark")] == [{"name": 'a"'}, {"name": "b"}]
    assert taken.marked_at - taken.said_at > 0.19  # after the 200 ms of sound
    played = stream.playback.track.pcm()
    assert np.array_equal(played[-1_600:], mulaw.decode(mulaw.encode(tone(0.2, 440))))

    clear = json.dumps({"event": "clear", "streamSid": SID})
    taken, stream = Server(media(of=tone(9.0, 440)), marks[1], clear), call_of((0.4, HangUp()))
    async with server(taken.talk) as url:
        await stream.run(url, "", {})
    assert [m["mark"] for m in taken.of("mark")] == [{"name": "b"}]
    assert stream.playback.track.end < 5 * 8_000
    assert [e["kind"] for e in stream.moments.events][-3:] == ["clear", "hang-up", "over"]


async def test_a_server_that_closes_ends_the_call_with_its_code() -> None:
    taken, stream = Server(close_after=10), call_of()
    async with server(taken.talk) as url:
        assert await stream.run(url, "", {}) == "server"
    assert stream.moments.events[-1] | {"at": 0} == {"kind": "over", "at": 0, "by": "server", "code": 1000}


async def test_frames_are_lost_late_and_doubled_with_their_chunks_and_times() -> None:
    faults = Faults(jitter=0.05, loss=0.2, duplicates=0.3, seed=1)
    taken, stream = Server(), call_of((2.0, HangUp()), faults=faults, noise=Noise(20.0, 3))
    async with server(taken.talk) as url:
        await stream.run(url, "", {})
    heard = [(int(m["media"]["timestamp"]), int(m["media"]["chunk"])) for m in taken.of("media")]
    assert heard != sorted(heard)  # jitter
    assert len(set(heard)) < len(heard)  # duplicates
    once = sorted(set(heard))[:-4]  # the last may have been on their way when the caller hung up
    assert len(once) < once[-1][0] // 20 + 1  # loss
    assert [chunk for _, chunk in once] == list(range(1, len(once) + 1))
    carried = stream.said.pcm()
    for message in taken.of("media"):
        at = int(message["media"]["timestamp"]) * 8
        sound = mulaw.decode(base64.b64decode(message["media"]["payload"]))
        assert np.array_equal(sound, carried[at : at + FRAME])


@pytest.mark.parametrize("says", ["nonsense", "[]", '{"event":"media","media":{"payload":"*"}}'])
async def test_what_is_no_message_of_a_stream_is_told(says: str) -> None:
    async with server(Server(says).talk) as url:
        with pytest.raises(OSError, match="no message of a media stream"):
            await call_of((5.0, HangUp())).run(url, "", {})


async def test_a_caller_without_a_voice_is_told_and_leaves_no_connection() -> None:
    left = asyncio.Event()

    async def talk(socket: ServerConnection) -> None:
        async for _ in socket:
            pass
        left.set()

    async with server(talk) as url:
        with pytest.raises(OSError, match="cannot speak"):
            await call_of((0.1, Speak("nothing"))).run(url, "", {})
        await asyncio.wait_for(left.wait(), 5)


async def test_a_stream_that_is_not_let_in() -> None:
    async def refuse(connection: ServerConnection, request: Any) -> Any:
        return connection.respond(403, "no")

    async with serve(Server().talk, "127.0.0.1", 0, process_request=refuse) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        with pytest.raises(Refused, match="403"):
            await call_of().run(f"ws://127.0.0.1:{port}/media", "", {})
    with pytest.raises(OSError, match=r"[Cc]onnect"):
        await call_of().run(f"ws://127.0.0.1:{port}/media", "", {})


async def test_a_server_that_speaks_no_websocket_or_is_gone_is_told() -> None:
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"hello\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(nonsense, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        with pytest.raises(OSError, match="no websocket"):
            await call_of().run(f"ws://127.0.0.1:{port}/media", "", {})

    async def vanish(socket: ServerConnection) -> None:
        await socket.recv()
        socket.transport.abort()

    stream = call_of()
    async with server(vanish) as url:
        assert await stream.run(url, "", {}) == "server"
    assert stream.moments.events[-1]["code"] == 1006
