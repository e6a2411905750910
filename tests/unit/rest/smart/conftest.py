"""The whole server in this process, with an authorization server whose users sign in by a header and whose pages are
the state that they would show."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fhirserver.access.permissions import Rights
from fhirserver.access.principals import token_digest
from fhirserver.access.scopes import Scopes
from fhirserver.access.smart.authorizations import Standing
from fhirserver.access.smart.clients import BASIC, CREDENTIALS, KEYS, Client
from fhirserver.access.smart.people import SignedIn
from fhirserver.access.smart.pkce import challenge_of
from fhirserver.access.smart.settings import WITH_TOKEN, Registration
from fhirserver.app.securing import Humans
from fhirserver.app.smart_settings import SmartSettings
from fhirserver.app.wiring import make_application
from fhirserver.kernel.json import JsonObject
from tests.facade import Facade, patient, served, settings
from tests.unit.access.smart.kit import CLINICIAN, EC, PATIENT, REDIRECT, RSA, SECRET, VERIFIER

HOST = "http://facade.test"
FHIR = f"{HOST}/fhir"
ORIGIN = "https://app.example"
INITIAL = "an initial access token"
_SCOPES = "openid fhirUser profile launch launch/patient launch/encounter offline_access patient/*.cruds user/*.cruds"
APP = Client(
    "app",
    "Growth",
    "agent",
    redirect_uris=(REDIRECT,),
    scopes=_SCOPES,
    launch_uri="https://app.example/launch",
)
WEB = replace(APP, id="web", method=BASIC, secret_digest=token_digest(SECRET))
SERVICE = Client(
    "service",
    "Service",
    "ehr",
    KEYS,
    frozenset({CREDENTIALS}),
    scopes="system/Patient.cruds",
    jwks={"keys": [RSA.as_dict(private=False), EC.as_dict(private=False)]},
)
LAUNCHER = replace(SERVICE, id="launcher", launches=True, introspects=True)


class HeaderSignIns:
    """Who is signed in is said by a header."""

    async def of(self, request: Request) -> SignedIn | None:
        return {"dana": CLINICIAN, "pat": PATIENT}.get(request.headers.get("x-user", ""))


class StatePages:
    """Pages without a picture."""

    async def sign_in(self, request: Request, standing: Standing) -> Response:
        return self._told(standing)

    pick_patient = pick_encounter = sign_in

    async def consent(self, request: Request, standing: Standing, offered: Scopes) -> Response:
        return self._told(standing, [*offered.context, *map(str, offered.access)])

    def _told(self, standing: Standing, offered: Any = ()) -> Response:
        told = {
            "step": standing.step.value,
            "form_token": standing.pending.form_token,
            "offered": list(offered),
        }
        return JSONResponse(told)

    def problem(self, request: Request, status: int, text: str) -> Response:
        return JSONResponse({"problem": text}, status)


class Everybody:
    async def rights(self, login: str, epoch: str) -> Rights | None:
        return CLINICIAN.rights

    async def is_open(self, session: str) -> bool:
        return True


@dataclass
class Smart:
    """The server, and a browser with cookies that follows no redirect."""

    facade: Facade
    browser: httpx.AsyncClient

    async def authorize(self, user: str = "dana", method: str = "GET", **more: str) -> httpx.Response:
        """The answer to an authorization request."""
        given = {
            "response_type": "code",
            "client_id": "app",
            "redirect_uri": REDIRECT,
            "scope": "launch/patient patient/*.rs",
            "state": "st4te",
            "aud": FHIR,
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            **more,
        }
        given = {name: value for name, value in given.items() if value}
        if method == "POST":
            return await self.browser.post("/auth/authorize", data=given)
        return await self.browser.get("/auth/authorize", params=given)

    async def code(self, user: str = "dana", **more: str) -> str:
        """All the way through the pages to a code."""
        begun = await self.authorize(user, **more)
        assert begun.status_code == 303, begun.text
        here, who = begun.headers["location"], {"x-user": user}
        flow = parse_qs(urlsplit(here).query)["flow"][0]
        page = (await self.browser.get(here, headers=who)).json()
        form = {"flow": flow, "form_token": page["form_token"]}
        if page["step"] == "patient":
            picked = await self.browser.post("/auth/patient", data={**form, "patient": "p1"}, headers=who)
            page = (await self.browser.get(picked.headers["location"], headers=who)).json()
        sent = await self.browser.post(
            "/auth/consent", data={**form, "decision": "allow", "scope": page["offered"]}, headers=who
        )
        assert sent.status_code == 303, sent.text
        found = dict(parse_qsl(urlsplit(sent.headers["location"]).query))
        assert found["state"] == "st4te"
        return found["code"]

    async def redeem(self, code: str, **more: Any) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER,
            "client_id": "app",
        }
        return await self.browser.post("/auth/token", data={**form, **more})

    async def token(self, **more: str) -> JsonObject:
        told: JsonObject = (await self.redeem(await self.code(**more))).json()
        return told

    async def fhir(self, token: str, path: str, method: str = "GET", **more: Any) -> httpx.Response:
        return await self.browser.request(
            method, f"/fhir/{path}", headers={"authorization": f"Bearer {token}"}, **more
        )


@pytest.fixture
async def smart(tmp_path: Path) -> AsyncIterator[Smart]:
    chosen = replace(
        settings(tmp_path),
        clients=(APP, WEB, SERVICE, LAUNCHER),
        smart=SmartSettings(
            registration=Registration(WITH_TOKEN, frozenset({token_digest(INITIAL)}), "agent"),
            brands={"resourceType": "Bundle", "type": "collection", "timestamp": "2026-11-29T00:00:00Z"},
            brand={"value": "clinic"},
        ),
    )
    humans = Humans(Everybody(), HeaderSignIns(), StatePages())
    async with served(make_application(chosen, humans=humans)) as running:
        for id in ("p1", "p2"):
            assert (await running.ehr.put(patient(id))).status_code == 201
        transport = httpx.ASGITransport(app=running.application, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=HOST) as browser:
            yield Smart(running, browser)
