"""Who asks the telephone's process about calls is noted by the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from agent.live.board import LiveBoard
from agent.tools.client import FhirClient
from fhirserver.access.audit.event import LIVE, Event
from fhirserver.access.desk_passes import DeskPasses, DeskPrincipals
from fhirserver.access.server_key import ServerKey
from fhirserver.app.voice.audit import MOST_WAITING, ToldAudit
from fhirserver.kernel.json import JsonObject
from fhirserver.rest.live_calls import LiveRoutes
from tests.facade import BASE, Facade, facade, settings

KEY = ServerKey(b"k" * 32)


@dataclass
class Site:
    """The server, and what the telephone's process serves of live calls."""

    server: Facade
    audit: ToldAudit
    voice: httpx.AsyncClient

    async def ask(self, token: str, path: str = "") -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return (await self.voice.get(f"/live/calls{path}", headers=headers)).status_code

    async def noted(self) -> list[JsonObject]:
        await self.audit.flush()
        answer = await self.server.officer.get("AuditEvent?subtype=live&_sort=date&_count=1000")
        return [entry["resource"] for entry in answer.json().get("entry", ())]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with facade(tmp_path) as server:
        client = FhirClient(BASE, "token-agent", server.transport)
        audit = ToldAudit(client, patience=0.05)
        principals = DeskPrincipals(settings(tmp_path).authenticator(), DeskPasses(KEY))
        routes = LiveRoutes(LiveBoard(), principals, asyncio.Event(), audit=audit).router().routes
        transport = httpx.ASGITransport(Starlette(routes=routes))
        async with httpx.AsyncClient(transport=transport, base_url="http://voice.test") as voice:
            yield Site(server, audit, voice)
        await client.close()


async def test_who_asks_with_a_token_of_their_own_is_noted_and_who_is_refused(site: Site) -> None:
    assert [
        await site.ask("token-ana"),
        await site.ask("token-ana", "/none"),
        await site.ask("token-reader"),
    ] == [
        200,
        404,
        403,
    ]
    listed, none, refused = await site.noted()
    assert [one["outcome"] for one in (listed, none, refused)] == ["0", "4", "8"]
    assert listed["agent"][0]["who"]["identifier"] == {"value": "ana"}
    assert refused["agent"][0]["who"]["identifier"] == {"value": "reader"}
    assert await site.noted() == [listed, none, refused], "once"


async def test_who_comes_with_a_pass_was_noted_by_the_server(site: Site) -> None:
    assert await site.ask(DeskPasses(KEY).issue("ana")) == 200
    assert await site.noted() == []


async def test_what_cannot_be_told_waits_and_then_nothing_is_answered(site: Site) -> None:
    there, site.audit._client = site.audit._client, FhirClient("http://127.0.0.1:9/fhir", "x")
    assert await site.ask("token-ana") == 200
    for _ in range(MOST_WAITING - 1):
        site.audit.note(Event(LIVE))
    assert await site.ask("token-ana") == 503
    gone, site.audit._client = site.audit._client, there
    await gone.close()
    del site.audit._waiting[3:]
    assert len(await site.noted()) == 3 and await site.ask("token-ana") == 200
