"""A way to the server that is cut: before a request has arrived, before its answer comes, and in the middle of that."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import httpx


class CutTransport(httpx.AsyncBaseTransport):
    """``often``: the share of requests that are cut, 0 to 1. ``cuts`` counts them."""

    def __init__(self, inner: httpx.AsyncBaseTransport, often: float, seed: str):
        self._inner, self._often = inner, often
        self._chance = random.Random(seed)  # noqa: S311 - when it is cut, no secret
        self.cuts = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        how = self._chance.choice(("before", "after", "within", "within")) if self._is_cut() else ""
        if how == "before":
            raise httpx.ConnectError("cut", request=request)
        answer = await self._inner.handle_async_request(request)
        if how == "after":
            await answer.aclose()
            raise httpx.ReadError("cut", request=request)
        if how == "within" and isinstance(answer.stream, httpx.AsyncByteStream):
            answer.stream = _Cut(answer.stream, self._chance.randint(1, 900))
        return answer

    def _is_cut(self) -> bool:
        cut = self._chance.random() < self._often
        self.cuts += cut
        return cut

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Cut(httpx.AsyncByteStream):
    """A stream that breaks after so many bytes."""

    def __init__(self, inner: httpx.AsyncByteStream, most: int):
        self._inner, self._most = inner, most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._most
        async for chunk in self._inner:
            yield chunk[:left]
            left -= len(chunk)
            if left <= 0:
                raise httpx.ReadError("cut")

    async def aclose(self) -> None:
        await self._inner.aclose()
