"""Deleting a workspace: who may, when; what is gone at once, what a moment later, and what is never undone."""

from __future__ import annotations

import re
import time
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server_process import ServerProcess
from tests.workspace import WorkspacePlace

_LOOKS = 6
"""Requests, each of which either process may answer."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = Path(tmp_path_factory.mktemp("deleting"))
    with ServerProcess(folder, workers=2) as process:
        yield process


def asked(
    server: ServerProcess, method: str, path: str, by: str = "", body: Any = None, **headers: str
) -> httpx.Response:
    """``/platform/workspaces…`` of the host."""
    sent = {"Authorization": f"Bearer {by or server.tokens['admin']}", **headers}
    url = f"{server.root}/platform/workspaces{path}"
    return httpx.request(method, url, json=body, headers=sent, timeout=60)


def filled(server: ServerProcess, id: str) -> WorkspacePlace:
    place = WorkspacePlace(server, id)
    for _ in range(3):
        sent = {"resourceType": "Patient", "name": [{"family": "Wojciechowska"}]}
        assert (
            httpx.post(f"{place.base}/Patient", json=sent, headers=place.headers, timeout=30).status_code
            == 201
        )
    return place


def folder_of(server: ServerProcess, id: str) -> Path:
    (found,) = server.data.rglob(f"workspaces/{id}")
    return found


def until_gone(folder: Path) -> None:
    until = time.monotonic() + 20
    while folder.exists() and time.monotonic() < until:
        time.sleep(0.1)
    assert not folder.exists(), sorted(one.name for one in folder.iterdir())


def test_only_the_hosts_owner_who_confirms_and_never_the_host(server: ServerProcess) -> None:
    place, other = filled(server, "clinic-a"), WorkspacePlace(server, "clinic-o")
    refused = asked(server, "DELETE", "/clinic-a")
    assert refused.status_code == 409 and "confirm=clinic-a" in refused.text, refused.text
    assert f"{place.base}/$export" in refused.text, "what is to be done first"
    for confirm in ("yes", "clinic-o", "default"):
        assert asked(server, "DELETE", f"/clinic-a?confirm={confirm}").status_code == 409
    for id in ("default", "no-such"):
        expected = 409 if id == "default" else 404
        assert asked(server, "DELETE", f"/{id}?confirm={id}").status_code == expected
    assert asked(server, "DELETE", "/clinic-a?confirm=clinic-a", by=place.key).status_code == 401
    assert asked(server, "DELETE", "/clinic-a?confirm=clinic-a", by=server.token).status_code == 403
    assert place.platform("DELETE", "workspaces/clinic-a?confirm=clinic-a").status_code == 403
    assert other.platform("DELETE", "workspaces/clinic-a?confirm=clinic-a").status_code == 403
    stale = {"If-Match": 'W/"77"'}
    assert asked(server, "DELETE", "/clinic-a?confirm=clinic-a", **stale).status_code == 412
    assert place.get("Patient").json()["total"] == 3


def test_confirmed_it_is_gone_in_every_process_and_for_ever(server: ServerProcess) -> None:
    place = filled(server, "clinic-b")
    folder = folder_of(server, "clinic-b")
    gone = asked(server, "DELETE", "/clinic-b?confirm=clinic-b")
    assert gone.status_code == 204, gone.text
    time.sleep(1.5)
    for _ in range(_LOOKS):
        for path in ("fhir/Patient", "platform/me", "console", "chat/widget.js"):
            answer = httpx.get(f"{place.root}/{path}", headers=place.headers, timeout=30)
            assert answer.status_code == 404, path
    until_gone(folder)
    assert asked(server, "DELETE", "/clinic-b?confirm=clinic-b").status_code == 204, "again is as once"
    assert asked(server, "DELETE", "/clinic-b").status_code == 204
    assert asked(server, "GET", "/clinic-b").status_code == 410
    assert asked(server, "PATCH", "/clinic-b", body={"status": "active"}).status_code == 410
    assert "clinic-b" not in [one["id"] for one in asked(server, "GET", "").json()["items"]]
    again = asked(server, "POST", "", body={"id": "clinic-b", "name": "B", "source": "ehr"})
    assert again.status_code == 409 and "not given again" in again.text
    assert not folder.exists()


def test_suspended_for_long_enough_it_needs_no_other_word(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, settings="\n[platform]\nsuspended_days = 0\n") as server:
        filled(server, "clinic-s")
        folder = folder_of(server, "clinic-s")
        assert asked(server, "DELETE", "/clinic-s").status_code == 409, "it is not suspended"
        assert asked(server, "PATCH", "/clinic-s", body={"status": "suspended"}).status_code == 200
        assert asked(server, "GET", "/clinic-s").json()["suspended"]
        assert asked(server, "DELETE", "/clinic-s").status_code == 204
        until_gone(folder)


def test_the_audit_of_the_host_keeps_that_it_happened(server: ServerProcess) -> None:
    filled(server, "clinic-t")
    assert asked(server, "DELETE", "/clinic-t?confirm=clinic-t").status_code == 204
    headers = server.headers_of("privacy-officer")
    until = time.monotonic() + 20
    while time.monotonic() < until:
        found = httpx.get(f"{server.base}/AuditEvent?_count=200&_sort=-date", headers=headers, timeout=30)
        assert found.status_code == 200, found.text
        queries = re.findall(r'"query":"([^"]*)"', found.text.replace('": "', '":"'))
        if any(b"DELETE" in one and b"workspaces/clinic-t" in one for one in map(b64decode, queries)):
            return
        time.sleep(0.3)
    raise AssertionError("nothing was noted")


def test_a_power_cut_in_the_midst_is_made_good(server: ServerProcess) -> None:
    place, bystander = filled(server, "clinic-p"), filled(server, "clinic-q")
    folder = folder_of(server, "clinic-p")
    assert asked(server, "DELETE", "/clinic-p?confirm=clinic-p").status_code == 204
    server.kill()
    assert folder.exists(), "it was killed before"
    (folder / "credence.db").unlink()  # as if in the midst
    server.start()
    for _ in range(_LOOKS):
        assert place.get("Patient").status_code == 404
    until_gone(folder)
    assert asked(server, "GET", "/clinic-p").status_code == 410
    assert bystander.get("Patient").json()["total"] == 3
