"""Signing in at the console by an OpenID provider that runs as a process, and fails."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from fhirserver.access.users import Users
from fhirserver.app.identity_settings import parse_openid
from tests.facade import SOURCES, Facade, facade
from tests.openid_process import CLIENT, SECRET, OpenIdProcess

BASE = "http://facade.test"


@dataclass
class Door:
    """The server, a browser, and the provider."""

    server: Facade
    browser: httpx.AsyncClient
    provider: OpenIdProcess

    async def come_back(self, next: str = "/console/connectors") -> httpx.Response:
        """Off to the provider and back again."""
        return await self.browser.get(await self.address(next))

    async def address(self, next: str = "") -> str:
        """With what the provider sends the browser back."""
        left = await self.browser.get("/console/provider", params={"next": next})
        assert left.status_code == 303, left.text
        async with httpx.AsyncClient() as there:
            said = await there.get(left.headers["location"])
        assert said.status_code == 302, said.text
        return said.headers["location"]


@pytest.fixture(scope="module")
def process() -> Iterator[OpenIdProcess]:
    with OpenIdProcess() as running:
        yield running


@pytest.fixture
async def door(process: OpenIdProcess, tmp_path: Path) -> AsyncIterator[Door]:
    process.heal()
    process.person(sub="u-1", name="Ana Ruiz", groups=["desk"])
    (tmp_path / "secret").write_text(SECRET + "\n")
    table = {
        "issuer": process.url,
        "client_id": CLIENT,
        "client_secret_file": "secret",
        "label": "Clinic login",
    }
    roles = [
        {"value": "desk", "roles": ["operator", "read"], "source": "operator"},
        {"value": "nurse", "roles": ["read"]},
    ]
    oidc = parse_openid(table, tmp_path, roles, SOURCES)
    async with facade(tmp_path, oidc=oidc) as server, server.browser() as browser:
        yield Door(server, browser, process)


async def test_an_operator_of_the_provider_is_one_here(door):
    page = await door.browser.get("/console", params={"next": "/console/connectors"})
    assert 'href="/console/provider?next=/console/connectors"' in page.text and "Clinic login" in page.text
    answer = await door.come_back()
    # A page, as a cookie for this site alone does not come with a redirect that began on another.
    assert answer.status_code == 200 and 'content="0; url=/console/connectors"' in answer.text
    assert "Ana Ruiz" in (await door.browser.get("/console/connectors")).text


async def test_the_cookies_are_for_this_browser_and_this_purpose(door):
    left = await door.browser.get("/console/provider")
    cookie = left.headers["set-cookie"].lower()
    assert all(
        word in cookie for word in ("httponly", "samesite=lax", "path=/console/provider", "max-age=600")
    )
    answer = await door.come_back()
    cookies = [one.lower() for one in answer.headers.get_list("set-cookie")]
    assert any("credence_session=" in one and "samesite=strict" in one for one in cookies)
    assert any("credence_away=" in one and "max-age=0" in one for one in cookies)


@pytest.mark.parametrize(
    "fault",
    [
        "wrong_nonce",
        "wrong_aud",
        "wrong_iss",
        "wrong_response_iss",
        "expired",
        "alg_none",
        "hmac",
        "forged",
        "denied",
    ],
)
async def test_what_cannot_be_believed_lets_nobody_in(door, fault, caplog):
    door.provider.fault(fault)
    answer = await door.come_back()
    assert answer.status_code == 403 and "credence_session" not in str(answer.headers)
    assert "You could not be signed in by Clinic login." in answer.text
    assert "u-1" not in caplog.text and "Ana" not in caplog.text and "code" not in caplog.text


async def test_a_provider_that_is_down_is_said_to_be(door):
    door.provider.fault("down")
    answer = await door.browser.get("/console/provider")
    assert answer.status_code == 503 and "does not answer properly now" in answer.text
    door.provider.heal()
    address = await door.address()
    door.provider.fault("token_down")
    answer = await door.browser.get(address)
    assert answer.status_code == 503 and "credence_session" not in str(answer.headers)


async def test_who_is_no_operator_gets_no_session(door):
    door.provider.person(sub="u-2", groups=["nurse"])
    answer = await door.come_back()
    assert answer.status_code == 403 and "role operator" in answer.text
    assert "credence_session" not in str(answer.headers)


async def test_who_is_nobody_here_is_not_let_in(door):
    door.provider.person(sub="u-3", groups=["visitors"])
    assert (await door.come_back()).status_code == 403


async def test_an_address_that_somebody_else_was_sent_back_with_lets_nobody_in(door):
    """Login CSRF: a thief sends their own way back to somebody, who would then work in the thief's name."""
    address = await door.address()
    async with door.server.browser() as other:
        answer = await other.get(address)
        assert answer.status_code == 403 and "credence_session" not in str(answer.headers)
        assert "Review queue" not in (await other.get("/console")).text


async def test_a_way_back_is_good_once(door):
    address = await door.address()
    assert (await door.browser.get(address)).status_code == 200
    assert (await door.browser.get(address)).status_code == 403


async def test_where_to_go_on_is_never_elsewhere(door):
    for place in ("https://evil.example", "//evil.example", "/console/../fhir", "/consolex"):
        answer = await door.come_back(place)
        assert 'content="0; url=/console"' in answer.text, place


async def test_who_is_disabled_here_is_out_and_stays_out(door):
    await door.come_back()
    users = Users(door.server.store.storage.access_records)
    [user] = await users.all()
    assert user.login.startswith("openid:") and user.upstream == door.provider.url
    await users.disable(user.login)
    assert "Your session has ended" in (await door.browser.get("/console")).text
    assert (await door.come_back()).status_code == 403


async def test_who_was_not_sent_there_does_not_come_back(door):
    answer = await door.browser.get("/console/provider/back")
    assert answer.status_code == 403, "nobody was sent there"
