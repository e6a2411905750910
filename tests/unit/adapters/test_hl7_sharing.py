"""A listener that shares its connections with others: how they are spread, counted, moved and let go."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from adapters.hl7v2.acknowledgement import Verdict, acknowledge
from adapters.hl7v2.message import parse
from adapters.hl7v2.mllp.assistant import Assistant
from adapters.hl7v2.mllp.doorway import Doorway
from adapters.hl7v2.mllp.limits import Limits
from adapters.hl7v2.mllp.server import Listener
from adapters.hl7v2.mllp.service import Service
from adapters.hl7v2.mllp.sharing import Sharing
from tests.certificates import Authority
from tests.hl7_feed import code_of

AT = "2026-11-28T15:01:26.123Z"


class Answering:
    """Answers AA, after ``seconds``, and knows what it was sent."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seen: list[str] = []
        self.seconds = seconds

    async def receive(self, raw: bytes, peer: str) -> Sequence[bytes]:
        message = parse(raw.decode())
        self.seen.append(message.control_id)
        await asyncio.sleep(self.seconds)
        return (acknowledge(message, Verdict("AA"), AT, "own").encode(),)

    def too_large(self, head: bytes, most: int) -> bytes:
        raise AssertionError


class Wire:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.reader, self.writer = reader, writer

    async def send(self, id: str) -> str:
        text = f"MSH|^~\\&|LAB|NORTH|EHR|MAIN|2026||ADT^A08^ADT_A01|{id}|P|2.5.1\rPID|1||7\r"
        self.writer.write(b"\x0b" + text.encode() + b"\x1c\r")
        return await self.answer()

    async def answer(self) -> str:
        return code_of((await asyncio.wait_for(self.reader.readuntil(b"\x1c\r"), 5))[1:-2])

    async def closed(self) -> bool:
        return await asyncio.wait_for(self.reader.read(1), 5) == b""


class Server:
    """One listener and what assists it, in one process; each side with a receiver of its own."""

    def __init__(self, folder: Path, limits: Limits | None = None, tls: ssl.SSLContext | None = None):
        self.folder, self.limits, self.tls = folder / "listeners", limits, tls
        self.stack = contextlib.AsyncExitStack()
        self.own = Answering()
        self.heard: list[bool] = []
        self.sharing = Sharing("lab", Doorway(self.folder, "lab"), "1", 1, self.heard.append)
        self.listener = Listener("lab", self.own, "127.0.0.1", 0, limits, tls, self.sharing)
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self.task = asyncio.create_task(self.listener.run())
        await asyncio.wait_for(self.listener.ready.wait(), 5)

    async def stop(self) -> None:
        assert self.task is not None
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def connect(self, context: ssl.SSLContext | None = None) -> Wire:
        name = "localhost" if context else None
        wire = Wire(
            *await asyncio.open_connection("127.0.0.1", self.listener.port, ssl=context, server_hostname=name)
        )
        self.stack.callback(wire.writer.close)
        return wire

    @contextlib.asynccontextmanager
    async def assisted(
        self, receiver: Answering, version: str = "1", tally: Counter[str] | None = None
    ) -> AsyncIterator[Assistant]:
        service = Service("lab", receiver, self.limits, self.tls)
        assistant = Assistant(service, Doorway(self.folder, "lab"), version, 0, tally)
        task = asyncio.create_task(assistant.run())
        try:
            yield assistant
        finally:
            await assistant.drain()
            while not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=0.25)

    async def acquainted(self, count: int = 1) -> None:
        await until(lambda: [one.rank for one in self.sharing._assistants] == [0] * count)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    made = Server(tmp_path)
    async with made.stack:
        await made.start()
        yield made
        await made.stop()


async def until(holds) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.01)


async def test_a_burst_is_spread_evenly_and_one_that_is_alone_goes_to_the_lesser_rank(server: Server) -> None:
    there, tally = Answering(), Counter(taken=2, refused=1)
    async with server.assisted(there, tally=tally):
        await server.acquainted()
        wires = [await server.connect() for _ in range(16)]
        assert [await wire.send(f"M{n}") for n, wire in enumerate(wires)] == [f"AA M{n}" for n in range(16)]
        assert len(there.seen) == len(server.own.seen) == 8
        assert "M0" in there.seen
        assert server.listener.connections == 16
        await until(lambda: sorted(server.heard) == [False, True, True])
        for wire in wires:
            wire.writer.close()
        await until(lambda: server.listener.connections == 0)


async def test_connections_move_to_who_comes_later_and_no_byte_is_lost(server: Server) -> None:
    """Sixteen senders that never rest, and an assistant that comes among them."""
    wires = [await server.connect() for _ in range(16)]
    there, going = Answering(0.001), True

    async def feed(number: int) -> int:
        sent = 0
        while going:
            assert await wires[number].send(f"W{number}N{sent}") == f"AA W{number}N{sent}"
            sent += 1
        return sent

    feeds = [asyncio.create_task(feed(number)) for number in range(16)]
    await until(lambda: len(server.own.seen) > 100)
    assert len(server.listener._service) == 16
    async with server.assisted(there):
        await until(lambda: len(server.listener._service) == 8)
        before = len(there.seen)
        await until(lambda: len(there.seen) > before + 100)
        assert server.listener.connections == 16
        going = False
        count = sum(await asyncio.gather(*feeds))
        assert len({*server.own.seen, *there.seen}) == len(server.own.seen) + len(there.seen) == count


