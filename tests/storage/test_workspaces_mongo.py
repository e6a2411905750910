"""Workspaces and platform keys over MongoDB: a database for each, kept over a restart, shared by two processes."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from pymongo import AsyncMongoClient

from adapters.platform_client.api.workspaces import create_workspace
from adapters.platform_client.models.new_workspace import NewWorkspace
from adapters.platform_client.models.workspace_made import WorkspaceMade
from fhirserver.app.wiring import Part, make_application
from tests.contracts.places import MongoPlace
from tests.facade import Facade, served, settings
from tests.platform_client import admin_of, key_of

pytestmark = pytest.mark.mongo


async def test_a_database_for_each(mongo_place: MongoPlace, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        first, further = [
            await _serving(stack, mongo_place, tmp_path, part) for part in (Part.FIRST, Part.FURTHER)
        ]
        wanted = NewWorkspace(id="clinic-b", name="B", source="ehr")
        clinic = await create_workspace.asyncio(client=admin_of(further), body=wanted)
        assert isinstance(clinic, WorkspaceMade), clinic
        put = await _asked(further, clinic, "PUT", "Patient/p", json={"resourceType": "Patient", "id": "p"})
        assert put.status_code == 201, put.text
        assert (await _asked(first, clinic, "GET", "Patient/p")).status_code == 200
        assert (await first.ehr.get("Patient/p")).status_code == 404
        key, _ = await key_of(first, "viewer")
        async with httpx.AsyncClient(transport=further.transport) as http:
            url, headers = "http://facade.test/fhir/Patient", {"Authorization": f"Bearer {key.key}"}
            assert (await http.get(url, headers=headers)).status_code == 200
    async with AsyncExitStack() as stack:
        again = await _serving(stack, mongo_place, tmp_path, Part.ALONE)
        assert (await _asked(again, clinic, "GET", "Patient/p")).status_code == 200
        await _deleted(again, clinic, mongo_place)


async def _deleted(server: Facade, clinic: WorkspaceMade, place: MongoPlace) -> None:
    name = f"{place.database[-40:]}-clinic-b"
    client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(place.url)
    async with client:
        assert name in await client.list_database_names()
        gone = await server.admin(
            "DELETE", "http://facade.test/platform/workspaces/clinic-b?confirm=clinic-b"
        )
        assert gone.status_code == 204, gone.text
        assert (await _asked(server, clinic, "GET", "Patient/p")).status_code == 404
        async with asyncio.timeout(60):
            while name in await client.list_database_names():
                await asyncio.sleep(0.2)


async def _serving(stack: AsyncExitStack, place: MongoPlace, folder: Path, part: Part) -> Facade:
    from dataclasses import replace

    chosen = replace(settings(folder, "mongo"), mongodb_url=place.url, database=place.database[-40:])
    return await stack.enter_async_context(served(make_application(chosen, part)))


async def _asked(
    server: Facade, clinic: WorkspaceMade, method: str, path: str, **more: object
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {clinic.key.key}"}
    async with httpx.AsyncClient(transport=server.transport, headers=headers) as http:
        return await http.request(method, f"{clinic.fhir}/{path}", **more)  # type: ignore[arg-type]
