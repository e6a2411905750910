"""``/platform`` on a running server: who asks, and how what is refused is said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.server_process import ServerProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(Path(tmp_path_factory.mktemp("platform"))) as process:
        yield process


def test_principals_of_the_settings_have_roles(server: ServerProcess) -> None:
    for name, role in (("admin", "owner"), ("ehr", "member"), ("voice-agent", "member")):
        answer = httpx.get(f"{server.root}/platform/me", headers=server.headers_of(name))
        assert answer.status_code == 200 and answer.json()["role"] == role, answer.text


def test_nobody_else_comes_in(server: ServerProcess) -> None:
    answer = httpx.get(f"{server.root}/platform/me")
    assert answer.status_code == 401 and answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    answer = httpx.get(f"{server.root}/platform/me", headers=server.headers_of("privacy-officer"))
    assert answer.status_code == 403 and "right 'read'" in answer.json()["title"]
    assert httpx.get(f"{server.root}/platform/nothing", headers=server.headers_of("admin")).status_code == 404
