"""The pages of calls that are over in a real browser, with a recording that is really played."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright, expect

from agent.call import CallRecord
from tests.browser.conftest import CHROMIUM, FLAGS, Site, shoot
from tests.browser.test_accessibility import axe, faults
from tests.live_call import held_call, live_site
from tests.past_call import past_call

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("live")]
__all__ = ["axe"]


class Past:
    """The console with one call that is over."""

    def __init__(self, site: Site, record: CallRecord):
        self.site, self.record = site, record
        self.id = record.communication.partition("/")[2]

    async def opened(self, width: int = 1280) -> Page:
        page = await self.site.desk(width=width)
        await self.site.open(page, f"/calls/{self.id}")
        return page


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def past(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Past]:
    if not CHROMIUM:
        pytest.skip("no Chromium: install Debian's package chromium, or set CHROMIUM to its path")
    folder: Path = tmp_path_factory.mktemp("past")
    async with live_site(folder) as live, async_playwright() as playwright:
        record = await past_call(live, folder)
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        site = Site(live.server, live.url, {}, browser)
        site.live = live  # type: ignore[attr-defined]
        yield Past(site, record)
        await browser.close()
        assert site.problems == []


async def place(page: Page) -> float:
    return float(await page.locator("#player").evaluate("player => player.currentTime"))


async def played_to(page: Page, at: float) -> None:
    """The player has come to a second, and a little further."""
    await page.wait_for_function(
        "at => { const p = document.getElementById('player'); return p.currentTime >= at && p.currentTime < at + 4; }",
        arg=at,
    )


async def test_a_turn_plays_from_where_it_was_said(past: Past) -> None:
    page = await past.opened()
    turn = page.locator("#said li").nth(4)
    at = float(await turn.get_attribute("data-at") or "nan")
    assert at > 10
    await turn.locator(".said").click()
    await played_to(page, at)
    await expect(turn).to_have_attribute("aria-current", "true")
    await expect(page.locator("#said li[aria-current]")).to_have_count(1)
    await expect(page.locator(".stretch.now")).to_have_attribute("data-turn", "5")
    assert float((await page.locator("#head").get_attribute("x1") or "").rstrip("%")) > 10
    await page.keyboard.press("p")
    await page.wait_for_function("document.getElementById('player').paused")
    await page.context.close()


async def test_keys_go_through_the_turns_and_play(past: Past) -> None:
    page = await past.opened()
    for key in ("j", "j", "k", "j"):
        await page.keyboard.press(key)
    second = page.locator("#said li").nth(1)
    await expect(second.locator("a")).to_be_focused()
    await page.keyboard.press("Enter")
    await played_to(page, float(await second.get_attribute("data-at") or "nan"))
    assert page.url.endswith(f"/console/calls/{past.id}"), "Enter plays here, and does not leave the page"
    await page.keyboard.press("Escape")
    await page.wait_for_url("**/console/calls")
    await page.context.close()


async def test_to_look_at_the_page_is_not_to_listen(past: Past) -> None:
    asked: list[str] = []
    page = await past.site.desk()
    page.on("request", lambda request: asked.append(request.url))
    await past.site.open(page, f"/calls/{past.id}")
    await expect(page.locator("#player")).to_be_visible()
    await page.wait_for_function("document.readyState === 'complete'")
    assert not [url for url in asked if url.endswith("/sound")]
    await page.context.close()


async def test_the_picture_leads_to_its_place(past: Past) -> None:
    page = await past.opened()
    box = await page.locator("#strip").bounding_box()
    assert box
    await page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 30)
    total = float(await page.locator("#sound").get_attribute("data-seconds") or "nan")
    await played_to(page, total / 2 - 0.5)
    await page.context.close()


async def test_without_scripts_the_turns_are_links_to_the_sound(past: Past) -> None:
    page = await past.site.desk(java_script_enabled=False)
    await page.goto(f"{past.site.url}/console/calls/{past.id}")
    await expect(page.locator("#player")).to_be_visible()
    link = page.locator("#said li").nth(2).locator("a")
    assert (await link.get_attribute("href") or "").startswith(f"/console/calls/{past.id}/sound#t=")
    await page.context.close()


async def test_the_pages_fit_the_screen_and_have_no_fault(past: Past, axe: str) -> None:
    page = await past.site.desk()
    found: list[str] = []
    for name, path in {"past-calls": "/calls", "past-call": f"/calls/{past.id}"}.items():
        for width in (1280, 700):
            await page.set_viewport_size({"width": width, "height": 800})
            await past.site.open(page, path)
            await shoot(page, f"{name}-{width}", whole=True)
            await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
            found += [f"{name} {width}: {one}" for one in await faults(page, axe)]
            assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (
                name,
                width,
            )
    assert found == []
    await page.context.close()


async def test_a_live_call_that_is_over_leads_to_its_record(past: Past) -> None:
    live = past.site.live  # type: ignore[attr-defined]
    async with held_call(live.board, live.client, caller="+14125550777") as held:
        page = await past.site.desk()
        await past.site.open(page, f"/live/{held.id}")
        await expect(page.get_by_role("link", name="Recording, transcript and summary")).to_have_count(0)
        await held.end()
        await page.get_by_role("link", name="Recording, transcript and summary").click()
        await page.wait_for_url("**/console/calls/*")
        await expect(page.locator("h1")).to_contain_text("+14125550777")
        await expect(page.locator("#said li").first).to_contain_text("Thank you for calling")
        await page.context.close()
