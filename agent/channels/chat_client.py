"""A user of ``/chat`` over HTTP: begins or goes on with a conversation, writes, and follows what happens.

Whatever breaks in between, nothing is lost and nothing comes twice: messages carry a key and are sent until they are
taken, and events are asked for from the last one that came.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from fhirserver.kernel.json import InvalidJson, JsonObject, loads

_FIRST, _LONGEST = 0.25, 8.0
_NDJSON = "application/x-ndjson"
_QUIET = 40.0
"""Seconds without even a beat after which a stream is taken for dead."""
_AGAIN = frozenset((408, 425, 429, 500, 502, 503, 504))


class ChatRefused(RuntimeError):
    """The server does not take it, and would not if asked again; ``status`` is HTTP's."""

    def __init__(self, status: int, title: str):
        super().__init__(f"{title} ({status})")
        self.status = status


class ChatLost(RuntimeError):
    """The server did not answer for so long that it is given up."""


@dataclass(frozen=True, slots=True)
class ChatAddress:
    """Where to chat: the server's address without ``/chat``, the service, what gives a token that is good now (True:
    the last one was refused)."""

    server: str
    service: str
    token: Callable[[bool], str]

    @property
    def conversations(self) -> str:
        return f"{self.server.rstrip('/')}/chat/services/{quote(self.service, safe='')}/conversations"


class ChatClient:
    """One conversation. ``patience``: seconds of a server that does not answer; ``on_trouble`` is told of each gap."""

    def __init__(
        self,
        address: ChatAddress,
        transport: httpx.AsyncBaseTransport | None = None,
        patience: float = 120.0,
        on_trouble: Callable[[str], None] = lambda _: None,
    ):
        timeout = httpx.Timeout(10.0, read=_QUIET)
        self._http = httpx.AsyncClient(transport=transport, timeout=timeout)
        self._address, self._patience, self._on_trouble = address, patience, on_trouble
        self.id, self.last = "", 0
        """The conversation, and the number of the last event that was handed out."""
        self._given = ""
        """The token of the last request."""
        self._refused = self._renewed = False
        """Whether that was refused, and whether it is one that was had in the place of another."""

    async def close(self) -> None:
        await self._http.aclose()

    async def begin(self) -> JsonObject:
        """The active conversation, or a new one."""
        told = await self._ask("POST", self._address.conversations)
        self.id = str(told["id"])
        return told

    async def send(self, text: str, key: str = "") -> None:
        """Write a message; returns when it is taken. The same ``key`` again says nothing again."""
        await self._deliver("messages", key, json={"text": text})

    async def attach(self, content: bytes, content_type: str, title: str = "", key: str = "") -> None:
        """Send a picture or a document."""
        headers = {"Content-Type": content_type}
        await self._deliver("attachments", key, headers, content=content, params={"title": title[:200]})

    async def finish(self) -> JsonObject:
        return await self._ask("POST", f"{self._one}/finish")

    async def rate(self, stars: int, comment: str = "") -> JsonObject:
        return await self._ask("POST", f"{self._one}/rating", json={"stars": stars, "comment": comment})

    async def events(self) -> AsyncIterator[JsonObject]:
        """What happens, from the first event that has not been handed out, until the conversation is over."""
        waited = 0.0
        while True:
            before = self.last
            try:
                async for event in self._stream():
                    self.last, waited = int(event["number"]), 0.0
                    yield event
                    if event["kind"] == "ended":
                        return
            except (httpx.TransportError, InvalidJson) as error:
                self._on_trouble(type(error).__name__)
            if self.last == before:
                waited = await self._wait(waited)

    @property
    def _one(self) -> str:
        return f"{self._address.conversations}/{self.id}"

    def _authorized(self, more: dict[str, str] | None = None) -> dict[str, str]:
        again, self._refused = self._refused, False
        self._given = self._address.token(again)
        return {"Authorization": f"Bearer {self._given}", **(more or {})}

    def _taken(self) -> None:
        self._renewed = False

    async def _stream(self) -> AsyncIterator[JsonObject]:
        """Events of one connection. A half line at its end is left to the next."""
        headers = self._authorized({"Accept": _NDJSON})
        async with self._http.stream(
            "GET", f"{self._one}/events", params={"after": self.last}, headers=headers
        ) as answer:
            if answer.status_code != 200:
                await answer.aread()
                self._check(answer)
                return
            self._taken()
            buffer = b""
            async for chunk in answer.aiter_raw():
                *lines, buffer = (buffer + chunk).split(b"\n")
                for line in lines:
                    if line.strip():
                        yield _object(line)

    async def _deliver(
        self, place: str, key: str, headers: dict[str, str] | None = None, **request: Any
    ) -> None:
        """Post until it is taken. Only the beginning of the answer is waited for: the rest comes as events."""
        told = {"Idempotency-Key": key or secrets.token_hex(16), "Accept": _NDJSON, **(headers or {})}
        waited = 0.0
        while True:
            try:
                async with self._http.stream(
                    "POST", f"{self._one}/{place}", headers=self._authorized(told), **request
                ) as answer:
                    if answer.status_code == 200:
                        return self._taken()
                    await answer.aread()
                    self._check(answer)
            except httpx.TransportError as error:
                self._on_trouble(type(error).__name__)
            waited = await self._wait(waited)

    async def _ask(self, method: str, url: str, **request: Any) -> JsonObject:
        waited = 0.0
        while True:
            try:
                answer = await self._http.request(method, url, headers=self._authorized(), **request)
                if answer.status_code in (200, 201):
                    self._taken()
                    return _object(answer.content)
                self._check(answer)
            except httpx.TransportError as error:
                self._on_trouble(type(error).__name__)
            waited = await self._wait(waited)

    def _check(self, answer: httpx.Response) -> None:
        """Raises :class:`ChatRefused` where asking again would not help; a token that is refused is had anew, once. Of
        two requests that were under way with it, one has it renewed for both."""
        if answer.status_code in _AGAIN:
            return
        is_old = answer.request.headers["Authorization"] != f"Bearer {self._given}"
        if answer.status_code == 401 and (is_old or self._refused):
            return
        if answer.status_code == 401 and not self._renewed:
            self._refused = self._renewed = True
            return
        try:
            title = str(_object(answer.content).get("title", ""))
        except InvalidJson:
            title = ""
        raise ChatRefused(answer.status_code, title or "The server refused")

    async def _wait(self, waited: float) -> float:
        """Wait longer each time. Raises :class:`ChatLost` after all patience."""
        if waited > self._patience:
            raise ChatLost(f"the server has not answered for {waited:.0f} s")
        pause = min(_LONGEST, max(_FIRST, waited))
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
        return waited + pause


def _object(content: bytes) -> JsonObject:
    """Raises InvalidJson for anything but an object."""
    read = loads(content)
    if not isinstance(read, dict):
        raise InvalidJson("an object was expected")
    return read
