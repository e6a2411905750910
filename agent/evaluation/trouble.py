"""Trouble on the way to the server, as a scenario has it: no answer, busy, slow, somebody else faster."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import httpx

from agent.evaluation.scenario import Trouble

Rival = Callable[[str], Awaitable[None]]
"""Takes a slot (its id) as somebody else would."""


class TroubledTransport(httpx.AsyncBaseTransport):
    """The real transport with the scenario's trouble in front of it."""

    def __init__(self, inner: httpx.AsyncBaseTransport, troubles: tuple[Trouble, ...], rival: Rival):
        self._inner, self._troubles, self._rival = inner, troubles, rival
        self._met: Counter[int] = Counter()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        for index, trouble in enumerate(self._troubles):
            if self._met[index] >= trouble.times or not self._concerns(trouble, request):
                continue
            self._met[index] += 1
            answer = await self._befall(trouble, request)
            if answer is not None:
                return answer
        return await self._inner.handle_async_request(request)

    def _concerns(self, trouble: Trouble, request: httpx.Request) -> bool:
        if trouble.kind == "taken":
            return request.method == "POST" and f"Slot/{trouble.slot}".encode() in request.content
        path = str(request.url.raw_path, "ascii").partition("/fhir")[2].lstrip("/")
        held = not trouble.holds or trouble.holds.encode() in request.content
        return held and path.startswith(trouble.path) and trouble.method in ("", request.method)

    async def _befall(self, trouble: Trouble, request: httpx.Request) -> httpx.Response | None:
        if trouble.kind == "down":
            raise httpx.ConnectError("the scenario has the server down", request=request)
        if trouble.kind == "lost":
            await (await self._inner.handle_async_request(request)).aread()
            raise httpx.ReadError("the scenario lost the answer", request=request)
        if trouble.kind == "busy":
            return httpx.Response(503, request=request)
        if trouble.kind == "slow":
            await asyncio.sleep(trouble.seconds)
        if trouble.kind == "taken":
            await self._rival(trouble.slot)
        return None
