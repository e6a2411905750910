"""Several workspaces in one server: made, renamed, suspended; and every way from one into another is shut."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.platform_client.api.workspaces import (
    change_workspace,
    create_workspace,
    list_workspaces,
    read_me,
)
from adapters.platform_client.client import AuthenticatedClient
from adapters.platform_client.models.me import Me
from adapters.platform_client.models.new_workspace import NewWorkspace
from adapters.platform_client.models.page_workspace_told import PageWorkspaceTold
from adapters.platform_client.models.problem import Problem
from adapters.platform_client.models.workspace_change import WorkspaceChange
from adapters.platform_client.models.workspace_made import WorkspaceMade
from adapters.platform_client.models.workspace_told import WorkspaceTold
from fhirserver.rest.visits import Rates
from tests.facade import Facade, facade
from tests.platform_client import admin_of, client_of, key_of
from tests.server_process import ServerProcess

ROOT = "http://facade.test"
SECRET = "Wojciechowska"
"""A name that stands in one workspace only."""


@pytest.fixture(params=["memory", "sqlite"])
async def server(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Facade]:
    rates = Rates(failed_per_minute=100_000)
    async with facade(tmp_path, request.param, rates=rates) as running:
        yield running


async def made(server: Facade, id: str) -> WorkspaceMade:
    wanted = NewWorkspace(id=id, name=f"Clinic {id}", source="ehr")
    found = await create_workspace.asyncio(client=admin_of(server), body=wanted)
    assert isinstance(found, WorkspaceMade), found
    return found


class Inside:
    """A key of a workspace, wherever it is shown."""

    def __init__(self, server: Facade, base: str, key: str):
        self.base = base
        headers = {"Authorization": f"Bearer {key}"}
        self.http = httpx.AsyncClient(transport=server.transport, headers=headers)

    async def __call__(self, method: str, path: str, **more: Any) -> httpx.Response:
        url = path if path.startswith("http") else f"{self.base}/{path}"
        return await self.http.request(method, url, **more)


async def test_a_workspace_has_a_store_keys_and_a_trail_of_its_own(server: Facade) -> None:
    clinic = await made(server, "clinic-b")
    assert clinic.fhir == f"{ROOT}/workspaces/clinic-b/fhir" and not clinic.host
    inside = Inside(server, clinic.fhir, clinic.key.key)
    patient = {"resourceType": "Patient", "id": "p", "name": [{"family": SECRET}]}
    written = await inside("PUT", "Patient/p", json=patient)
    assert written.status_code == 201, written.text
    assert (await inside("GET", f"Patient?family={SECRET}")).json()["total"] == 1
    assert (await inside("GET", "metadata")).json()["implementation"]["url"] == clinic.fhir
    me = await read_me.asyncio(
        client=client_of(f"{ROOT}/workspaces/clinic-b", clinic.key.key, server.transport)
    )
    assert isinstance(me, Me) and (me.workspace, me.role) == ("clinic-b", "owner")
    found = (await inside("GET", f"Patient?family={SECRET}")).json()
    assert found["entry"][0]["fullUrl"] == f"{clinic.fhir}/Patient/p"


async def test_no_way_leads_from_one_into_another(server: Facade) -> None:
    one, other = await made(server, "clinic-b"), await made(server, "clinic-c")
    b, c = Inside(server, one.fhir, one.key.key), Inside(server, other.fhir, other.key.key)
    patient = {"resourceType": "Patient", "id": "p", "name": [{"family": SECRET}]}
    assert (await b("PUT", "Patient/p", json=patient)).status_code == 201
    assert (
        await server.ehr.put({"resourceType": "Patient", "id": "h", "name": [{"family": SECRET}]})
    ).is_success
    # a key or token of one opens nothing of another, by whatever way it is shown
    host, _ = await key_of(server, "owner")
    for token in ("token-admin", "token-ehr", host.key, other.key.key):
        for path in ("Patient/p", "Patient", "_history", "metadata/../Patient/p"):
            answer = await Inside(server, one.fhir, token)("GET", path)
            assert answer.status_code in (401, 404) and SECRET not in answer.text, (token, path)
        for path in ("me", "keys", "calls", "workspaces", "review", "operators"):
            url = f"{one.platform}/{path}"
            answer = await Inside(server, one.fhir, token)("GET", url)
            assert answer.status_code == 401, (token, path)
    for path in ("fhir/Patient", "fhir/Patient/h", "platform/me", "platform/keys", "live/calls"):
        assert (await b("GET", f"{ROOT}/{path}")).status_code == 401, path
    # with a key of its own: ids, searches, histories, references, operations, Bundles
    ways = (
        *("Patient/p", "Patient/h", f"Patient?family={SECRET}", "Patient", "Patient/_history", "_history"),
        *(
            "Patient/p/_history",
            "Patient/p/$everything",
            "Provenance",
            "Task",
            "AuditEvent",
            "Patient?_id=p,h",
        ),
        *(f"Patient?_content={SECRET}", f"?_type=Patient&family={SECRET}", "Patient/p/$lineage"),
        *("Observation?_include=Observation:subject", f"Observation?subject={one.fhir}/Patient/p"),
        *(
            "../../clinic-b/fhir/Patient/p",
            "%2e%2e/%2e%2e/clinic-b/fhir/Patient/p",
            "..%2f..%2fclinic-b/fhir/Patient/p",
        ),
    )
    for path in ways:
        assert SECRET not in (await c("GET", path)).text.replace(path, "").replace(f"family={SECRET}", ""), (
            path
        )
    bundle = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [
            {"request": {"method": "GET", "url": url}}
            for url in (
                "Patient/p",
                f"{one.fhir}/Patient/p",
                f"Patient?family={SECRET}",
                f"{ROOT}/fhir/Patient/h",
            )
        ],
    }
    answer = await c("POST", "", json=bundle)
    assert f'"family":"{SECRET}"' not in answer.text.replace(" ", "")
    # headers that name another
    for name in (
        "X-Workspace",
        "X-Tenant",
        "X-Forwarded-Prefix",
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-Forwarded-Host",
    ):
        answer = await c("GET", "Patient/p", headers={name: "/workspaces/clinic-b/fhir/Patient/p"})
        assert answer.status_code == 404, name
    # what is revoked, rotated or listed in one is not in another
    assert (await c("DELETE", f"{other.platform}/keys/{one.key.id}")).status_code == 404
    assert one.key.id not in (await c("GET", f"{other.platform}/keys")).text
    assert (await b("GET", "Patient/p")).status_code == 200


async def test_a_workspace_sees_itself_alone_and_makes_no_others(server: Facade) -> None:
    one, other = await made(server, "clinic-b"), await made(server, "clinic-c")
    inside = client_of(f"{ROOT}/workspaces/clinic-b", one.key.key, server.transport)
    page = await list_workspaces.asyncio(client=inside)
    assert isinstance(page, PageWorkspaceTold) and [w.id for w in page.items] == ["clinic-b"]
    refused = await create_workspace.asyncio(client=inside, body=NewWorkspace(id="clinic-d", name="D"))
    assert isinstance(refused, Problem) and refused.status == 409
    missing = await change_workspace.asyncio(other.id, client=inside, body=WorkspaceChange(name="Mine"))
    assert isinstance(missing, Problem) and missing.status == 404
    own = await change_workspace.asyncio("clinic-b", client=inside, body=WorkspaceChange(name="Renamed"))
    assert isinstance(own, WorkspaceTold) and own.name == "Renamed" and own.fhir == one.fhir
    suspended = await change_workspace.asyncio(
        "clinic-b", client=inside, body=WorkspaceChange(status="suspended")
    )
    assert isinstance(suspended, Problem) and suspended.status == 403
    page = await list_workspaces.asyncio(client=admin_of(server))
    assert isinstance(page, PageWorkspaceTold)
    assert [(w.id, w.name) for w in page.items] == [
        ("clinic-b", "Renamed"),
        ("clinic-c", "Clinic clinic-c"),
        ("default", "default"),
    ]
    _, viewer = await key_of(server, "viewer")
    page = await list_workspaces.asyncio(client=viewer)
    assert isinstance(page, PageWorkspaceTold) and [w.id for w in page.items] == ["default"]


async def test_who_was_quicker_is_not_overwritten(server: Facade) -> None:
    await made(server, "clinic-b")
    client = admin_of(server)
    first = WorkspaceChange(description="of the first")
    changed = await change_workspace.asyncio_detailed("clinic-b", client=client, body=first, if_match='W/"1"')
    assert changed.status_code == 200 and changed.headers["etag"] == 'W/"2"'
    late = await change_workspace.asyncio("clinic-b", client=client, body=first, if_match='W/"1"')
    assert isinstance(late, Problem) and late.status == 412


async def test_what_cannot_be_is_refused(server: Facade) -> None:
    await made(server, "clinic-b")
    client = admin_of(server)
    for id, status in (("clinic-b", 409), ("default", 409), ("../x", 422), ("A", 422), ("x" * 40, 422)):
        refused = await create_workspace.asyncio(client=client, body=NewWorkspace(id=id, name="X"))
        assert isinstance(refused, Problem) and refused.status == status, id
    for path in (
        "nothing/fhir/metadata",
        "clinic-b/auth/token",
        "clinic-b",
        "",
        "default/fhir/metadata",
    ):
        answer = await server.anonymous.http.get(f"{ROOT}/workspaces/{path}")
        assert answer.status_code == 404, path


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(Path(tmp_path_factory.mktemp("workspaces")), workers=2) as process:
        yield process


def owner(server: ServerProcess) -> AuthenticatedClient:
    return client_of(server.root, server.tokens["admin"])


def test_every_process_serves_it_at_once_and_after_a_power_cut(workers: ServerProcess) -> None:
    clinic = create_workspace.sync(client=owner(workers), body=NewWorkspace("clinic-b", "B", source="ehr"))
    assert isinstance(clinic, WorkspaceMade), clinic
    headers = {"Authorization": f"Bearer {clinic.key.key}"}
    patient = {"resourceType": "Patient", "name": [{"family": SECRET}]}
    for _ in range(6):
        assert (
            httpx.post(f"{clinic.fhir}/Patient", headers=headers, json=patient, timeout=30).status_code == 201
        )
    for _ in range(4):
        found = httpx.get(f"{clinic.fhir}/Patient?_summary=count", headers=headers, timeout=30).json()
        assert found["total"] == 6
        assert httpx.get(f"{workers.base}/Patient", headers=workers.headers).json()["total"] == 0
    workers.kill()
    workers.start()
    for _ in range(4):
        found = httpx.get(f"{clinic.fhir}/Patient?_summary=count", headers=headers, timeout=30).json()
        assert found["total"] == 6


def test_suspended_it_is_served_nowhere_and_loses_nothing(workers: ServerProcess) -> None:
    clinic = create_workspace.sync(client=owner(workers), body=NewWorkspace("clinic-s", "S", source="ehr"))
    assert isinstance(clinic, WorkspaceMade), clinic
    headers = {"Authorization": f"Bearer {clinic.key.key}"}
    patient = {"resourceType": "Patient", "id": "p"}
    put = httpx.put(f"{clinic.fhir}/Patient/p", headers=headers, json=patient, timeout=30)
    assert put.status_code == 201
    for status, expected in (("suspended", 404), ("active", 200)):
        change = WorkspaceChange(status=status)  # type: ignore[arg-type]
        changed = change_workspace.sync("clinic-s", client=owner(workers), body=change)
        assert isinstance(changed, WorkspaceTold) and changed.status == status
        time.sleep(1.5)
        for _ in range(6):
            answer = httpx.get(f"{clinic.fhir}/Patient/p", headers=headers, timeout=30)
            assert answer.status_code == expected, status


async def test_a_look_that_was_begun_before_does_not_open_it_again(tmp_path: Path) -> None:
    async with facade(tmp_path, "sqlite") as server:
        await made(server, "clinic-b")
        host = server.application.tenants
        before, going = await host.directory.ever(), asyncio.Event()

        async def late() -> object:
            await going.wait()
            return before

        host.directory.ever = late
        looking = asyncio.create_task(host._look())
        await asyncio.sleep(0)
        gone = await server.admin("DELETE", f"{ROOT}/platform/workspaces/clinic-b?confirm=clinic-b")
        assert gone.status_code == 204, gone.text
        going.set()
        await looking
        answer = await server.anonymous.http.get(f"{ROOT}/workspaces/clinic-b/fhir/metadata")
        assert answer.status_code == 404
