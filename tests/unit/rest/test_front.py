"""What stands before the routes beside FHIR: bodies that never end, exceptions, websockets that are turned away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from fhirserver.rest import front
from fhirserver.rest.front import Front
from fhirserver.rest.visits import Visits
from tests.facade import issues


async def _form(request: Request) -> Response:
    return PlainTextResponse(str(len((await request.form()).get("a", ""))))


async def _fails_midway(request: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        raise ValueError("Okafor")

    return StreamingResponse(parts())


async def _turned_away(socket: WebSocket) -> None:
    await socket.close()


APP = Starlette(
    routes=[
        Route("/form", _form, methods=["POST"]),
        Route("/midway", _fails_midway),
        WebSocketRoute("/socket", _turned_away),
    ]
)


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=Front(APP, Visits()))
    async with httpx.AsyncClient(transport=transport, base_url="http://front.test") as client:
        yield client


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def test_a_body_that_is_too_large(http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "BODY_BYTES", 1000)
    fits = await http.post("/form", content=b"a=" + b"x" * 998, headers=FORM)
    assert (fits.status_code, fits.text) == (200, "998")
    large = await http.post("/form", content=b"a=" + b"x" * 999, headers=FORM)
    assert large.status_code == 413
    assert issues(large)[0]["code"] == "too-long"
    assert large.headers["x-content-type-options"] == "nosniff"


async def _trickle(pause: float) -> AsyncIterator[bytes]:
    yield b"a="
    while True:
        await asyncio.sleep(pause)
        yield b"x"


async def asked(body: AsyncIterator[bytes]) -> list[dict[str, Any]]:
    """What is sent to a client whose body comes as it comes; a client of a library would wait for its own end."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": await anext(body), "more_body": True}

    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/form",
        "raw_path": b"/form",
        "query_string": b"",
        "headers": [(b"content-type", b"application/x-www-form-urlencoded")],
        "client": ("203.0.113.7", 1),
        "scheme": "http",
    }
    await Front(APP, Visits())(scope, receive, send)
    return sent


@pytest.mark.parametrize(("pause", "seconds"), [(3600, 0.02), (0.001, 0.05)])
async def test_a_body_that_does_not_come_or_trickles(
    pause: float, seconds: float, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(front, "BODY_SECONDS", seconds)
    monkeypatch.setattr(front, "SLOWEST", 1e9)
    sent = await asked(_trickle(pause))
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == 408
    assert "refused 203.0.113.7: 408" in caplog.text


async def test_an_exception_after_the_beginning_cuts_the_answer(
    http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Exception) as cut:
        await http.get("/midway")
    assert "Okafor" not in str(cut.value)
    assert "Okafor" not in caplog.text
    assert "ValueError at" in caplog.text


async def test_a_socket_that_is_turned_away_has_the_headers_too() -> None:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "websocket",
        "path": "/socket",
        "raw_path": b"/socket",
        "query_string": b"",
        "headers": [],
        "client": None,
        "scheme": "wss",
    }
    await Front(APP, Visits())({**scope, "extensions": {"websocket.http.response": {}}}, receive, send)
    assert sent[0]["status"] == 403
    headers = dict(sent[0]["headers"])
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"strict-transport-security"]
    sent.clear()
    await Front(APP, Visits())(scope, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]
