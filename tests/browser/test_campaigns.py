"""The campaign pages in a real browser, over a real server."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright, expect

from agent.campaigns.members import member, over
from tests.browser.conftest import CHROMIUM, FLAGS, ready, shoot
from tests.browser.test_accessibility import axe, faults
from tests.campaign_halfway import ID, put_campaign
from tests.server_process import ServerProcess

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("campaigns")]
__all__ = ["axe"]
COUNT = 160


class Desk:
    """A browser in which an operator looks at campaigns, and the server behind."""

    def __init__(self, page: Page, server: ServerProcess):
        self.page, self.server = page, server
        self.url = server.base.removesuffix("/fhir")
        self.problems: list[str] = []
        self.http = httpx.Client(
            base_url=f"{server.base}/", headers=server.headers_of("admin"), trust_env=False
        )

    async def open(self, path: str = f"/campaigns/{ID}") -> None:
        await self.page.goto(f"{self.url}/console{path}")
        await ready(self.page)

    def close_one(self, outcome: str) -> None:
        """The engine is done with one more."""
        found = self.http.get("CommunicationRequest", params={"status": "active", "_count": "1"}).json()
        one = member(found["entry"][0]["resource"])
        changed = over(one, "completed", outcome, "as it was")
        self.http.put(one.reference, json=changed).raise_for_status()

    def statuses(self) -> set[str]:
        found = self.http.get("Task", params={"code": "campaign,campaign-run"}).json()["entry"]
        return {entry["resource"]["status"] for entry in found}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    if not CHROMIUM:
        pytest.skip("no Chromium: install Debian's package chromium, or set CHROMIUM to its path")
    async with contextlib.AsyncExitStack() as stack:
        server = stack.enter_context(ServerProcess(tmp_path_factory.mktemp("campaigns"), workers=2))
        put_campaign(server.base, server.headers_of("admin"), COUNT)
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        stack.push_async_callback(browser.close)
        page = await (await browser.new_context(viewport={"width": 1280, "height": 800})).new_page()
        page.set_default_timeout(20000)
        desk = Desk(page, server)
        stack.callback(desk.http.close)
        page.on("pageerror", lambda error: desk.problems.append(str(error)))
        page.on("console", lambda said: desk.problems.append(said.text) if said.type == "error" else None)
        await page.goto(f"{desk.url}/console")
        await page.get_by_label("token").fill(server.tokens["admin"])
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("link", name="Campaigns").wait_for()
        yield desk
    assert desk.problems == []


async def test_the_list_shows_how_far_each_is(desk: Desk, axe: str) -> None:
    await desk.open("/campaigns")
    row = desk.page.get_by_role("row", name="Confirm visits")
    await expect(row).to_contain_text("running")
    await expect(row).to_contain_text(str(COUNT))
    assert await faults(desk.page, axe) == []
    await shoot(desk.page, "campaigns")
    await desk.page.keyboard.press("j")
    await desk.page.keyboard.press("Enter")
    await expect(desk.page.get_by_role("heading", level=1)).to_contain_text("Confirm visits")


async def test_one_campaign_with_its_figures(desk: Desk, axe: str) -> None:
    await desk.open()
    for title in (
        "From the audience to what was done",
        "Attempts over time, by channel",
        "What came of the attempts",
    ):
        await expect(desk.page.get_by_role("img", name=title).first).to_be_visible()
    await expect(desk.page.locator(".tile", has_text="Over")).to_contain_text(f"of {COUNT} patients")
    assert await faults(desk.page, axe) == []
    await shoot(desk.page, "console-campaign", whole=True)
    await desk.page.set_viewport_size({"width": 390, "height": 844})
    assert await desk.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert await faults(desk.page, axe) == []
    await shoot(desk.page, "console-campaign-narrow", whole=True)
    await desk.page.set_viewport_size({"width": 1280, "height": 800})


async def test_who_was_left_out_and_why(desk: Desk, axe: str) -> None:
    await desk.open()
    await desk.page.get_by_role("link", name="no consent").click()
    await expect(desk.page.get_by_role("heading", level=1)).to_contain_text("No consent")
    await expect(desk.page.get_by_role("table")).to_contain_text("sms: no consent")
    assert await faults(desk.page, axe) == []
    await desk.page.get_by_role("table").get_by_role("link").first.click()
    await expect(desk.page.get_by_role("heading", level=1)).to_contain_text("Number")


async def test_it_follows_what_happens_and_keeps_what_is_open(desk: Desk) -> None:
    await desk.open()
    await desk.page.locator("body[data-following]").wait_for()
    tile = desk.page.locator(".tile", has_text="Still open").locator("strong")
    before = int(await tile.inner_text())
    table = desk.page.locator("section[aria-labelledby=attempts-title] details")
    await table.locator("summary").click()
    await desk.page.locator("#pause").focus()
    desk.close_one("done")
    await expect(tile).to_have_text(str(before - 1))
    assert await table.get_attribute("open") is not None
    assert await desk.page.evaluate("document.activeElement.id") == "pause"


async def test_it_is_paused_resumed_and_cancelled_by_keys_with_a_question(desk: Desk, axe: str) -> None:
    await desk.open()
    dialog, main = desk.page.locator("#steer"), desk.page.locator("main")
    await desk.page.keyboard.press("p")
    await expect(dialog).to_be_visible()
    assert await faults(desk.page, axe) == []
    await desk.page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    assert desk.statuses() <= {
        "in-progress",
        "requested",
    }  # the engine of this server begins a run of its own
    await desk.page.keyboard.press("p")
    await desk.page.keyboard.press("Enter")
    await expect(main).to_contain_text("nobody is contacted from now on")
    assert desk.statuses() == {"on-hold"}
    await ready(desk.page)
    await shoot(desk.page, "campaign-paused")
    await desk.page.keyboard.press("p")
    await desk.page.keyboard.press("Enter")
    await expect(main).to_contain_text("The campaign goes on")
    assert desk.statuses() <= {"in-progress", "requested"}
    await ready(desk.page)
    await desk.page.keyboard.press("x")
    await shoot(desk.page, "campaign-cancel")
    await desk.page.get_by_role("button", name="Yes, cancel it").press("Enter")
    await expect(main).to_contain_text("The campaign is cancelled")
    assert desk.statuses() == {"cancelled"}
    await expect(desk.page.locator("#pause, #resume, #cancel")).to_have_count(0)


async def test_nobody_else_comes_in(desk: Desk) -> None:
    for path in ("/campaigns", f"/campaigns/{ID}", f"/campaigns/{ID}/events"):
        answer = httpx.get(f"{desk.url}/console{path}", trust_env=False)
        assert answer.status_code in (303, 401), path
    answer = httpx.post(f"{desk.url}/console/campaigns/{ID}/cancel", trust_env=False)
    assert answer.status_code == 303
