"""HTTP below ASGI: heads that are malformed, endless or slow."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from fhirserver.kernel.json import loads
from fhirserver.rest import protocol, taking
from fhirserver.rest.headers import MOST_BYTES
from fhirserver.rest.protocol import FhirHttpProtocol
from fhirserver.rest.socket_protocol import FhirSocketProtocol
from fhirserver.rest.visits import Rates, Visits


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written, self.ended, self.closed, self.aborted, self.left = b"", False, False, False, 0

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def get_write_buffer_size(self) -> int:
        return self.left

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def is_closing(self) -> bool:
        return self.closed

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
async def wire() -> Wire:
    return Wire()


def connected(wire: Wire) -> FhirHttpProtocol:
    made = FhirHttpProtocol(uvicorn.Config(app), ServerState(), {}, asyncio.get_running_loop())
    made.connection_made(wire)
    return made


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.03)
    yield


def refused(wire: Wire) -> tuple[int, str]:
    """The status and the code of the issue."""
    head, _, body = wire.written.partition(b"\r\n\r\n")
    assert b"content-type: application/fhir+json" in head
    assert wire.ended
    return int(head.split()[1]), loads(body)["issue"][0]["code"]


async def test_what_is_no_http_is_400(wire: Wire) -> None:
    for text in (
        b"BREW /fhir HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"GET /fhir HTTP/1.1\r\nbad header\r\n\r\n",
    ):
        wire.__init__()  # type: ignore[misc]
        connected(wire).data_received(text)
        assert refused(wire) == (400, "structure")


async def test_a_head_without_end_is_431(wire: Wire) -> None:
    made = connected(wire)
    made.data_received(b"GET /fhir HTTP/1.1\r\nhost: a\r\n")
    for _ in range(2 * MOST_BYTES // 1000 + 1):
        if wire.ended:
            break
        made.data_received(b"x-a: " + b"a" * 993 + b"\r\n")
    assert refused(wire) == (431, "too-long")


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("begun", [b"", b"GET /fhir HTTP/1.1\r\nhost"])
async def test_a_head_that_does_not_come_is_408(wire: Wire, begun: bytes) -> None:
    made = connected(wire)
    if begun:
        made.data_received(begun)
    await asyncio.sleep(0.1)
    assert refused(wire) == (408, "timeout")


@pytest.mark.usefixtures("hasty")
async def test_a_second_request_may_be_as_slow_as_the_first_and_no_slower(wire: Wire) -> None:
    made = connected(wire)
    made.data_received(b"GET /fhir HTTP/1.1\r\nhost: a\r\n\r\n")
    await asyncio.sleep(0.06)
    assert b"204" in wire.written
    assert not wire.closed
    wire.written = b""
    made.data_received(b"GET /fhir HTTP/1.1\r\nho")
    await asyncio.sleep(0.1)
    assert refused(wire) == (408, "timeout")


async def test_nothing_is_left_behind(wire: Wire) -> None:
    made = connected(wire)
    made.connection_lost(None)
    assert made._timer is None


async def test_what_still_comes_after_a_refusal_is_thrown_away_for_a_while(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing on unread bytes would reset the connection, and the client might never see the answer."""
    monkeypatch.setattr(protocol, "LINGER_SECONDS", 0.05)
    made = connected(wire)
    made.data_received(b"BREW /fhir HTTP/1.1\r\n\r\n")
    said = wire.written
    made.data_received(b"GET /fhir HTTP/1.1\r\nhost: a\r\n\r\n")
    assert (wire.written, wire.closed) == (said, False)
    await asyncio.sleep(0.15)
    assert wire.closed


REQUEST = b"GET /fhir HTTP/1.1\r\nhost: a\r\n\r\n"
LAST_REQUEST = b"GET /fhir HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "WRITE_SECONDS", 0.05)


@pytest.mark.usefixtures("impatient")
async def test_who_takes_nothing_of_an_answer_is_cut_off(wire: Wire) -> None:
    made = connected(wire)
    wire.left = 100_000
    made.pause_writing()
    await asyncio.sleep(0.15)
    assert wire.aborted


