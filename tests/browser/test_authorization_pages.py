"""An app is let in with a browser: every page by keyboard, without a fault by axe-core, on screens wide and narrow."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Page, Route, expect

from fhirserver.access.passwords import PasswordDigests
from fhirserver.access.smart.clients import Client
from fhirserver.access.smart.pkce import challenge_of
from fhirserver.access.throttle import Allowance
from fhirserver.access.users import Users
from fhirserver.app.identity_settings import parse_openid
from fhirserver.app.wiring import make_application
from tests.browser.conftest import Site, shoot
from tests.browser.test_accessibility import axe, faults
from tests.facade import SOURCES, Facade, served, settings
from tests.openid_process import CLIENT, SECRET, OpenIdProcess
from tests.server_process import free_port
from tests.unit.rest.smart.test_people_pages import DANA, PAT, VERIFIER, make_records
from tests.unit.rest.smart.test_people_pages import SECRET as PASSWORD

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.xdist_group("browser")]
__all__ = ["axe"]
WIDTHS = (1280, 400)
SCOPES = (
    "openid fhirUser launch/patient offline_access patient/AllergyIntolerance.rs patient/Condition.rs"
    " patient/MedicationRequest.rs patient/Observation.rs?category=laboratory patient/Goal.cruds user/Practitioner.rs"
)


@dataclass
class Clinic:
    """A server whose users are real, an OpenID provider, and an app whose page is only an address."""

    server: Facade
    url: str
    app: str
    site: Site
    provider: OpenIdProcess
    users: Users

    async def page(self, width: int = 1280) -> Page:
        """A browser of its own, where the app's page is one that says hello."""
        context = await self.site.browser.new_context(viewport={"width": width, "height": 800})
        page = await context.new_page()
        page.set_default_timeout(15000)
        page.on("console", self.site._said)
        await context.route(f"{self.app}/**", _hello)
        return page

    def start(self, scope: str = SCOPES, client: str = "growth") -> str:
        """Where the app sends the browser."""
        asked = {
            "response_type": "code",
            "client_id": client,
            "redirect_uri": f"{self.app}/callback",
            "scope": scope,
            "state": "st4te",
            "aud": f"{self.url}/fhir",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }
        return f"{self.url}/auth/authorize?{urlencode(asked)}"

    async def sign_in(self, page: Page, login: str = "dana") -> None:
        await page.get_by_label("Login").fill(login)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")


async def _hello(route: Route) -> None:
    await route.fulfill(status=200, content_type="text/html", body="<!doctype html><title>App</title>Hello")


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProcess]:
    with OpenIdProcess() as running:
        running.person(sub="u-1", name="Eve Provider", groups=["desk"])
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def clinic(
    site: Site, provider: OpenIdProcess, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Clinic]:
    folder, port, app = tmp_path_factory.mktemp("clinic"), free_port(), f"http://127.0.0.1:{free_port()}"
    url = f"http://127.0.0.1:{port}"
    (folder / "secret").write_text(SECRET)
    table = {
        "issuer": provider.url,
        "client_id": CLIENT,
        "client_secret_file": "secret",
        "label": "Clinic login",
    }
    roles = [{"value": "desk", "roles": ["operator", "read"], "source": "operator"}]
    growth = Client("growth", "Growth Charts", "agent", redirect_uris=(f"{app}/callback",), scopes=SCOPES)
    chosen = replace(
        settings(folder),
        base_url=f"{url}/fhir",
        clients=(
            growth,
            replace(growth, id="trusted", name="Trusted", consent=False),
            replace(growth, id="visits", name="Visit Notes", scopes=f"{SCOPES} launch/encounter"),
        ),
        oidc=parse_openid(table, folder, roles, SOURCES),
    )
    async with served(make_application(chosen)) as server:
        users = Users(server.store.storage.access_records, digests=PasswordDigests(1, 64, 1))
        for user in (DANA, PAT):
            await users.add(user, PASSWORD)
        await make_records(server)
        config = uvicorn.Config(
            server.application, port=port, lifespan="off", log_level="error", timeout_graceful_shutdown=1
        )
        web = uvicorn.Server(config)
        serving = asyncio.create_task(web.serve())
        while not web.started:
            await asyncio.sleep(0.02)
        yield Clinic(server, url, app, site, provider, users)
        web.should_exit = True
        await serving


async def seen(page: Page, name: str, axe: str) -> None:
    """The page fits both screens, has no fault, and is pictured."""
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 800})
        await shoot(page, f"auth-{name}-{width}", whole=True)
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
        assert await faults(page, axe) == [], name
    await page.set_viewport_size({"width": 1280, "height": 800})


