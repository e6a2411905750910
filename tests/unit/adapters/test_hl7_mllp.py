"""The MLLP listener and client over real sockets: order, limits, slow and hostile peers, TLS."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from adapters.hl7v2.acknowledgement import Verdict, acknowledge, refuse_unread
from adapters.hl7v2.charset import header_of
from adapters.hl7v2.message import parse
from adapters.hl7v2.mllp.client import MllpClient, Peer, Resending
from adapters.hl7v2.mllp.framing import frame
from adapters.hl7v2.mllp.limits import Limits
from adapters.hl7v2.mllp.server import Listener
from fhirserver.ports.ehr import Unanswered

AT = "2026-11-28T15:01:26.123Z"


def adt(id: str, more: str = "") -> bytes:
    return f"MSH|^~\\&|LAB|NORTH|EHR|MAIN|2026||ADT^A08^ADT_A01|{id}|P|2.5.1{more}\rPID|1||7\r".encode()


class Answering:
    """Answers by what a test tells it: a delay, a code."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.codes: list[str] = []
        self.delays: dict[str, float] = {}
        self.extra: list[bytes] = []

    async def receive(self, raw: bytes, peer: str) -> Sequence[bytes]:
        message = parse(raw.decode())
        self.seen.append(message.control_id)
        await asyncio.sleep(self.delays.get(message.control_id, 0))
        code = self.codes.pop(0) if self.codes else "AA"
        if code == "none":
            return ()
        return (*self.extra, acknowledge(message, Verdict(code), AT, "own").encode())

    def too_large(self, head: bytes, most: int) -> bytes:
        return refuse_unread(header_of(head), Verdict("AR", "207", "", "too long"), AT, "own").encode()


@contextlib.asynccontextmanager
async def listening(
    receiver: Answering, limits: Limits | None = None, **more: object
) -> AsyncIterator[Listener]:
    listener = Listener("lab", receiver, port=0, limits=limits, **more)  # type: ignore[arg-type]
    task = asyncio.create_task(listener.run())
    await asyncio.wait_for(listener.ready.wait(), 5)
    try:
        yield listener
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def connect(listener: Listener) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", listener.port)


async def answer(reader: asyncio.StreamReader) -> str:
    raw = await asyncio.wait_for(reader.readuntil(b"\x1c\r"), 5)
    msa = parse(raw[1:-2].decode()).first("MSA")
    assert msa is not None
    return f"{msa.value(1)} {msa.value(2)}"


async def ended(reader: asyncio.StreamReader) -> bool:
    """Whether the other end has closed within some seconds."""
    try:
        return not await asyncio.wait_for(reader.read(), 5)
    except ConnectionError:
        return True


async def test_a_message_is_answered_on_its_connection() -> None:
    async with listening(Answering()) as listener:
        reader, writer = await connect(listener)
        for id in ("1", "2"):
            writer.write(frame(adt(id)))
            assert await answer(reader) == f"AA {id}"
        writer.close()
        assert (listener.counts.received, listener.counts.answered) == (2, 2)


async def test_answers_keep_the_order_of_the_messages() -> None:
    receiver = Answering()
    receiver.delays = {"1": 0.2}
    async with listening(receiver) as listener:
        reader, writer = await connect(listener)
        writer.write(frame(adt("1")) + frame(adt("2")) + frame(adt("3")))
        assert [await answer(reader) for _ in range(3)] == ["AA 1", "AA 2", "AA 3"]
        writer.close()
    assert receiver.seen == ["1", "2", "3"]


async def test_only_so_many_messages_of_a_connection_are_taken_in_ahead_of_their_answers() -> None:
    receiver = Answering()
    receiver.delays = {"0": 0.3}
    async with listening(receiver, Limits(pipelined=2)) as listener:
        reader, writer = await connect(listener)
        writer.write(b"".join(frame(adt(str(n))) for n in range(6)))
        await asyncio.sleep(0.15)
        assert receiver.seen == ["0", "1"]
        assert [await answer(reader) for _ in range(6)] == [f"AA {n}" for n in range(6)]
        writer.close()


