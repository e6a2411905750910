"""What is noted of signing in and out: who, from where, how and with what result, and no secret."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.applications import Starlette

from fhirserver.access.audit.event import LOGIN, LOGOUT, REVOKE, Event
from fhirserver.access.passwords import PasswordDigests
from fhirserver.access.smart.clients import Client
from fhirserver.access.smart.pkce import challenge_of
from fhirserver.access.users import User
from fhirserver.app.humans import people_desk
from fhirserver.app.identity import make_identity
from fhirserver.app.securing import secure
from fhirserver.console.pages import console
from tests.facade import facade, settings

SECRET = "heron lamp quarry 7"
ANA = User("ana", "Ana Ruiz", frozenset({"operator"}), "Practitioner/2", "operator")
PAT = User("pat", "Pat Okafor", fhir_user="Patient/1")
APP = Client(
    "app", "Growth", "agent", redirect_uris=("https://app.example/callback",), scopes="openid fhirUser"
)
VERIFIER = "v" * 64


class Listed:
    """An audit that is a list."""

    is_full = False

    def __init__(self) -> None:
        self.events: list[Event] = []

    def note(self, event: Event) -> None:
        self.events.append(event)

    async def room(self) -> None:
        """There is always room."""

    @property
    def told(self) -> list[tuple[str, int, str, str, str]]:
        return [(e.what, e.status, e.issue, e.principal, e.details.get("by", "")) for e in self.events]


@pytest.fixture
def audit() -> Listed:
    return Listed()


@pytest.fixture
async def browser(tmp_path: Path, audit: Listed, monkeypatch) -> AsyncIterator[httpx.AsyncClient]:
    """The pages of the console and of apps alone, over the store of a whole server."""
    monkeypatch.setattr("fhirserver.access.users.PasswordDigests", lambda: PasswordDigests(1, 64, 1))
    async with facade(tmp_path) as running:
        edge = running.application._edge
        context, chosen = replace(edge.context, audit=audit), settings(tmp_path)
        identity = make_identity(chosen, running.store.storage)
        for user in (ANA, PAT):
            await identity.users.add(user, SECRET)
        desk = people_desk(identity, context, lambda: edge._registry)
        secured = secure(replace(chosen, clients=(APP,)), running.store, context.key, audit, desk.humans)
        pages = console(context, edge._registry, chosen.authenticator(), identity, None, None)
        web = Starlette(routes=[*secured.routes, *desk.routes(secured.server), *pages.routes])
        transport = httpx.ASGITransport(web, client=("192.0.2.7", 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://facade.test") as http:
            yield http
        await secured.close()


async def test_at_the_console(browser, audit):
    async def sign_in(**data: str) -> None:
        await browser.post("/console/sign-in", data=data)

    await sign_in(token="token-agent")
    await sign_in(token="token-ana")
    await sign_in(login="ana", password="wrong lamp quarry 8")
    await sign_in(login="my-password-in-the-wrong-field", password="x")
    await sign_in(login="pat", password=SECRET)
    await sign_in(login="ana", password=SECRET)
    page = await browser.get("/console/patients")
    token = re.search(r'name="form_token" value="([^"]+)"', page.text)
    assert token is not None
    await browser.post("/console/sign-out", data={"form_token": token[1]})
    told = [one for one in audit.told if one[0] in (LOGIN, LOGOUT)]
    assert told == [
        (LOGIN, 403, "login", "", "token"),
        (LOGIN, 200, "", "ana", "token"),
        (LOGIN, 403, "login", "ana", "password"),
        (LOGIN, 403, "login", "", "password"),
        (LOGIN, 403, "forbidden", "pat", "password"),
        (LOGIN, 200, "", "ana", "password"),
        (LOGOUT, 200, "", "ana", ""),
    ]
    last = [one for one in audit.events if one[0] == LOGOUT][-1]
    assert last.address == "192.0.2.7" and last.details["place"] == "console" and last.source == "operator"
    assert not any(word in str(audit.events) for word in (SECRET, "wrong lamp", "token-a", "my-password"))


async def test_to_let_apps_in(browser, audit):
    page = await browser.get("/auth/sign-in")
    token = re.search(r'name="form_token" value="([^"]+)"', page.text)
    assert token is not None
    for password in ("wrong lamp quarry 8", SECRET):
        await browser.post(
            "/auth/sign-in", data={"login": "pat", "password": password, "form_token": token[1]}
        )
    for _ in range(11):
        await browser.post("/auth/sign-in", data={"login": "ana", "password": "x", "form_token": token[1]})
    assert audit.told[:2] == [(LOGIN, 403, "login", "pat", "password"), (LOGIN, 200, "", "pat", "password")]
    assert audit.told[-1] == (LOGIN, 429, "throttled", "ana", "password")
    assert audit.events[1].user == "Patient/1" and audit.events[1].details["place"] == "apps"


async def test_access_that_is_taken_back(browser, audit):
    def field(page: httpx.Response, name: str) -> str:
        found = re.search(rf'name="{name}" value="([^"]+)"', page.text)
        assert found is not None, name
        return found[1]

    page = await browser.get("/auth/sign-in")
    signed_in = {"login": "pat", "password": SECRET, "form_token": field(page, "form_token")}
    await browser.post("/auth/sign-in", data=signed_in)
    redirect = {"client_id": "app", "redirect_uri": APP.redirect_uris[0]}
    asked = {
        "response_type": "code",
        "scope": "openid fhirUser",
        "state": "s" * 8,
        "aud": "http://facade.test/fhir",
    }
    proof = {"code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256"}
    begun = await browser.get("/auth/authorize", params={**redirect, **asked, **proof})
    page = await browser.get(begun.headers["location"])
    consent = httpx.Response(200, text=page.text.partition('action="/auth/consent"')[2])
    flow = {name: field(consent, name) for name in ("flow", "form_token")}
    allowed = await browser.post(
        "/auth/consent", data={**flow, "decision": "allow", "scope": ["openid", "fhirUser"]}
    )
    code = parse_qs(urlsplit(allowed.headers["location"]).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER, **redirect}
    assert (await browser.post("/auth/token", data=form)).status_code == 200
    page = await browser.get("/auth/apps")
    taken = {"grant": field(page, "grant"), "form_token": field(page, "form_token")}
    await browser.post("/auth/apps/revoke", data=taken)
    [noted] = [event for event in audit.events if event.what == REVOKE]
    assert noted.client == "app" and noted.user == "Patient/1" and noted.grant == taken["grant"]
    assert noted.address == "192.0.2.7" and noted.status == 200
