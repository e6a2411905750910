"""Events, webhooks and analytics over MongoDB, with two processes over one database."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fhirserver.app.wiring import Part, make_application
from fhirserver.interactions.analytics.projection import Projection
from fhirserver.interactions.analytics.rows import TALK
from fhirserver.interactions.webhooks.records import WebhookRecords
from fhirserver.interactions.webhooks.webhook import Webhook
from tests.contracts.places import MongoPlace
from tests.facade import Facade, served, settings
from tests.past_call import EVE
from tests.talks import Practice

pytestmark = pytest.mark.mongo

PLATFORM = "http://facade.test/platform"


async def test_two_processes_tell_and_count_the_same(mongo_place: MongoPlace, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        first, further = [
            await _serving(stack, mongo_place, tmp_path, part) for part in (Part.FIRST, Part.FURTHER)
        ]
        await first.ehr.put(EVE)
        held = [Practice(first.agent, random.Random(1)), Practice(further.agent, random.Random(2), 100)]
        day = datetime(2026, 11, 30, 9, tzinfo=UTC)
        for _ in range(4):
            await asyncio.gather(*(one.hold(day) for one in held))
        told = [await _history(server) for server in (first, further)]
        assert told[0] == told[1] and [one["id"] for one in told[0]] == sorted({o["id"] for o in told[0]})
        assert sum(one["type"] == "call.ended" for one in told[0]) > 0

        async def counted() -> bool:
            path = f"{PLATFORM}/analytics/conversations?from=2026-11-01&to=2026-12-31"
            found = (await further.reader.get(path)).json()
            head = (await further.store.storage.head()).position
            return bool(found["position"] >= head and found["items"][0]["conversations"] == 8)

        await _until(counted)
        kept, anew = Projection(further.store), Projection(further.store)
        await kept.catch_up()
        rows = dict(kept.rows.kept)
        await anew.rebuild()
        assert anew.rows.kept == rows and len(list(kept.rows.of(TALK))) == 8


async def test_records_of_webhooks_are_the_same_for_both(mongo_place: MongoPlace, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        first, further = [
            await _serving(stack, mongo_place, tmp_path, part) for part in (Part.FIRST, Part.FURTHER)
        ]
        one, other = [WebhookRecords(s.store.storage.access_records) for s in (first, further)]
        kept = await one.write(Webhook("w", "https://example.org/hook", status="paused"))
        assert kept is not None and await other.read("w") == kept
        assert await other.write(Webhook("w", "https://example.org/late")) is None, "somebody was faster"
        assert await other.remove(kept) and await one.all() == []


async def _history(server: Facade) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await server.reader.get(f"{PLATFORM}/events/history?limit=20&cursor={cursor}")).json()
        found += page["items"]
        cursor = page["next"]
    return found


async def _until(what: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await what():
            await asyncio.sleep(0.05)


async def _serving(stack: AsyncExitStack, place: MongoPlace, folder: Path, part: Part) -> Facade:
    from dataclasses import replace

    chosen = replace(settings(folder, "mongo"), mongodb_url=place.url, database=place.database[-40:])
    return await stack.enter_async_context(served(make_application(chosen, part)))
