"""What is noted of the authorization server: every token, decision and refusal, by whom, and no secret."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from starlette.applications import Starlette

from fhirserver.access.audit.event import AUTHORIZE, CONSENT, INTROSPECT, REVOKE, TOKEN, USERINFO, Event
from fhirserver.rest.smart.endpoints import LAUNCH
from fhirserver.rest.smart.routes import smart_routes
from tests.unit.access.smart.kit import BROWSER, PATIENT, REDIRECT, VERIFIER, Kit, request
from tests.unit.rest.smart.conftest import HeaderSignIns, StatePages


class Listed:
    """An audit that is a list."""

    is_full = False

    def __init__(self) -> None:
        self.events: list[Event] = []

    def note(self, event: Event) -> None:
        self.events.append(event)

    async def room(self) -> None:
        """There is always room."""


@pytest.fixture
def kit() -> Kit:
    return Kit()


@pytest.fixture
def audit() -> Listed:
    return Listed()


@pytest.fixture
async def http(kit: Kit, audit: Listed) -> AsyncIterator[httpx.AsyncClient]:
    routes = smart_routes(kit.server, kit.principals, HeaderSignIns(), StatePages(), audit)
    transport = httpx.ASGITransport(app=Starlette(routes=routes), client=("192.0.2.7", 4711))
    headers = {
        "x-user": "pat",
        "cookie": f"__Host-credence_app={BROWSER}",
        "x-request-id": "request-of-the-test",
    }
    async with httpx.AsyncClient(
        transport=transport, base_url="https://ehr.example", headers=headers
    ) as client:
        yield client


async def test_a_token_and_whose_it_is(kit: Kit, http: httpx.AsyncClient, audit: Listed) -> None:
    code = await kit.code(user=PATIENT, scope="launch/patient patient/*.rs offline_access")
    form = {"grant_type": "authorization_code", "code": code, "client_id": "app", "code_verifier": VERIFIER}
    answer = await http.post("/auth/token", data={**form, "redirect_uri": REDIRECT})
    (event,) = audit.events
    assert (event.what, event.status, event.issue) == (TOKEN, 200, "")
    assert (event.client, event.user, event.principal) == ("app", "Patient/p1", "app/Patient/p1")
    assert (event.patients, event.address, event.request) == (("p1",), "192.0.2.7", "request-of-the-test")
    assert event.grant and event.details["scope"] == answer.json()["scope"]
    again = await http.post("/auth/token", data={**form, "redirect_uri": REDIRECT})
    assert again.status_code == 400
    refused = audit.events[-1]
    assert (refused.what, refused.status, refused.issue) == (TOKEN, 400, "invalid_grant")
    assert refused.details["client_id"] == "app" and refused.client == "", "who says so has not proved it"
    revoked = await http.post(
        "/auth/revoke", data={"token": answer.json()["access_token"], "client_id": "app"}
    )
    assert revoked.status_code == 200
    assert audit.events[-1].what == REVOKE and audit.events[-1].client == "app"
    for secret in (code, VERIFIER, *(answer.json()[one] for one in ("access_token", "refresh_token"))):
        assert secret not in repr(audit.events)


async def test_who_asked_about_which_user(kit: Kit, http: httpx.AsyncClient, audit: Listed) -> None:
    token = (await kit.tokens(user=PATIENT, scope="openid launch/patient patient/*.rs"))["access_token"]
    assert (await http.get("/auth/userinfo", headers={"authorization": f"Bearer {token}"})).status_code == 200
    event = audit.events[-1]
    assert (event.what, event.client, event.user) == (USERINFO, "app", "Patient/p1") and event.grant
    await http.get("/auth/userinfo", headers={"authorization": f"Bearer {token}x"})
    refused = audit.events[-1]
    assert (refused.what, refused.status, refused.issue) == (USERINFO, 401, "invalid_token")
    assert token not in repr(audit.events)


async def test_what_a_user_decided(kit: Kit, http: httpx.AsyncClient, audit: Listed) -> None:
    for decision, path, more in (
        ("allowed", "consent", {"decision": "allow", "scope": "patient/*.rs"}),
        ("denied", "consent", {"decision": "deny"}),
        ("denied", "cancel", {}),
    ):
        audit.events.clear()
        begun = await http.get("/auth/authorize", params=dict(request()))
        (asked,) = audit.events
        assert (asked.what, asked.details["client_id"]) == (AUTHORIZE, "app")
        flow = begun.headers["location"].partition("flow=")[2]
        page = (await http.get(begun.headers["location"])).json()
        assert len(audit.events) == 1, "a page that is shown decides nothing"
        form = {"flow": flow, "form_token": page["form_token"], **more}
        assert (await http.post(f"/auth/{path}", data=form)).status_code == 303
        event = audit.events[-1]
        assert (event.what, event.details["decision"]) == (CONSENT, decision)
        assert (event.client, event.user, event.patients) == ("app", "Patient/p1", ("p1",))
        assert bool(event.grant) is (decision == "allowed")
        assert page["form_token"] not in repr(audit.events) and flow not in repr(audit.events)


async def test_refused_requests(kit: Kit, http: httpx.AsyncClient, audit: Listed) -> None:
    await http.get("/auth/authorize", params={**dict(request()), "redirect_uri": "https://evil.example"})
    assert (audit.events[-1].what, audit.events[-1].issue) == (AUTHORIZE, "invalid_request")
    await http.get("/auth/authorize", params={**dict(request()), "code_challenge_method": "plain"})
    assert (audit.events[-1].what, audit.events[-1].issue) == (AUTHORIZE, "invalid_request")
    await http.post("/auth/introspect", data={"token": "x", "client_id": "app"})
    assert (audit.events[-1].what, audit.events[-1].issue) == (INTROSPECT, "invalid_client")
    await http.post("/auth/launches", json={"patient": "p1"}, headers={"authorization": "Bearer nobody"})
    assert (audit.events[-1].what, audit.events[-1].status) == (LAUNCH, 401)
    await http.post(
        "/auth/token", content=b"x" * 70_000, headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert (audit.events[-1].what, audit.events[-1].status) == (TOKEN, 413)


async def test_an_app_that_is_let_in_without_a_question(
    kit: Kit, http: httpx.AsyncClient, audit: Listed
) -> None:
    begun = await http.get("/auth/authorize", params={**dict(request()), "client_id": "quiet"})
    await http.get(begun.headers["location"])
    event = audit.events[-1]
    assert (event.what, event.details["decision"], event.client) == (CONSENT, "not asked", "quiet")
    assert replace(PATIENT).fhir_user == event.user
