"""The console as an operator meets it, in a real browser."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Site, shoot

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.xdist_group("browser")]


@pytest.mark.parametrize("width", [1280, 700])
async def test_every_page_fits_the_screen(site: Site, width: int) -> None:
    page = await site.desk(width=width)
    for name, path in {
        "queue": "",
        "item": f"/review/{site.items['Coverage/plan']}",
        "item-patient": f"/review/{site.items['Patient/ada']}",
        "patient": "/patient/ada",
        "past": "/patient/ada?at=2",
        "patients": "/patients?q=a",
        "quality": "/quality",
    }.items():
        await page.goto(f"{site.url}/console{path}")
        await shoot(page, f"{name}-{width}", whole=True)
        overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, name
    assert site.problems == []
    await page.context.close()