async def test_an_app_is_let_in_by_keyboard_and_put_out_again(clinic: Clinic, axe: str) -> None:
    page = await clinic.page()
    await page.goto(clinic.start())
    await expect(page.get_by_label("Login")).to_be_focused()
    await seen(page, "sign-in", axe)
    await page.keyboard.type("dana")
    await page.keyboard.press("Tab")
    await page.keyboard.type("wrong lamp quarry 8")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_have_text("Login or password is wrong.")
    await seen(page, "sign-in-wrong", axe)
    await page.keyboard.type("dana")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")

    await expect(page.get_by_label("Name, birth date or identifier")).to_be_focused()
    await seen(page, "patient", axe)
    await page.keyboard.type("okafor")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("list", name="Patients").get_by_role("button")).to_have_count(3)
    await seen(page, "patient-found", axe)
    await page.get_by_role("button", name="Find").focus()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="Ada Okafor")).to_be_focused()
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("heading", name="Allow access for Growth Charts?")).to_be_visible()
    await seen(page, "consent", axe)
    await page.get_by_label("See laboratory results").focus()
    await page.keyboard.press("Space")
    await page.get_by_role("button", name="Allow").focus()
    await page.keyboard.press("Enter")
    await expect(page).to_have_title("App")
    came = dict(parse_qsl(urlsplit(page.url).query))
    assert came["state"] == "st4te" and came["iss"] == clinic.url
    told = await page.request.post(
        f"{clinic.url}/auth/token",
        form={
            "grant_type": "authorization_code",
            "code": came["code"],
            "redirect_uri": f"{clinic.app}/callback",
            "client_id": "growth",
            "code_verifier": VERIFIER,
        },
    )
    granted = (await told.json())["scope"]
    assert "patient/Condition.rs" in granted and "laboratory" not in granted

    await page.goto(f"{clinic.url}/auth/apps")
    await expect(page.get_by_role("heading", name="Growth Charts")).to_be_visible()
    await seen(page, "apps", axe)
    await page.get_by_role("button", name="Take access back from Growth Charts").press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("Access was taken back")
    await expect(page.locator("main")).to_contain_text("You have given no app access.")
    await seen(page, "apps-none", axe)
    await page.context.close()


async def test_a_form_leads_to_the_app_where_nothing_is_left_to_be_asked(clinic: Clinic) -> None:
    """The browser applies ``form-action`` to the whole chain of redirects behind the sign-in form."""
    page = await clinic.page()
    await page.goto(clinic.start("launch/patient patient/Condition.rs", "trusted"))
    await clinic.sign_in(page, "pat")
    await page.get_by_role("button", name="Ben Okafor").click()
    await expect(page).to_have_title("App")
    await page.context.close()
    other = await clinic.page()
    await other.goto(clinic.start("openid fhirUser", "trusted"))
    await clinic.sign_in(other, "pat")
    await expect(other).to_have_title("App")
    assert "code=" in other.url
    await other.context.close()


async def test_who_acts_for_others_sees_only_them_and_can_deny(clinic: Clinic, axe: str) -> None:
    page = await clinic.page(400)
    await page.goto(clinic.start())
    await clinic.sign_in(page, "pat")
    await expect(page.get_by_role("list", name="Patients").get_by_role("button")).to_have_count(2)
    await seen(page, "patient-proxy", axe)
    await page.get_by_role("button", name="Ben Okafor").click()
    await page.get_by_role("button", name="Deny").click()
    await expect(page).to_have_title("App")
    assert "error=access_denied" in page.url
    await page.context.close()


async def test_somebody_signs_in_at_the_provider_and_goes_on(clinic: Clinic) -> None:
    page = await clinic.page()
    await page.goto(clinic.start())
    await page.get_by_role("link", name="Sign in with Clinic login").click()
    await expect(page.locator(".who")).to_have_text("Eve Provider")
    await expect(page).to_have_title("Choose a patient - Credence")
    await page.context.close()


async def test_an_operator_signs_in_at_the_provider(clinic: Clinic, axe: str) -> None:
    page = await clinic.page()
    await page.goto(f"{clinic.url}/console/connectors")
    await seen(page, "console-sign-in", axe)
    await page.get_by_role("link", name="Sign in with Clinic login").click()
    await expect(page.locator(".who")).to_have_text("Eve Provider")
    assert page.url == f"{clinic.url}/console/connectors"
    await page.context.close()


async def test_a_visit_is_chosen_by_keyboard(clinic: Clinic, axe: str) -> None:
    page = await clinic.page()
    await page.goto(clinic.start("launch/patient launch/encounter patient/Condition.rs", "visits"))
    await clinic.sign_in(page, "pat")
    await page.get_by_role("button", name="Ada Okafor").press("Enter")
    await expect(page.get_by_role("list", name="Visits").get_by_role("button")).to_have_count(1)
    await seen(page, "encounter", axe)
    await page.get_by_role("button", name="Check-up").press("Enter")
    await expect(page.locator("main")).to_contain_text("It learns which visit was chosen.")
    await page.context.close()


async def test_who_guesses_has_to_wait(clinic: Clinic, axe: str) -> None:
    page = await clinic.page()
    guessed, many = Allowance("login", "guessed", 0, 60).key, {"n": 20, "at": int(time.time())}
    assert await clinic.server.store.storage.access_records.swap(guessed, 0, many)
    await page.goto(clinic.start())
    with clinic.site.expecting("429"):
        await clinic.sign_in(page, "guessed")
        await expect(page.get_by_role("alert")).to_contain_text("too many tries")
    await seen(page, "wait", axe)
    await page.get_by_role("link", name="Try again").press("Enter")
    await expect(page.get_by_label("Login")).to_be_focused()
    await page.context.close()


async def test_what_went_wrong_is_said(clinic: Clinic, axe: str) -> None:
    page = await clinic.page()
    with clinic.site.expecting("400"):
        await page.goto(f"{clinic.url}/auth/continue?flow=guessed")
    await expect(page.get_by_role("alert")).to_contain_text("start the app again")
    await seen(page, "problem", axe)
    await page.context.close()
