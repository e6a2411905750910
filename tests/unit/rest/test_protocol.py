"""HTTP below ASGI: heads that are malformed, endless or slow."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from fhirserver.kernel.json import loads
from fhirserver.rest import protocol
from fhirserver.rest.headers import MOST_BYTES
from fhirserver.rest.protocol import FhirHttpProtocol


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written, self.ended, self.closed = b"", False, False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.closed = True

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
