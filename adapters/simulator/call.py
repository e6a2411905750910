"""One request to the simulated EHR and the way of its answer, as ASGI has them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from adapters.simulator.answers import Answer

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_BODY = 10_000_000
ABORT = "credence.abort"
"""Scope key under which the server puts a function that closes the connection at once."""


@dataclass(slots=True)
class Call:
    """One request."""

    method: str
    path: list[str]
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes

    @property
    def writes(self) -> bool:
        return self.method in ("POST", "PUT", "DELETE") and self.path[-1] != "_search"

    @property
    def root(self) -> str:
        """The address of this EHR as the client knows it."""
        return f"http://{self.headers.get('host', 'localhost')}"

    @property
    def base(self) -> str:
        """Its FHIR base."""
        return f"{self.root}/fhir"


async def read_call(scope: Scope, receive: Receive) -> Call:
    body = bytearray()
    more = scope["method"] not in ("GET", "HEAD")
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False) and len(body) <= MAX_BODY
    return Call(
        scope["method"],
        scope["path"].strip("/").split("/"),
        parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True),
        {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        bytes(body),
    )


async def send_answer(answer: Answer, send: Send, scope: Scope) -> None:
    """The whole answer, or its first half and a closed connection where it is to be ``cut``."""
    headers = [(b"content-length", str(len(answer.body)).encode())]
    if answer.body:
        headers.append((b"content-type", answer.media_type.encode()))
    headers += [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if answer.cut:
        await send(
            {"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True}
        )
        await asyncio.sleep(0.05)  # what was sent shall arrive
        await cut(scope)
        return
    await send({"type": "http.response.body", "body": answer.body})


async def cut(scope: Scope) -> None:
    """Close the connection without an answer."""
    abort = scope.get(ABORT)
    if abort is None:
        raise ConnectionAbortedError("cut on purpose")
    abort()
    await asyncio.sleep(0.01)  # let the server notice before the application returns
