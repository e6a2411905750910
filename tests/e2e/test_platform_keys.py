"""Platform keys on a server of two processes over one SQLite file: what each opens, rotation, revocation, the audit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.platform_client.api.keys import (
    change_key,
    create_key,
    list_keys,
    read_key,
    revoke_key,
    rotate_key,
)
from adapters.platform_client.client import AuthenticatedClient
from adapters.platform_client.models.key_change import KeyChange
from adapters.platform_client.models.key_shown import KeyShown
from adapters.platform_client.models.new_key import NewKey
from adapters.platform_client.models.page_key import PageKey
from adapters.platform_client.models.problem import Problem
from adapters.platform_client.models.rotation import Rotation
from tests.platform_client import client_of
from tests.server_process import ServerProcess, credence

PATIENT = {"resourceType": "Patient", "name": [{"family": "Okafor"}]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(Path(tmp_path_factory.mktemp("platform-keys")), workers=2) as process:
        yield process


@pytest.fixture
def owner(server: ServerProcess) -> AuthenticatedClient:
    return client_of(server.root, server.tokens["admin"])


def made(client: AuthenticatedClient, role: str, **more: Any) -> KeyShown:
    key = create_key.sync(client=client, body=NewKey(name=f"A {role}", role=role, **more))  # type: ignore[arg-type]
    assert isinstance(key, KeyShown), key
    return key


def fhir(server: ServerProcess, method: str, path: str, key: str, **more: Any) -> httpx.Response:
    """A request on a connection of its own, so that either process may answer."""
    return httpx.request(method, f"{server.base}/{path}", headers={"Authorization": f"Bearer {key}"}, **more)


def test_a_key_opens_fhir_with_the_rights_of_its_role_in_every_process_at_once(
    server: ServerProcess, owner: AuthenticatedClient
) -> None:
    for role, reads, writes in (("viewer", 200, 403), ("member", 200, 201)):
        key = made(owner, role).key
        for _ in range(6):
            assert fhir(server, "GET", "Patient", key).status_code == reads
            assert fhir(server, "POST", "Patient", key, json=PATIENT).status_code == writes
    operator = made(owner, "operator").key
    assert fhir(server, "GET", "Task/$review-statistics", operator).status_code == 200
    assert fhir(server, "GET", "Task/$review-statistics", made(owner, "member").key).status_code == 403


def test_what_a_key_writes_is_of_its_source_and_says_which_key(
    server: ServerProcess, owner: AuthenticatedClient
) -> None:
    key = made(owner, "member", source="ehr")
    written = fhir(server, "POST", "Patient", key.key, json=PATIENT).json()
    assert written["meta"]["source"] == "urn:credence:source:ehr"
    found = fhir(server, "GET", f"Provenance?target=Patient/{written['id']}", key.key).json()
    assert f"key:{key.id}" in str(found["entry"][0]["resource"]["agent"])


def test_a_revoked_key_opens_nothing_within_a_second_in_any_process(
    server: ServerProcess, owner: AuthenticatedClient
) -> None:
    key = made(owner, "viewer")
    for _ in range(6):
        assert fhir(server, "GET", "Patient", key.key).status_code == 200
    assert revoke_key.sync_detailed(key.id, client=owner).status_code == 204
    time.sleep(1.0)
    for _ in range(8):
        assert fhir(server, "GET", "Patient", key.key).status_code == 401
    assert revoke_key.sync_detailed(key.id, client=owner).status_code == 404
    assert isinstance(read_key.sync(key.id, client=owner), Problem)


def test_a_rotated_key_keeps_its_id_and_both_secrets_for_a_while(
    server: ServerProcess, owner: AuthenticatedClient
) -> None:
    key = made(owner, "viewer")
    rotated = rotate_key.sync(key.id, client=owner, body=Rotation(overlap_seconds=600))
    assert isinstance(rotated, KeyShown) and rotated.id == key.id and rotated.key != key.key
    for _ in range(4):
        assert fhir(server, "GET", "Patient", key.key).status_code == 200
        assert fhir(server, "GET", "Patient", rotated.key).status_code == 200
    last = rotate_key.sync(key.id, client=owner, body=Rotation(overlap_seconds=0))
    assert isinstance(last, KeyShown)
    time.sleep(1.0)
    for former in (key.key, rotated.key):
        assert fhir(server, "GET", "Patient", former).status_code == 401
    assert fhir(server, "GET", "Patient", last.key).status_code == 200


def test_a_key_never_makes_one_that_may_do_more(server: ServerProcess, owner: AuthenticatedClient) -> None:
    admin = client_of(server.root, made(owner, "admin").key)
    assert made(admin, "admin") and made(admin, "viewer")
    for wanted in (NewKey("More", "owner"), NewKey("Another's", "viewer", source="ehr")):
        refused = create_key.sync(client=admin, body=wanted)
        assert isinstance(refused, Problem) and refused.status == 403
    above = made(owner, "owner")
    assert revoke_key.sync_detailed(above.id, client=admin).status_code == 403
    assert isinstance(rotate_key.sync(above.id, client=admin, body=Rotation()), Problem)
    of_ehr = made(owner, "viewer", source="ehr")
    refused = rotate_key.sync(of_ehr.id, client=admin, body=Rotation())
    assert isinstance(refused, Problem) and refused.status == 403, "its secret would speak as another source"
    assert isinstance(rotate_key.sync(of_ehr.id, client=owner, body=Rotation()), KeyShown)
    assert isinstance(change_key.sync(above.id, client=admin, body=KeyChange("Mine")), Problem)
    for role in ("viewer", "member", "operator"):
        lesser = client_of(server.root, made(owner, role).key)
        refused = create_key.sync(client=lesser, body=NewKey("Mine", "viewer"))
        assert isinstance(refused, Problem) and refused.status == 403


def test_keys_are_listed_in_pages_without_their_secrets(owner: AuthenticatedClient) -> None:
    keys = {made(owner, "viewer").id for _ in range(3)}
    seen, cursor = [], ""
    while True:
        page = list_keys.sync(client=owner, limit=2, cursor=cursor)
        assert isinstance(page, PageKey)
        seen += [one.id for one in page.items]
        if not page.next_:
            break
        cursor = page.next_
    assert keys <= set(seen) and len(seen) == len(set(seen)) and seen == sorted(seen)
    assert not any("crd_key" in str(one.to_dict()) for one in page.items)


def test_what_is_wrong_is_said_with_its_place(server: ServerProcess) -> None:
    headers = server.headers_of("admin")
    url = f"{server.root}/platform/keys"
    refused = httpx.post(url, headers=headers, json={"name": " ", "role": "boss", "more": 1}).json()
    assert {one["pointer"] for one in refused["errors"]} == {"/name", "/role", "/more"}
    assert httpx.post(url, headers=headers, content=b"{").status_code == 400
    unknown = httpx.post(url, headers=headers, json={"name": "x", "role": "viewer", "source": "nobody"})
    assert unknown.status_code == 422 and unknown.json()["errors"][0]["pointer"] == "/source"


def test_the_first_key_is_made_by_a_command(server: ServerProcess) -> None:
    where = ("--config", str(server.config), "--data", str(server.data))
    done = credence("platform-key", "create", "--role", "owner", "--name", "First", *where)
    assert done.returncode == 0, done.stdout
    key = next(line for line in done.stdout.splitlines() if line.startswith("key=")).removeprefix("key=")
    me = httpx.get(f"{server.root}/platform/me", headers={"Authorization": f"Bearer {key}"})
    assert me.json()["role"] == "owner"
    listed = credence("platform-key", "list", *where).stdout
    id = key.split("_")[2]
    assert id in listed and key not in listed
    assert credence("platform-key", "revoke", id, *where).returncode == 0
    time.sleep(1.0)
    assert fhir(server, "GET", "Patient", key).status_code == 401
    assert credence("platform-key", "revoke", id, *where).returncode == 1
    assert credence("platform-key", "create", "--role", "boss", *where).returncode == 2


def test_all_of_it_is_in_the_audit(server: ServerProcess, owner: AuthenticatedClient) -> None:
    key = made(owner, "viewer")
    fhir(server, "GET", "Patient", key.key)
    assert create_key.sync(client=client_of(server.root, key.key), body=NewKey("x", "viewer"))
    where = ("--config", str(server.config), "--data", str(server.data))
    assert credence("platform-key", "rotate", key.id, *where).returncode == 0
    headers = server.headers_of("privacy-officer")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        url = f"{server.base}/AuditEvent?_sort=-date&_count=200"
        events = [one["resource"] for one in httpx.get(url, headers=headers).json().get("entry", ())]
        own = [one for one in events if f"key:{key.id}" in str(one["agent"])]
        run = [one for one in events if any(c["code"] == "run" for c in one.get("subtype", ()))]
        codes = {coding["code"] for one in own for coding in [one["type"], *one.get("subtype", ())]}
        if len(own) >= 2 and "platform" in codes and run:
            break
        time.sleep(0.2)
    assert key.key not in str(events)
    assert run and key.id in str(run)
    assert "platform" in codes and {one["outcome"] for one in own} >= {"0", "8"}
