"""What the description says of each operation is what is enforced: every one with every role, and with none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fhirserver.app.campaign_settings import CampaignSettings
from fhirserver.rest.platform.rights import RIGHTS, Right
from fhirserver.rest.platform.routes import description
from fhirserver.rest.visits import Rates
from tests.facade import Facade, facade
from tests.platform_client import ROLES, key_of

DESCRIBED = description("1")
OPERATIONS = [
    (path, method, operation)
    for path, methods in DESCRIBED["paths"].items()
    for method, operation in methods.items()
]

ENDLESS = {"follow_events", "stream_events"}
"""Answers that never end, which have tests of their own."""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Facade]:
    campaigns = CampaignSettings(principal="agent")
    async with facade(tmp_path, rates=Rates(failed_per_minute=100_000), campaigns=campaigns) as running:
        yield running


async def asked(server: Facade, path: str, method: str, token: str = "") -> httpx.Response:
    """An operation on something that is not there, so that nothing comes of it."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    place = "http://facade.test/platform" + path.replace("{id}", "nothing-like-it").replace("{", "").replace(
        "}", ""
    )
    body: dict[str, Any] = {"json": {"never-a-member": 1}} if method in ("post", "put", "patch") else {}
    async with httpx.AsyncClient(transport=server.transport, headers=headers) as http:
        return await http.request(method, place, **body)


async def test_who_has_the_right_comes_in_and_nobody_else(server: Facade) -> None:
    tokens = {role: (await key_of(server, role))[0].key for role in ROLES}
    for path, method, operation in OPERATIONS:
        if operation["operationId"] in ENDLESS:
            continue
        right = Right(operation["x-credence-right"])
        place = f"{method} {path}"
        assert (await asked(server, path, method)).status_code == 401, place
        for role, token in tokens.items():
            answer = await asked(server, path, method, token)
            if right in RIGHTS[role]:
                assert answer.status_code not in (401, 403) and answer.status_code < 500, (
                    place,
                    role,
                    answer.text,
                )
            else:
                assert answer.status_code == 403, (place, role, answer.text)
            assert str(answer.status_code) in operation["responses"], (place, role, answer.status_code)


async def test_apps_of_patients_and_who_reads_the_audit_have_no_role(server: Facade) -> None:
    for token in ("token-officer", "token-nobody", ""):
        for path, method, operation in OPERATIONS:
            if operation["operationId"] not in ENDLESS:
                answer = await asked(server, path, method, token)
                assert answer.status_code == (403 if token == "token-officer" else 401), path


async def test_the_description_is_open_and_the_same(server: Facade) -> None:
    async with httpx.AsyncClient(transport=server.transport) as http:
        told = (await http.get("http://facade.test/platform/openapi.json")).json()
    assert told["paths"].keys() == DESCRIBED["paths"].keys() and told["servers"] == [{"url": "/platform"}]
