"""The pages by axe-core's rules for WCAG 2.2 AA, also in the states that keys bring about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.conftest import Site, shoot
from tests.duplicate_items import duplicate_item
from tests.npm_packages import installed

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.xdist_group("browser")]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core."""
    place = installed(Path(__file__).with_name("node"))
    return (place / "node_modules/axe-core/axe.min.js").read_text()


_AT_REST = """() => Promise.all(document.getAnimations().filter(one => one.effect.getComputedTiming().endTime < 1e5)
    .map(one => one.finished.catch(() => null))).then(() => null)"""


async def faults(page: Page, axe: str) -> list[str]:
    """What axe finds on the page as it is now, with the places. What appears slowly has another contrast meanwhile."""
    await page.evaluate(axe)
    await page.evaluate(_AT_REST)
    found: Any = await page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']})",
        RULES,
    )
    return [
        f"{one['impact']} {one['id']}: {node['target']} {node['html'][:120]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


async def test_every_page_fits_the_screen_and_has_no_fault(site: Site, axe: str) -> None:
    page = await site.desk()
    found: list[str] = []
    for name, path in {
        "queue": "?text=okafor",
        "item": f"/review/{site.items['Patient/ada']}",
        "pair": f"/review/{await duplicate_item(site.server, 'twin', 'twin-call')}",
        "past": "/patient/ada?at=7",
        "patients": "/patients?q=a",
        "quality": "/quality",
        "analytics": "/analytics",
    }.items():
        await page.set_viewport_size({"width": 1280, "height": 800})
        await site.open(page, path)
        await shoot(page, f"{name}-1280")
        await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        found += await faults(page, axe)
        await page.set_viewport_size({"width": 700, "height": 800})
        overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, name
        if name == "queue":
            found += await faults(page, axe)
        await shoot(page, f"{name}-700")
    assert found == []
    await page.context.close()


async def test_dialogs_popovers_and_the_sign_in_page_have_no_fault(site: Site, axe: str) -> None:
    page = await site.desk()
    await site.open(page, "?text=okafor")
    await page.keyboard.press("?")
    await page.get_by_role("dialog", name="Keys").wait_for()
    await shoot(page, "help")
    found = await faults(page, axe)
    for key in ("Escape", "j", "r"):
        await page.keyboard.press(key)
    await page.get_by_role("dialog", name="Reject").wait_for()
    found += await faults(page, axe)
    await page.keyboard.press("Escape")
    await site.open(page, "/patient/ada")
    await page.get_by_role("button", name="Lineage of birth date").focus()
    found += await faults(page, axe)
    await page.context.clear_cookies()
    await page.goto(f"{site.url}/console")
    assert found + await faults(page, axe) == []
    await page.context.close()
