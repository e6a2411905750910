"""The rows of analytics after a server was killed again and again are those that the log makes anew."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from fhirserver.app.settings import load_settings
from fhirserver.app.wiring import make_store
from fhirserver.interactions.analytics.projection import Projection
from fhirserver.interactions.analytics.rows import TALK
from fhirserver.kernel.json import JsonObject, dumps
from tests.server_process import ServerProcess
from tests.talks import Practice

DAY = datetime(2026, 11, 30, 9, tzinfo=UTC)


class Writer:
    """Puts resources to a server that may be killed at any moment; a put of the same changes nothing."""

    def __init__(self, server: ServerProcess):
        self._server = server

    async def put(self, resource: JsonObject, **headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"{self._server.base}/{resource['resourceType']}/{resource['id']}"
        async with httpx.AsyncClient(verify=False) as client:
            while True:
                try:
                    with_token = {**self._server.headers_of("voice-agent"), **sent}
                    return await client.put(url, content=dumps(resource), headers=with_token, timeout=20)
                except httpx.HTTPError:
                    await asyncio.sleep(0.05)


@pytest.mark.parametrize("kills", [2])
async def test_kills_lose_no_row_and_count_nothing_twice(tmp_path: Path, kills: int) -> None:
    server = ServerProcess(tmp_path, workers=1)
    server.start()
    try:
        practice = Practice(Writer(server), random.Random(2))  # type: ignore[arg-type]
        for number in range(16):
            holding = asyncio.create_task(practice.hold(DAY))
            if number in (5, 11)[:kills]:
                await asyncio.sleep(0.05)
                server.kill()
                await asyncio.to_thread(server.start)
            await holding
        await _counted(server)
    finally:
        server.kill()
    settings = replace(load_settings(server.config), storage="sqlite", path=server.data / "credence.db")
    store = make_store(settings)
    await store.open()
    try:
        kept, anew = Projection(store), Projection(store)
        while await kept.step():  # the last commits may not have been counted before the last kill
            pass
        rows = dict(kept.rows.kept)
        assert len(list(kept.rows.of(TALK))) == 16
        await anew.rebuild()
        assert {**anew.rows.kept} == rows and anew.position == kept.position
    finally:
        await store.close()


async def _counted(server: ServerProcess) -> None:
    """Until the server has counted all that was written."""
    url = f"{server.root}/platform/analytics/conversations?from=2026-11-01&to=2026-12-31"
    async with asyncio.timeout(60), httpx.AsyncClient(verify=False) as client:
        while True:
            (found,) = (await client.get(url, headers=server.headers)).json()["items"]
            if found["reached"] == 16 and found["score"]["count"] == 16:
                return
            await asyncio.sleep(0.1)