@pytest.mark.usefixtures("impatient")
async def test_who_is_slow_is_not(wire: Wire) -> None:
    made = connected(wire)
    wire.left = 100_000
    made.pause_writing()
    for _ in range(8):
        await asyncio.sleep(0.025)
        wire.left -= 1000
    assert not wire.aborted
    wire.left = 0
    made.resume_writing()
    await asyncio.sleep(0.15)
    assert not wire.aborted


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("request_", [REQUEST, LAST_REQUEST])
async def test_what_is_left_of_a_small_answer_does_not_hold_the_connection(
    wire: Wire, request_: bytes
) -> None:
    made = connected(wire)
    made.timeout_keep_alive = 0.02  # type: ignore[assignment]
    wire.left = 1000
    made.data_received(request_)
    await asyncio.sleep(0.2)
    assert (b"204" in wire.written, wire.closed, wire.aborted) == (True, True, True)


@pytest.mark.usefixtures("impatient")
async def test_a_client_that_does_not_read_is_gone_soon() -> None:
    async def large(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * 20_000_000})

    loop, state = asyncio.get_running_loop(), ServerState()
    server = await loop.create_server(
        lambda: FhirHttpProtocol(uvicorn.Config(large), state, {}, loop), "127.0.0.1", 0
    )
    with socket.create_connection(server.sockets[0].getsockname()) as client:
        client.sendall(REQUEST)
        await asyncio.sleep(0.05)
        assert len(state.connections) == 1
        await asyncio.sleep(0.4)
        assert len(state.connections) == 0
    server.close()


EARLY = b"POST /fhir HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n"


@pytest.mark.parametrize("whole", [False, True])
async def test_a_body_that_nobody_waits_for_does_not_hold_the_connection(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, whole: bool
) -> None:
    monkeypatch.setattr(protocol, "LEFTOVER_SECONDS", 0.1)
    made = connected(wire)
    made.data_received(EARLY)
    await asyncio.sleep(0.03)
    assert b"204" in wire.written
    made.data_received(b"x")
    await asyncio.sleep(0.03)
    made.data_received(b"x" * 9 if whole else b"x")
    await asyncio.sleep(0.15)
    assert wire.closed is not whole
    if whole:
        wire.written = b""
        made.data_received(REQUEST)
        await asyncio.sleep(0.03)
        assert b"204" in wire.written
        made.data_received(EARLY + b"0123456789")
        await asyncio.sleep(0.15)
        assert not wire.closed
    made.connection_lost(None)
    assert made._leftover is None


class _Counting:
    """An application with visits."""

    def __init__(self) -> None:
        self.visits = Visits(Rates(connections_per_address=2))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)


class _From(Wire):
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("203.0.113.7", 4000) if name == "peername" else default


async def test_one_address_has_so_many_connections_and_no_more() -> None:
    config, state, loop = uvicorn.Config(_Counting()), ServerState(), asyncio.get_running_loop()
    config.load()

    def connect() -> tuple[_From, FhirHttpProtocol]:
        wire, made = _From(), FhirHttpProtocol(config, state, {}, loop)
        made.connection_made(wire)
        return wire, made

    (first, ours), (second, other), (third, turned_away) = connect(), connect(), connect()
    assert (first.aborted, second.aborted, third.aborted) == (False, False, True)
    turned_away.connection_lost(None)
    assert connect()[0].aborted, "who was turned away was not counted"
    ours.connection_lost(None)
    assert not connect()[0].aborted
    socket_protocol = FhirSocketProtocol(config, state, {})
    socket_protocol.connection_made(second)
    state.connections.discard(other)
    socket_protocol.connection_lost(None)
    assert not connect()[0].aborted, "a connection that became a websocket is counted until that ends"


async def test_what_is_no_websocket_is_answered_with_the_headers_too() -> None:
    config = uvicorn.Config(_Counting())
    config.load()
    wire, made = _From(), FhirSocketProtocol(config, ServerState(), {})
    made.connection_made(wire)
    made.data_received(
        b"GET /fhir/ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    )
    head = wire.written.partition(b"\r\n\r\n")[0].lower()
    assert head.startswith(b"http/1.1 4")
    for line in (b"x-content-type-options: nosniff", b"content-security-policy: default-src 'none'"):
        assert line in head
    assert b"server:" not in head