async def test_one_that_has_other_work_keeps_no_connection_where_another_can_serve_it(server: Server) -> None:
    server.sharing.yields = True
    wires = [await server.connect() for _ in range(4)]
    assert [await wire.send(f"M{n}") for n, wire in enumerate(wires)] == [f"AA M{n}" for n in range(4)]
    there = Answering()
    async with server.assisted(there):
        await until(lambda: len(server.listener._service) == 0)
        wires += [await server.connect() for _ in range(4)]
        before = len(server.own.seen)
        for number, wire in enumerate(wires):
            assert await wire.send(f"N{number}") == f"AA N{number}"
        assert len(there.seen) == 8 and len(server.own.seen) == before == 4


async def test_a_message_that_has_begun_keeps_its_connection(server: Server) -> None:
    begun, idle = await server.connect(), await server.connect()
    begun.writer.write(b"\x0bMSH|^~\\&|LAB|NORTH|EHR|MAIN|2026||ADT^A08|B1|P|2.5.1\r")
    await asyncio.sleep(0.1)
    there = Answering()
    async with server.assisted(there):
        await until(lambda: len(server.listener._service) == 1)
        begun.writer.write(b"PID|1||7\r\x1c\r")
        assert await begun.answer() == "AA B1"
        assert await idle.send("I1") == "AA I1"
        assert (server.own.seen, there.seen) == (["B1"], ["I1"])


async def test_limits_count_all(tmp_path: Path) -> None:
    server = Server(tmp_path, Limits(connections=4))
    async with server.stack, server.assisted(Answering()):
        await server.start()
        await server.acquainted()
        for _ in range(2):
            wires = [await server.connect() for _ in range(4)]
            await until(lambda: server.listener.connections == 4)
            assert await (await server.connect()).closed()
            for wire in wires:
                wire.writer.close()
            await until(lambda: server.listener.connections == 0)
        await server.stop()


async def test_what_arrived_is_answered_when_the_listener_stops(server: Server) -> None:
    there = Answering(0.5)
    async with server.assisted(there):
        await server.acquainted()
        wire = await server.connect()
        sending = asyncio.create_task(wire.send("M1"))
        await until(lambda: there.seen)
        await server.stop()
        assert await sending == "AA M1"
        assert await wire.closed()
        assert not list(server.folder.iterdir())
        await server.start()
        await server.acquainted()
        assert await (await server.connect()).send("M2") == "AA M2"
        assert there.seen == ["M1", "M2"]


async def test_one_that_ends_gives_back_its_places(server: Server) -> None:
    there = Answering(0.3)
    async with server.assisted(there):
        await server.acquainted()
        wire = await server.connect()
        sending = asyncio.create_task(wire.send("M1"))
        await until(lambda: there.seen)
    assert await sending == "AA M1"
    assert await wire.closed()
    await until(lambda: server.listener.connections == 0)
    assert await (await server.connect()).send("M2") == "AA M2"
    assert server.own.seen == ["M2"]


async def test_one_with_other_settings_gets_nothing(server: Server) -> None:
    async with server.assisted(Answering(), version="2") as other:
        await asyncio.sleep(1.2)  # it asks twice
        assert await (await server.connect()).send("M1") == "AA M1"
        assert server.own.seen == ["M1"]
        assert not len(other._service)


async def test_a_second_listener_on_the_port_fails_and_takes_no_place(server: Server) -> None:
    second = Server(server.folder.parent / "second")
    second.folder.parent.mkdir()
    second.listener.port = server.listener.port
    with pytest.raises(OSError, match="already in use"):
        await second.listener.run()
    assert not second.folder.exists()
    assert await (await server.connect()).send("M1") == "AA M1"


async def test_tls_is_of_the_one_who_serves_and_such_connections_stay(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.sign("listener")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    client = ssl.create_default_context(cafile=str(authority.file))
    server, there = Server(tmp_path, tls=context), Answering()
    async with server.stack:
        await server.start()
        early = [await server.connect(client) for _ in range(2)]
        async with server.assisted(there):
            await server.acquainted()
            late = await server.connect(client)
            assert await late.send("L1") == "AA L1"
            assert there.seen == ["L1"]
            await asyncio.sleep(0.6)
            assert [await wire.send(f"E{n}") for n, wire in enumerate(early)] == ["AA E0", "AA E1"]
            assert server.own.seen == ["E0", "E1"]
        await server.stop()


def test_a_place_is_private_and_a_long_path_is_no_matter(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 40)
    folder.mkdir(mode=0o755)
    door = Doorway(folder, "lab")
    assert door.reach() is None
    with door.listen():
        assert folder.stat().st_mode & 0o777 == 0o700
        (place,) = folder.iterdir()
        assert place.stat().st_mode & 0o077 == 0
        way = door.reach()
        assert way is not None
        way.close()
    assert door.reach() is None, "nobody is there any more"
    with Doorway(folder, "lab").listen():
        door.leave()
        assert list(folder.iterdir()), "another's place is left alone"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_a_folder_of_another_user_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    with pytest.raises(PermissionError):
        Doorway(folder, "lab").listen()
    assert Doorway(folder, "lab").reach() is None
