"""Two apps made with fhirclient, in a browser: let in alone and by an EHR, reading, refreshing, and put out again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import SHOTS, shoot
from tests.server_process import ServerProcess
from tests.smart.practice import FAMILY, PAGED_SCOPES, PASSWORD, command

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.xdist_group("smart")]
WIDTHS = (1280, 390)
STARTS = {"chart": "/launch", "portal": "/portal/launch"}
"""By the id of the client: where the app begins. ``chart`` runs in the browser, ``portal`` on a server of its own."""


@dataclass
class Visit:
    """A browser of its own that somebody uses an app with."""

    server: ServerProcess
    app: str
    page: Page

    async def open(self, client: str, **more: str) -> None:
        """The app, by itself."""
        await self.page.goto(f"{self.app}{STARTS[client]}?{urlencode({'iss': self.server.base, **more})}")

    async def sign_in(self, login: str = "dana") -> None:
        await self.seen("sign-in")
        await self.page.get_by_label("Login").fill(login)
        await self.page.get_by_label("Password").fill(PASSWORD)
        await self.page.get_by_role("button", name="Sign in").click()

    async def pick(self, who: str, visit: str = "") -> None:
        """The patient; and the visit, where the app asks for one."""
        await self.page.get_by_label("Name, birth date or identifier").fill(FAMILY)
        await self.seen("patient")
        await self.page.get_by_role("button", name="Find").click()
        await expect(self.page.get_by_role("list", name="Patients").get_by_role("button")).to_have_count(2)
        await self.seen("patient-found")
        await self.page.get_by_role("button", name=who).click()
        if visit:
            await expect(self.page.get_by_role("list", name="Visits")).to_be_visible()
            await self.seen("visit")
            await self.page.get_by_role("button", name=visit).click()

    async def allow(self, client: str) -> None:
        await expect(self.page.get_by_role("heading", name="Allow access")).to_be_visible()
        await self.seen(f"consent-{client}")
        await self.page.get_by_role("button", name="Allow").click()
        await self.page.locator("body[data-ready]").wait_for()

    async def act(self, name: str, *given: Any) -> Any:
        """What the app says to one of its acts (``acts.mjs``)."""
        return await self.page.evaluate("([name, given]) => app[name](...given)", [name, [*given]])

    async def status(self, request: Any) -> int:
        return int((await self.act("ask", request))["status"])

    async def seen(self, name: str) -> None:
        """Pictures of the page, where a folder for them is named."""
        for width in WIDTHS if SHOTS else ():
            await self.page.set_viewport_size({"width": width, "height": 800})
            await shoot(self.page, f"smart-{name}-{width}", whole=True)


@pytest.fixture
def visiting(server: ServerProcess, app: str, browser: Browser) -> Callable[[], Any]:
    @asynccontextmanager
    async def begun() -> AsyncIterator[Visit]:
        context = await browser.new_context(viewport={"width": 1280, "height": 800})
        page = await context.new_page()
        page.set_default_timeout(15_000)
        yield Visit(server, app, page)
        await context.close()

    return begun


# how it ends


async def the_user_takes_it_back(visit: Visit) -> None:
    other = await visit.page.context.new_page()
    mine = Visit(visit.server, visit.app, other)
    await other.goto(f"{visit.server.root}/auth/apps")
    await mine.seen("apps")
    await other.get_by_role("button", name="Take access back from Height and weight").click()
    await expect(other.get_by_role("status")).to_contain_text("Access was taken back")
    await mine.seen("apps-none")


async def the_app_gives_it_back(visit: Visit) -> None:
    assert await visit.act("giveBack") == 200


async def the_operator_removes_the_app(visit: Visit) -> None:
    assert "open nothing" in command(visit.server, "clients", "remove", "added")
    until = time.monotonic() + 10
    while await visit.status("Patient/p1") == 200 and time.monotonic() < until:
        await asyncio.sleep(0.1)  # of what another process revoked it knows within a second


async def the_user_signs_out(visit: Visit) -> None:
    other = await visit.page.context.new_page()
    await other.goto(f"{visit.server.root}/auth/apps")
    await other.get_by_role("button", name="Sign out").click()
    await expect(other.get_by_label("Login")).to_be_visible()


Ending = Callable[[Visit], Awaitable[None]]


@pytest.mark.parametrize(
    ("client", "access", "end"),
    [
        ("chart", "offline_access", the_user_takes_it_back),
        ("portal", "offline_access", the_app_gives_it_back),
        ("added", "offline_access", the_operator_removes_the_app),
        ("chart", "online_access", the_user_signs_out),
    ],
)
async def test_an_app_that_is_opened_by_itself(
    visiting: Callable[[], Any], client: str, access: str, end: Ending
) -> None:
    async with visiting() as visit:
        more = {"for": access}
        if client == "added":  # by the command line, while the server runs
            words = ["--source", "ehr", "--scopes", PAGED_SCOPES, "--redirect", f"{visit.app}/"]
            command(visit.server, "clients", "add", client, "--name", "Growth chart", *words)
            more["clientId"] = client
        await visit.open("portal" if client == "portal" else "chart", **more)
        await visit.sign_in()
        await visit.pick(f"Adaeze {FAMILY}", "Check-up" if client == "portal" else "")
        await visit.allow(client)

        await expect(visit.page.locator("h1")).to_have_text(f"Adaeze {FAMILY}")
        await expect(visit.page.locator("li")).to_have_text(
            ["Body height: 104 cm", "Body weight: 16.5 kg", "Body weight: 18 kg"]
        )
        told = await visit.act("told")
        assert told["patient"] == "p1" and told["need_patient_banner"] is True
        assert told.get("encounter") == ("e1" if client == "portal" else None)
        assert access in told["scope"].split() and "launch" not in told["scope"].split()
        await check_bounds(visit)

        fresh = await visit.act("refresh")
        assert fresh["status"] == 200 and fresh["body"]["access_token"] != told["access_token"]
        assert fresh["body"]["refresh_token"] != told["refresh_token"]
        assert await visit.status("Patient/p1") == 200

        await end(visit)
        if access == "offline_access":  # else a token ends by itself, or with the refresh that is refused
            again = await visit.act("ask", "Patient/p1")
            assert again["status"] == 401 and 'error="invalid_token"' in again["challenge"]
        over = await visit.act("refresh")
        assert over["status"] == 400 and "invalid_grant" in over["message"], over
        assert await visit.status("Patient/p1") == 401


async def check_bounds(visit: Visit) -> None:
    """No other patient, no other type, nothing written, nothing hidden without a reason."""
    assert await visit.status("Patient/p2") == 404 == await visit.status("Observation/w3")
    found = await visit.act("ask", "Patient?_total=accurate")
    assert found["body"]["total"] == 1
    weights = await visit.act("ask", "Observation?subject=Patient/p2")
    assert weights["status"] == 200 and "entry" not in weights["body"]
    body = '{"resourceType": "Patient", "id": "p1"}'
    headers = {"content-type": "application/fhir+json"}
    written = {"url": "Patient/p1", "method": "PUT", "body": body, "headers": headers}
    for beyond in ("Coverage?beneficiary=Patient/p1", written):
        refused = await visit.act("ask", beyond)
        assert refused["status"] == 403 and 'error="insufficient_scope"' in refused["challenge"]
    hidden: dict[str, Any] = {"url": "Observation/r1"}
    assert await visit.status(hidden) == 404
    assert await visit.status({**hidden, "headers": {"X-Break-Glass": "found unconscious"}}) == 200


@pytest.mark.parametrize("client", [*STARTS])
async def test_an_app_that_an_ehr_launches(visiting: Callable[[], Any], client: str) -> None:
    async with visiting() as visit:
        context = {
            "patient": "p1",
            "encounter": "e1",
            "user": "Practitioner/d1",
            "need_patient_banner": False,
        }
        made = httpx.post(
            f"{visit.server.root}/auth/launches",
            json={**context, "client_id": client},
            headers={"authorization": f"Bearer {visit.server.token}"},
        )
        assert made.status_code == 201, made.text
        await visit.page.goto(made.json()["url"])
        await visit.sign_in()
        await expect(visit.page.locator("main")).to_contain_text("It learns which visit was chosen.")
        await visit.allow(f"launched-{client}")

        await expect(visit.page.locator("h1")).to_have_text(f"Adaeze {FAMILY}")
        told = await visit.act("told")
        assert {name: told[name] for name in ("patient", "encounter", "need_patient_banner")} == {
            "patient": "p1",
            "encounter": "e1",
            "need_patient_banner": False,
        }
        assert (await visit.act("style"))["color_text"].startswith("#")
        seen = await visit.act("visit")
        assert seen["body"]["type"] == [{"text": "Check-up"}]
        user = await visit.act("user")
        assert user["reference"] == "Practitioner/d1" and user["claims"] == id_token(
            visit, told["id_token"], client
        )
        assert await visit.status("Practitioner/d1") == 200
        info = await visit.act("userinfo")
        assert info == {name: user["claims"][name] for name in ("sub", "fhirUser", "name", "profile")}
        assert info["name"] == "Dana Reyes"


def id_token(visit: Visit, token: str, client: str) -> dict[str, Any]:
    """The claims, verified with the published keys."""
    told = httpx.get(f"{visit.server.root}/.well-known/openid-configuration").json()
    keys = KeySet.import_key_set(httpx.get(told["jwks_uri"]).json())
    claims = jwt.decode(token, keys, algorithms=["RS256"]).claims
    assert (claims["iss"], claims["aud"]) == (told["issuer"], client)
    assert claims["fhirUser"] == f"{visit.server.base}/Practitioner/d1"
    return claims
