"""The load client: where answers end, and what it counts as wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from benchmarks.wire import Address, BadAnswer, Reader, Request, Tally, drive

SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"


def answers(pieces: list[bytes]) -> list[tuple[int, bytes]]:
    reader, found = Reader(), []
    for piece in pieces:
        reader.feed(piece)
        while (answer := reader.take()) is not None:
            found.append((answer[0], answer[2]))
    return found


@pytest.mark.parametrize(
    ("wire", "expected"), [(SIZED, (200, b"hello")), (CHUNKED, (201, b"hello")), (EMPTY, (204, b""))]
)
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_an_answer_is_found_however_it_is_cut(wire: bytes, expected: tuple[int, bytes], size: int) -> None:
    pieces = [wire[at : at + size] for at in range(0, len(wire), size)]
    assert answers(pieces) == [expected]


def test_one_answer_after_another() -> None:
    assert answers([SIZED + CHUNKED + EMPTY + SIZED]) == [
        (200, b"hello"),
        (201, b"hello"),
        (204, b""),
        (200, b"hello"),
    ]


@pytest.mark.parametrize("wire", [b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_what_has_no_end_is_refused(wire: bytes) -> None:
    with pytest.raises(BadAnswer):
        answers([wire])


def test_a_request_carries_token_and_length() -> None:
    wire = Address.of("http://localhost:80/fhir/", "secret").request("POST", "Patient", b"{}")
    head, body = wire.split(b"\r\n\r\n")
    assert head.startswith(b"POST /fhir/Patient HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Bearer secret\r\n" in head
    assert b"\r\nContent-Length: 2" in head
    assert body == b"{}"


def test_https_is_refused() -> None:
    with pytest.raises(ValueError, match="plain http"):
        Address.of("https://example.org/fhir", "")


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[bytes], object]]:
    """A server that answers everything with the same bytes."""
    servers = []

    async def start(wire: bytes) -> Address:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.read(1000):
                writer.write(wire)
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        servers.append(server)
        return Address("127.0.0.1", server.sockets[0].getsockname()[1], "/fhir", "")

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()


async def tally(address: Address, status: int) -> Tally:
    asked = iter([Request(address.request("GET", "Patient/1"), key, status) for key in range(10)])
    return await drive(address, 2, lambda: next(asked, None))


async def test_all_answers_are_timed_and_kept(serve) -> None:  # type: ignore[no-untyped-def]
    seen = await tally(await serve(SIZED), 200)
    assert len(seen.latencies) == 10
    assert seen.bodies == dict.fromkeys(range(10), b"hello")
    assert not seen.wrong and not seen.broken


async def test_another_status_is_wrong(serve) -> None:  # type: ignore[no-untyped-def]
    seen = await tally(await serve(SIZED), 201)
    assert seen.wrong == {200: 10}
    assert seen.sample == b"hello"


async def test_a_broken_connection_is_counted(serve) -> None:  # type: ignore[no-untyped-def]
    seen = await tally(await serve(b"nonsense\r\n\r\n"), 200)
    assert seen.broken == 2
    assert not seen.latencies