async def test_noise_between_messages_is_tolerated_and_told(caplog: pytest.LogCaptureFixture) -> None:
    async with listening(Answering()) as listener:
        reader, writer = await connect(listener)
        writer.write(b"GET / HTTP/1.1\r\n\r\n" + frame(adt("1")))
        assert await answer(reader) == "AA 1"
        writer.close()
        assert listener.counts.garbage_bytes > 10
    assert "bytes belong to no message" in caplog.text
    assert "HTTP" not in caplog.text


async def test_a_message_that_is_too_long_is_refused_and_the_connection_closed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    receiver = Answering()
    async with listening(receiver, Limits(message_bytes=100_000)) as listener:
        reader, writer = await connect(listener)
        other = await connect(listener)
        sending = asyncio.create_task(_pour(writer, b"\x0b" + adt("9")[:-1] + b"x" * 3_000_000))
        assert await answer(reader) == "AR 9"
        assert await ended(reader)
        await sending
        other[1].write(frame(adt("1")))
        assert await answer(other[0]) == "AA 1"
        for each in (writer, other[1]):
            each.close()
    assert receiver.seen == ["1"]
    assert "more than 100000 bytes refused" in caplog.text


async def _pour(writer: asyncio.StreamWriter, data: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        for start in range(0, len(data), 65536):
            writer.write(data[start : start + 65536])
            await writer.drain()


@pytest.mark.parametrize("dribble", [b"", b"x"])
async def test_a_message_that_never_ends_is_given_up(
    dribble: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(Answering(), Limits(message_seconds=0.4, idle_seconds=30)) as listener:
        reader, writer = await connect(listener)
        writer.write(b"\x0bMSH|")
        gone = asyncio.create_task(ended(reader))
        while not gone.done():
            writer.write(dribble)
            await asyncio.sleep(0.05)
        assert gone.result()
        writer.close()
    assert "a message was not complete within 0.4 s" in caplog.text


async def test_a_silent_connection_is_closed_but_not_while_it_waits_for_its_answer() -> None:
    receiver = Answering()
    receiver.delays = {"1": 1.2}
    async with listening(receiver, Limits(idle_seconds=0.3)) as listener:
        silent = await connect(listener)
        reader, writer = await connect(listener)
        writer.write(frame(adt("1")))
        assert await ended(silent[0])
        assert await answer(reader) == "AA 1"
        assert await ended(reader)
        for each in (writer, silent[1]):
            each.close()


async def test_connections_are_limited_in_all_and_by_peer(caplog: pytest.LogCaptureFixture) -> None:
    for limits in (Limits(connections=2), Limits(connections_per_peer=2)):
        async with listening(Answering(), limits) as listener:
            held = [await connect(listener) for _ in range(2)]
            await asyncio.sleep(0.1)
            third = await connect(listener)
            assert await ended(third[0])
            held[0][1].close()
            await asyncio.sleep(0.1)
            reader, writer = await connect(listener)
            writer.write(frame(adt("1")))
            assert await answer(reader) == "AA 1"
            for _, each in (*held, third, (reader, writer)):
                each.close()
            assert listener.counts.refused == 1
    assert "connection refused: there are 2 connections already" in caplog.text
    assert "connection refused: it has 2 connections already" in caplog.text


@pytest.mark.parametrize(("network", "welcome"), [("10.0.0.0/8", False), ("127.0.0.0/8", True)])
async def test_only_allowed_networks_connect(network: str, welcome: bool) -> None:
    limits = Limits(allowed=(ipaddress.ip_network(network),))
    async with listening(Answering(), limits) as listener:
        reader, writer = await connect(listener)
        writer.write(frame(adt("1")))
        if welcome:
            assert await answer(reader) == "AA 1"
        else:
            assert await ended(reader)
        writer.close()


async def test_a_peer_that_reads_no_answers_is_given_up() -> None:
    receiver = Answering()
    receiver.extra = [b"x" * 1_000_000]
    async with listening(receiver, Limits(answer_seconds=0.3, pipelined=4)) as listener:
        _, writer = await connect(listener)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"".join(frame(adt(str(n))) for n in range(40)))
        for _ in range(100):
            await asyncio.sleep(0.05)
            if not listener.connections:
                break
        assert not listener.connections
        writer.close()


async def test_what_was_taken_in_is_answered_when_the_listener_ends() -> None:
    receiver = Answering()
    receiver.delays = {"1": 0.4}
    async with listening(receiver) as listener:
        reader, writer = await connect(listener)
        writer.write(frame(adt("1")))
        while not receiver.seen:
            await asyncio.sleep(0.01)
    assert await answer(reader) == "AA 1"
    assert await ended(reader)
    writer.close()


async def test_a_receiver_that_fails_ends_the_connection_and_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with listening(Answering()) as listener:
        bad, good = await connect(listener), await connect(listener)
        bad[1].write(frame(b"no message, with a name in it"))
        assert await ended(bad[0])
        good[1].write(frame(adt("1")))
        assert await answer(good[0]) == "AA 1"
        for each in (bad[1], good[1]):
            each.close()
    assert "MalformedMessage" in caplog.text
    assert "a name" not in caplog.text


# The client.


@contextlib.asynccontextmanager
async def sending(listener: Listener, **more: object) -> AsyncIterator[MllpClient]:
    client = MllpClient(replace(Peer("127.0.0.1", listener.port), **more))  # type: ignore[arg-type]
    try:
        yield client
    finally:
        await client.close()


async def test_a_connection_is_used_again_and_made_anew_when_it_is_gone() -> None:
    receiver = Answering()
    async with listening(receiver, Limits(idle_seconds=0.6)) as listener, sending(listener) as client:
        for id in ("1", "2"):
            found = await client.send(parse(adt(id).decode()))
            assert found is not None and (found.code, found.of) == ("AA", id)
        assert listener.connections == 1
        while listener.connections:
            await asyncio.sleep(0.05)
        found = await client.send(parse(adt("3").decode()))
        assert found is not None and found.of == "3"
    assert receiver.seen == ["1", "2", "3"]


async def test_an_answer_to_something_else_is_left_out() -> None:
    receiver = Answering()
    receiver.extra = [acknowledge(parse(adt("other").decode()), Verdict("AA"), AT, "x").encode(), b"nonsense"]
    async with listening(receiver) as listener, sending(listener) as client:
        found = await client.send(parse(adt("1").decode()))
        assert found is not None and found.of == "1"


async def test_an_error_is_answered_or_sent_again_as_set() -> None:
    receiver = Answering()
    receiver.codes = ["AE", "AE", "AA"]
    async with listening(receiver) as listener:
        async with sending(listener) as client:
            found = await client.send(parse(adt("1").decode()))
            assert found is not None and found.code == "AE"
        async with sending(listener, resending=Resending(attempts=3, pause=0.01)) as client:
            found = await client.send(parse(adt("1").decode()))
            assert found is not None and found.code == "AA"
    assert receiver.seen == ["1", "1", "1"]


async def test_without_an_answer_in_time_the_message_is_unanswered() -> None:
    receiver = Answering()
    receiver.delays = {"1": 1}
    async with listening(receiver) as listener, sending(listener, answer_seconds=0.2) as client:
        with pytest.raises(Unanswered):
            await client.send(parse(adt("1").decode()))
        found = await client.send(parse(adt("2").decode()))
        assert found is not None and found.of == "2"


async def test_nobody_listens() -> None:
    client = MllpClient(Peer("127.0.0.1", 1))
    with pytest.raises(Unanswered, match="no connection"):
        await client.send(parse(adt("1").decode()))
    with pytest.raises(Unanswered, match="no connection"):
        await client.probe()


async def test_in_enhanced_mode_the_application_is_waited_for() -> None:
    receiver = Answering()
    message = parse(adt("1", "|||AL|AL").decode())
    receiver.extra = [acknowledge(message, Verdict("CA"), AT, "x").encode()]
    async with listening(receiver) as listener:
        async with sending(listener) as client:
            found = await client.send(message)
            assert found is not None and found.code == "AA"
        async with sending(listener, separate_answers=True) as client:
            found = await client.send(message)
            assert found is not None and found.code == "CA"
            receiver.codes, receiver.extra = ["none"], []
            assert await client.send(parse(adt("2", "|||NE|NE").decode())) is None


async def test_several_connections_share_the_work() -> None:
    receiver = Answering()
    receiver.delays = {str(n): 0.2 for n in range(4)}
    async with listening(receiver) as listener, sending(listener, connections=4) as client:
        start = asyncio.get_running_loop().time()
        await asyncio.gather(*(client.send(parse(adt(str(n)).decode())) for n in range(4)))
        assert asyncio.get_running_loop().time() - start < 0.6


@pytest.fixture(autouse=True)
def _warnings(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "credence.hl7")
