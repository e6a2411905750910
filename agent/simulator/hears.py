"""How a simulated caller knows what the agent says: from the operators' live feed, or only that it speaks."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx

_AGAIN = 0.2
"""Seconds until the feed is asked for again: the call may not be known yet."""
_UNTIL_READ = httpx.Timeout(10, read=None)


class Deaf:
    """Goes by turns: whoever is quiet has finished."""

    words = ""
    finished = True

    def newest(self) -> float:
        return float("-inf")

    def forget(self) -> None:
        return None


class LiveFeed:
    """Reads what the agent says from ``GET {server}/live/calls/{id}/events`` (server-sent events).

    ``now`` is the call's time in seconds. Follow it as long as the call lasts: :meth:`following`.
    """

    def __init__(self, server: str, token: str, call: str, now: Callable[[], float]):
        self._url = f"{server.rstrip('/')}/live/calls/{call}/events"
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        self._now = now
        self._words = ""
        self._newest = float("-inf")
        self._tools = 0
        self._last = ""
        self.events: list[dict[str, Any]] = []
        """Everything told, with ``heard`` the call's time at which it came."""
        self.trouble = ""

    @property
    def words(self) -> str:
        return self._words

    @property
    def finished(self) -> bool:
        return bool(self._words) and self._tools <= 0

    def newest(self) -> float:
        return self._newest

    def forget(self) -> None:
        self._words = ""

    @contextlib.asynccontextmanager
    async def following(self, client: httpx.AsyncClient) -> AsyncIterator[None]:
        """Follow for as long as the block lasts."""
        task = asyncio.create_task(self._follow(client))
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _follow(self, client: httpx.AsyncClient) -> None:
        while True:
            if not await self._read(client):
                return
            await asyncio.sleep(_AGAIN)

    async def _read(self, client: httpx.AsyncClient) -> bool:
        """Read the feed to its end, from where it was left; whether it is to be read again."""
        after = {"Last-Event-ID": self._last} if self._last else {}
        try:
            headers = {**self._headers, **after}
            async with client.stream("GET", self._url, headers=headers, timeout=_UNTIL_READ) as answer:
                if answer.status_code == 204:
                    return False
                self.trouble = "" if answer.is_success else f"the live feed answers {answer.status_code}"
                if answer.is_success:
                    async for line in answer.aiter_lines():
                        self.take(line)
        except httpx.HTTPError as error:
            self.trouble = f"the live feed: {type(error).__name__}"
        return True

    def take(self, line: str) -> None:
        """One line of the feed."""
        if line.startswith("id:"):
            self._last = line.removeprefix("id:").strip()
        if not line.startswith("data:"):
            return
        try:
            event = json.loads(line.removeprefix("data:"))
        except ValueError:
            return
        if not isinstance(event, dict):
            return
        self.events.append({**event, "heard": round(self._now(), 3)})
        kind = event.get("kind")
        if kind == "agent":
            self._words = f"{self._words} {event.get('text', '')}".strip()
            self._newest = self._now()
        elif kind in ("tool", "result"):
            self._tools += 1 if kind == "tool" else -1
