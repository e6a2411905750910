"""The connector pages in a real browser, over a real server with two simulated EHRs."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright, expect

from tests.browser.conftest import CHROMIUM, FLAGS, shoot
from tests.browser.test_accessibility import axe, faults
from tests.server_process import ServerProcess
from tests.unit.adapters.in_process import tiny_bundles
from tests.unit.adapters.simulated_ehr import TOKEN, SimulatedEhrThread

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("connectors")]
__all__ = ["axe"]
_CONNECTOR = """
[[source]]
id = "{name}"
kind = "ehr"
authoritative = true

[[connector]]
name = "{name}"
source = "{name}"
url = "{url}"
token_file = "{token}"
pull_seconds = 0.5
retry_cap_seconds = 0.5
"""


class Desk:
    """A browser in which an operator looks at the connectors, and the machinery behind."""

    def __init__(self, page: Page, server: ServerProcess, ehrs: dict[str, SimulatedEhrThread]):
        self.page, self.server, self.ehrs = page, server, ehrs
        self.url = server.base.removesuffix("/fhir")
        self.problems: list[str] = []
        self.http = httpx.Client(
            base_url=f"{server.base}/", headers=server.headers_of("admin"), trust_env=False
        )

    async def open(self, path: str) -> None:
        await self.page.goto(f"{self.url}/console{path}")

    def row(self, name: str) -> Any:
        return self.page.locator("tr", has=self.page.get_by_role("link", name=name, exact=True))

    def endpoint(self, name: str) -> str:
        entries = self.http.get("Endpoint").json()["entry"]
        return next(e["resource"]["id"] for e in entries if e["resource"].get("name") == name)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    if not CHROMIUM:
        pytest.skip("no Chromium: install Debian's package chromium, or set CHROMIUM to its path")
    folder = tmp_path_factory.mktemp("connectors")
    bundles = tiny_bundles(folder / "bundles")
    async with contextlib.AsyncExitStack() as stack:
        ehrs = {}
        server = ServerProcess(folder / "server")
        server._initialise()
        for name in ("north", "south"):
            made = SimulatedEhrThread(folder / f"{name}.db", "--bundles", str(bundles))
            ehrs[name] = stack.enter_context(made)
            with server.config.open("a") as config:
                config.write(_CONNECTOR.format(name=name, url=ehrs[name].base, token=server.secret(TOKEN)))
        stack.enter_context(server)
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        stack.push_async_callback(browser.close)
        page = await (await browser.new_context(viewport={"width": 1280, "height": 800})).new_page()
        page.set_default_timeout(20000)
        desk = Desk(page, server, ehrs)
        stack.callback(desk.http.close)
        page.on("pageerror", lambda error: desk.problems.append(str(error)))
        await desk.open("")
        await page.get_by_label("token").fill(server.tokens["admin"])
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("link", name="Connectors").wait_for()
        yield desk
    assert desk.problems == []


async def test_the_page_shows_how_each_ehr_is_and_follows_by_itself(desk: Desk, axe: str) -> None:
    await desk.open("/connectors")
    await expect(desk.row("north")).to_contain_text("running")
    await expect(desk.row("south")).to_contain_text("fresh", timeout=20000)
    assert await faults(desk.page, axe) == []
    desk.ehrs["north"].faults(down=600)
    await expect(desk.row("north")).to_contain_text("Unanswered", timeout=30000)
    await expect(desk.row("south")).to_contain_text("fresh")
    await shoot(desk.page, "connectors")
    desk.ehrs["north"].faults(reset=True)
    await expect(desk.row("north")).not_to_contain_text("Unanswered", timeout=60000)


async def test_pause_resume_and_sync_by_keyboard(desk: Desk) -> None:
    await desk.open("/connectors")
    pause = desk.page.get_by_role("button", name="Pause: south")
    await pause.focus()
    await desk.page.wait_for_timeout(2500)
    assert await desk.page.evaluate("document.activeElement.getAttribute('aria-label')") == "Pause: south"
    await desk.page.keyboard.press("Enter")
    await expect(desk.row("south")).to_contain_text("paused", timeout=20000)
    await desk.page.get_by_role("button", name="Resume: south").press("Enter")
    await expect(desk.row("south")).to_contain_text("running", timeout=20000)
    await desk.page.get_by_role("button", name="Sync now: south").press("Enter")
    await expect(desk.page.locator("main")).to_contain_text("sync")


async def test_a_dead_letter_is_seen_tried_again_and_discarded(desk: Desk, axe: str) -> None:
    ehr = desk.ehrs["south"]
    ehr.http.post(f"{ehr.base}/Patient", json={"resourceType": "Patient", "gender": "robot"})
    await desk.open(f"/connectors/{desk.endpoint('south')}")
    tile = desk.page.locator(".tile", has_text="Dead letters")
    await expect(tile).to_contain_text("1", timeout=30000)
    await desk.page.get_by_role("link", name="show them").click()
    letters = desk.page.get_by_role("region", name="Dead letters", exact=True)
    await expect(letters).to_contain_text("Patient.gender")
    assert await faults(desk.page, axe) == []
    await shoot(desk.page, "connector", whole=True)
    await desk.page.get_by_role("button", name="Discard the marked ones").click()
    await expect(desk.page.get_by_role("alert")).to_contain_text("Mark at least one")
    await letters.get_by_role("checkbox").check()
    await desk.page.get_by_role("button", name="Try the marked ones again").click()
    await expect(desk.page.locator("main")).to_contain_text("Asked to be tried again")
    await expect(tile).to_contain_text("1", timeout=30000)
    await desk.page.reload()
    await letters.get_by_role("checkbox").check()
    await desk.page.get_by_label("Reason to discard").fill("Not a person")
    await desk.page.get_by_role("button", name="Discard the marked ones").click()
    await expect(tile).to_contain_text("0", timeout=20000)


async def test_what_would_be_written_is_told_unit_by_unit(desk: Desk) -> None:
    patient = {"resourceType": "Patient", "name": [{"family": "Rehearsal"}], "gender": "female"}
    made = desk.http.post("Patient", json=patient).json()
    await desk.open(f"/connectors/{desk.endpoint('south')}")
    await desk.page.get_by_label("A resource, or nothing").fill(f"Patient/{made['id']}")
    await desk.page.get_by_role("button", name="Rehearse").click()
    await expect(desk.page.get_by_role("heading", name=f"Patient/{made['id']}")).to_be_visible()
    await expect(desk.page.locator("main")).to_contain_text("gender")
    await desk.open("/connectors/nothing")
    assert Path(desk.page.url).name == "nothing"


async def test_one_that_cannot_begin_says_why_and_no_process_works_on_it(desk: Desk) -> None:
    parts = [
        {"url": "kind", "valueCode": "fhir"},
        {"url": "source", "valueString": "north"},
        {
            "url": "setting",
            "extension": [
                {"url": "name", "valueString": "token_secret"},
                {"url": "value", "valueString": "no-such-token"},
            ],
        },
    ]
    made = desk.http.put(
        "Endpoint/keyless",
        json={
            "resourceType": "Endpoint",
            "id": "keyless",
            "extension": [
                {"url": "https://credence.health/fhir/StructureDefinition/connector", "extension": parts}
            ],
            "identifier": [
                {"system": "https://credence.health/fhir/identifier/connector", "value": "keyless"}
            ],
            "status": "active",
            "connectionType": {"code": "hl7-fhir-rest"},
            "payloadType": [{"text": "any"}],
            "address": "http://127.0.0.1:9/fhir",
        },
    )
    assert made.status_code == 201, made.text
    await desk.open("/connectors")
    await expect(desk.row("keyless")).to_contain_text("failed", timeout=20000)
    await desk.row("keyless").get_by_role("link", name="keyless", exact=True).click()
    await expect(desk.page.get_by_role("alert")).to_contain_text(
        "It cannot begin: there is no secret 'no-such-token'"
    )
    await expect(desk.page.get_by_text("No process works on it.")).to_be_visible()
    desk.http.delete("Endpoint/keyless")
