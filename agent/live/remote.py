"""The calls of another process as ``fhirserver.ports.live_calls``: the telephone is answered by a process of its own.

What the board shows is asked for every second; what happens on a call and what operators do goes through at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, fields
from typing import Any

import httpx

from agent.live.remote_sound import far_sound
from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import InvalidJson, JsonObject, dumps, loads
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.calls_out import CallOrder, OrderedCall
from fhirserver.ports.live_calls import LiveCall, LiveEvent, OperatorSound, RiskReason
from fhirserver.ports.texts_out import OrderedText, TextOrder

_EVERY = 1.0
_MISSES = 3
"""Times in a row that the other process does not answer, after which its calls are not shown any more: one that is late
once has not lost them."""
_MOST_OVER = 50
"""Calls that are kept after the other process shows them no more: somebody may still have one's page open."""
_QUIET = 40.0
"""Seconds without a byte after which a stream is taken for dead; the other side sends something every 15."""

log = logging.getLogger("credence.live")


class RemoteBoard:
    """``base`` is the other process (``http://127.0.0.1:8090``); ``pass_for`` makes a bearer token for an operator."""

    def __init__(
        self,
        base: str,
        pass_for: Callable[[str], str],
        transport: httpx.AsyncBaseTransport | None = None,
        tls: ssl.SSLContext | None = None,
    ):
        """``tls``: how the other process is known, where ``base`` is https; None: by the usual authorities."""
        timeout = httpx.Timeout(5.0, read=_QUIET)
        self._http = httpx.AsyncClient(
            transport=transport, timeout=timeout, trust_env=False, verify=tls or True
        )
        self._tls = tls
        self._base = f"{base.rstrip('/')}/live/calls"
        self._texts = f"{base.rstrip('/')}/live/texts"
        self._pass_for = pass_for
        self._calls: dict[str, LiveCall] = {}
        self._over: dict[str, LiveCall] = {}
        self._missed = 0

    async def run(self) -> None:
        """Keep what the board shows; until cancelled."""
        try:
            while True:
                await self.refresh()
                await asyncio.sleep(_EVERY)
        finally:
            await self._http.aclose()

    async def refresh(self) -> None:
        """Ask once. Where nobody answers any more there are no calls."""
        try:
            body = await self._asked("GET", "")
            calls = {one["id"]: _call(one) for one in body["calls"]}
            over = await self._last_of(self._calls.keys() - calls.keys())
            self._over = dict([*self._over.items(), *over.items()][-_MOST_OVER:])
            self._calls = calls
            self._missed = 0
        except (Refusal, KeyError, TypeError, ValueError) as error:
            self._missed += 1
            if self._missed == 1:
                log.warning("the process that answers the telephone is not reached: %s", type(error).__name__)
            if self._missed >= _MISSES:
                self._calls = {}

    async def _last_of(self, ids: set[str]) -> dict[str, LiveCall]:
        """How calls that are listed no more ended; those that the other process does not know any more are left out."""
        found = {}
        for id in ids:
            try:
                found[id] = _call(await self._asked("GET", f"/{id}"))
            except Refusal as refusal:
                if refusal.category is not Category.NOT_FOUND:
                    raise
        return found

    def calls(self) -> Sequence[LiveCall]:
        return list(self._calls.values())

    def call(self, id: str) -> LiveCall | None:
        return self._calls.get(id) or self._over.get(id)

    async def so_far(self, id: str) -> Sequence[LiveEvent]:
        try:
            told = await self._asked("GET", f"/{id}/timeline")
            return [_event(one["id"], one) for one in told["events"]]
        except (Refusal, KeyError, TypeError, ValueError):
            return ()

    def follow(self, id: str, after: int = 0) -> AsyncIterator[LiveEvent]:
        return self._follow(id, after)

    async def _follow(self, id: str, after: int) -> AsyncIterator[LiveEvent]:
        while True:
            headers = {**self._headers("console"), "Last-Event-ID": str(after)}
            try:
                async with self._http.stream("GET", f"{self._base}/{id}/events", headers=headers) as answer:
                    if answer.status_code != 200:
                        return
                    async for event in _events(answer):
                        if event is None:
                            return
                        after = event.id
                        yield event
            except httpx.HTTPError:
                await asyncio.sleep(_EVERY)

    async def act(
        self, id: str, action: str, operator: str, text: str = "", disposition: str = ""
    ) -> LiveCall:
        sent = {"action": action, "text": text, "disposition": disposition}
        call = _call(await self._asked("POST", f"/{id}/actions", sent, operator))
        (self._calls if id in self._calls else self._over)[id] = call
        return call

    async def order(self, order: CallOrder, by: str) -> OrderedCall:
        """Order a call out at the other process, which decides."""
        return OrderedCall(**await self._asked("POST", "", asdict(order), by))

    async def send(self, order: TextOrder, by: str) -> OrderedText:
        """Have the other process, which decides, send a message."""
        return OrderedText(**await self._asked("POST", "", asdict(order), by, self._texts))

    def audio(self, id: str) -> AsyncIterator[bytes]:
        if not (call := self.call(id)) or not call.hears:
            raise refuse(Category.NOT_FOUND, "not-found", "The sound of this call cannot be listened to")
        return self._audio(id)

    async def _audio(self, id: str) -> AsyncIterator[bytes]:
        with contextlib.suppress(httpx.HTTPError):
            async with self._http.stream(
                "GET", f"{self._base}/{id}/audio", headers=self._headers("console")
            ) as answer:
                async for chunk in answer.aiter_raw() if answer.status_code == 200 else _nothing():
                    yield chunk

    async def sound(self, id: str, operator: str) -> OperatorSound:
        return await far_sound(f"{self._base}/{id}/sound", self._headers(operator), self._tls)

    def _headers(self, operator: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._pass_for(operator)}"}

    async def _asked(
        self,
        method: str,
        path: str,
        body: JsonObject | None = None,
        operator: str = "console",
        base: str = "",
    ) -> dict[str, Any]:
        content = dumps(body) if body is not None else None
        try:
            answer = await self._http.request(
                method, (base or self._base) + path, content=content, headers=self._headers(operator)
            )
            found = loads(answer.content)
        except (httpx.HTTPError, InvalidJson):
            raise refuse(Category.BUSY, "transient", "The telephone does not answer") from None
        if answer.status_code >= 400:
            issue = (found.get("issue") or [{}])[0]
            category = next((c for c in Category if c.value == answer.status_code), Category.BUSY)
            raise refuse(category, str(issue.get("code", "transient")), str(issue.get("diagnostics", "")))
        return dict(found)


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


async def _events(answer: httpx.Response) -> AsyncIterator[LiveEvent | None]:
    """The events of a stream; None where it says that there will be no more."""
    id, kind, data = "0", "", ""
    async for line in answer.aiter_lines():
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "id":
            id = value
        elif name == "event":
            kind = value
        elif name == "data":
            data += value
        elif not line:
            if kind == "end":
                yield None
            elif data:
                yield _event(int(id), loads(data.encode()))
            kind, data = "", ""


def _event(id: int, told: JsonObject) -> LiveEvent:
    more = {name: value for name, value in told.items() if name not in ("id", "kind", "text", "turn", "at")}
    return LiveEvent(id, parse_instant(told["at"]), told["kind"], told["text"], told["turn"], more)


def _call(told: JsonObject) -> LiveCall:
    known = {field.name for field in fields(LiveCall)}
    given = {name: value for name, value in told.items() if name in known}
    given["started"] = parse_instant(told["started"])
    given["reasons"] = tuple(RiskReason(**reason) for reason in told.get("reasons", ()))
    given["listeners"] = tuple(told.get("listeners", ()))
    return LiveCall(**given)
