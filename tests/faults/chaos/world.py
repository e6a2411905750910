"""The server under the drill, as its clients see it: killed again and again, and asked until it answers."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx

from fhirserver.kernel.json import dumps, loads
from tests.faults.chaos.site import Json
from tests.server_process import ServerProcess

AGENT, OPERATOR = "voice-agent", "admin"
PATIENCE = 120.0
_PATCH = "application/json-patch+json"


class Refused(Exception):
    """The server answered, and not what the drill reckons with."""

    def __init__(self, what: str, status: int, text: str):
        super().__init__(f"{what}: {status} {text[:500]}")
        self.status = status


class World:
    """A client. Every write may be repeated without harm; ``unanswered`` counts requests that had to be."""

    def __init__(self, server: ServerProcess):
        self.server = server
        self.unanswered, self.kills, self.starts = 0, 0, 0.0
        self._http = httpx.AsyncClient(base_url=f"{server.base}/", timeout=30, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def ask(
        self, who: str, method: str, path: str, content: Any = None, kind: str = "", good: str = "2"
    ) -> Json:
        """Ask until there is an answer. Raises :class:`Refused` for one whose status does not begin with ``good``."""
        headers = self.server.headers_of(who)
        if kind:
            headers["Content-Type"] = kind
        body = dumps(content) if content is not None else None
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                answer = await self._http.request(method, path, content=body, headers=headers)
            except httpx.TransportError:
                self.unanswered += 1
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.1)
                continue
            if answer.status_code == 503 and time.monotonic() < deadline:
                await asyncio.sleep(0.2)
                continue
            if not str(answer.status_code).startswith(good):
                raise Refused(f"{who} {method} {path}", answer.status_code, answer.text)
            return dict(loads(answer.content)) if answer.content else {}

    async def patch(self, who: str, path: str, *steps: Json) -> Json:
        """A JSON Patch whose steps may be made twice."""
        return await self.ask(who, "PATCH", path, list(steps), _PATCH)

    async def search(self, query: str) -> list[Json]:
        """All that is found, by pages."""
        found: list[Json] = []
        while query:
            bundle = await self.ask(OPERATOR, "GET", query)
            entries = bundle.get("entry", ())
            found += [one["resource"] for one in entries if one.get("search", {}).get("mode") != "outcome"]
            links = {link["relation"]: link["url"] for link in bundle.get("link", ())}
            query = links.get("next", "")
        return found

    async def read(self, reference: str) -> Json:
        return await self.ask(OPERATOR, "GET", reference)

    async def tasks(self, code: str, status: str) -> list[Json]:
        system = "https://credence.health/fhir/CodeSystem/task-code"
        return await self.search(f"Task?code={system}|{code}&status={status}&_count=500")

    async def kill(self) -> None:
        """``kill -9``, and begin again on the same data."""
        self.server.kill()
        self.kills += 1
        self.starts += await asyncio.to_thread(self.server.start)
