"""The console as an operator meets it, in a real browser."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from tests.browser.conftest import Site

SHOTS = os.environ.get("SCREENSHOTS", "")


async def signed_in(browser: Browser, site: Site, width: int) -> Page:
    page = await browser.new_page(viewport={"width": width, "height": 900})
    await page.goto(f"{site.url}/console")
    await page.get_by_label("Token").fill("token-ana")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Review queue").wait_for()
    return page


async def shoot(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("width", [1280, 700])
async def test_queue_and_items_fit_the_screen(browser: Browser, site: Site, width: int) -> None:
    problems: list[str] = []
    page = await signed_in(browser, site, width)
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    await shoot(page, f"queue-{width}")
    assert await page.get_by_role("row").count() == 4
    for name, id in site.items.items():
        await page.goto(f"{site.url}/console/review/{id}")
        await shoot(page, f"{name}-{width}")
        overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, name
    assert problems == []


async def test_an_operator_decides_with_the_keyboard_alone(browser: Browser, site: Site) -> None:
    page = await signed_in(browser, site, 1280)
    await page.get_by_role("link", name="Coverage").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", level=1, name="Coverage").wait_for()
    await page.get_by_role("button", name="Approve all").focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/console")
    assert await page.get_by_role("link", name="Coverage").count() == 0
    coverage = (await site.server.reader.get("Coverage/blue")).json()
    confidence = coverage["meta"]["extension"][0]["valueDecimal"]
    assert confidence == 0.95
