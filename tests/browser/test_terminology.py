"""The terminology pages in a real browser: the tree by keyboard, search as one types, expansions and why."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.conftest import SHOTS, Site, ready, shoot
from tests.browser.terminology_world import DIABETES, FINDINGS, LIST, MANY, terminology
from tests.browser.test_accessibility import axe, faults

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.xdist_group("browser")]
__all__ = ["axe"]

VALUE_SETS = "http://example.org/fhir/ValueSet"


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def known(site: Site) -> Site:
    """The site with a world of terminology in it."""
    await terminology(site.server)
    return site


def place(page: str, url: str, **more: str) -> str:
    return f"/terminology/{page}?{urlencode({'url': url, **more})}"


PLACES = {
    "everything": "/terminology",
    "tree": place("system", FINDINGS, code="f-112"),
    "grammar": place("system", "http://unitsofmeasure.org", code="mg/dL"),
    "out": place("value-set", DIABETES, system=FINDINGS, code="f-1122"),
    "cyclic": place("value-set", f"{VALUE_SETS}/round", system=FINDINGS, code="f-1"),
    "map": place("map", "http://example.org/fhir/ConceptMap/to-icd", system=FINDINGS, code="f-112"),
}
MORE_PLACES = {
    "nothing-found": "/terminology?text=no-such-thing",
    "flat": place("system", LIST, code="bed-150"),
    "absent": place("system", "urn:example:licensed"),
    "in": place("value-set", DIABETES, system=FINDINGS, code="f-22"),
    "nested": place("value-set", f"{VALUE_SETS}/all", view="nested"),
    "costly": place("value-set", f"{VALUE_SETS}/units"),
}
"""Only for pictures."""


async def test_every_page_fits_its_screen_and_has_no_fault(known: Site, axe: str) -> None:
    page = await known.desk(width=1366)
    found: list[Any] = []
    for name, path in {**PLACES, **(MORE_PLACES if SHOTS else {})}.items():
        await page.set_viewport_size({"width": 1366, "height": 800})
        await known.open(page, path)
        await shoot(page, f"terminology-{name}")
        found += [(name, one) for one in await faults(page, axe)]
        await page.set_viewport_size({"width": 390, "height": 800})
        over = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        found += [(name, f"{over} pixels too wide")] if over > 0 else []
        await shoot(page, f"terminology-{name}-phone", whole=True)
    assert found == []
    await page.context.close()


def node(page: Page, code: str) -> Any:
    return page.locator(f'#tree [role=treeitem][data-code="{code}"]')


async def test_the_tree_opens_by_keys_and_shows_a_concept(known: Site) -> None:
    page = await known.desk()
    await known.open(page, place("system", FINDINGS))
    await page.keyboard.press("j")
    await expect(node(page, "f-1")).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await expect(node(page, "f-1")).to_have_attribute("aria-expanded", "true")
    await expect(page.locator("#announcer")).to_have_text("2 below f-1.")
    await page.keyboard.press("ArrowRight")
    await expect(node(page, "f-11")).to_be_focused()
    await expect(node(page, "f-11")).to_have_attribute("aria-level", "2")
    await page.keyboard.press("ArrowRight")
    await node(page, "f-112").wait_for()
    for key in ("j", "j", "Enter"):
        await page.keyboard.press(key)
    shown = page.locator("#concept")
    await expect(shown.get_by_role("heading", level=2)).to_contain_text("Diabetes mellitus type 2")
    await expect(shown).to_contain_text("Typ-2-Diabetes")
    await expect(shown).to_contain_text("Findings in Welsh")
    await expect(page.locator("#announcer")).to_have_text("Diabetes mellitus type 2 is shown.")
    assert "code=f-112" in page.url
    await page.keyboard.press("ArrowLeft")
    await expect(node(page, "f-11")).to_be_focused()
    await page.keyboard.press("ArrowLeft")
    await expect(node(page, "f-112")).to_be_hidden()
    await page.context.close()


async def test_a_long_list_comes_page_by_page(known: Site) -> None:
    page = await known.desk()
    await known.open(page, place("system", LIST))
    await expect(page.locator("#tree [data-code]")).to_have_count(100)
    await page.keyboard.press("j")
    await page.keyboard.press("End")
    await page.keyboard.press("Enter")
    await expect(node(page, "bed-100")).to_be_focused()
    await expect(page.locator("#tree [data-code]")).to_have_count(200)
    await known.open(page, place("system", LIST, code=f"bed-{MANY - 1}"))
    await expect(node(page, f"bed-{MANY - 1}")).to_have_attribute("aria-posinset", str(MANY))
    for back in (200, 300):
        await page.get_by_role("treeitem", name="The 100 before these").click()
        await expect(node(page, f"bed-{MANY - back}")).to_be_focused()
    await expect(page.locator("#tree [data-code]")).to_have_count(300)
    await expect(page.locator("#tree .rest")).to_have_count(1)
    await page.context.close()


async def test_concepts_are_found_as_one_types(known: Site) -> None:
    page = await known.desk()
    await known.open(page, place("system", FINDINGS))
    await page.keyboard.press("/")
    await page.keyboard.type("typ-2-d", delay=20)
    results = page.locator(".results a")
    await expect(results.first).to_contain_text("f-112")
    await expect(page.locator("#tree")).to_be_hidden()
    await expect(page.locator("#announcer")).to_have_text("1 found.")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.locator("#concept")).to_contain_text("does not answer to it")
    await page.keyboard.press("Escape")
    await ready(page)
    await expect(node(page, "f-112")).to_have_attribute("aria-selected", "true")
    await page.locator("#f-text").fill("zzz")
    await expect(page.locator("#found")).to_contain_text("Nothing is called “zzz”")
    await page.context.close()


async def test_why_a_code_is_in_and_out(known: Site) -> None:
    page = await known.desk()
    await known.open(page, place("value-set", DIABETES))
    await page.locator("#expansion").get_by_role("link", name="f-112", exact=True).click()
    why = page.locator("#why")
    await expect(why.locator(".verdict")).to_contain_text("In f-112")
    await expect(why).to_contain_text("it is below f-11")
    await expect(why.locator(".branch li")).to_contain_text(["Diabetes mellitus", "Diabetes mellitus type 2"])
    await page.get_by_label("Code", exact=True).fill("f-1122")
    await page.keyboard.press("Enter")
    await expect(why.locator(".verdict")).to_contain_text("exclude 1 takes it out again")
    await expect(page.locator("#announcer")).to_contain_text("f-1122: out.")
    await page.get_by_label("Code", exact=True).fill("f-113")
    await page.keyboard.press("Enter")
    await expect(why.locator(".verdict")).to_contain_text("it is inactive")
    await page.context.close()


async def test_an_expansion_follows_what_is_typed(known: Site) -> None:
    page = await known.desk()
    await known.open(page, place("value-set", f"{VALUE_SETS}/all"))
    rows = page.locator("#expansion tbody tr")
    await expect(rows).to_have_count(12)
    await page.get_by_label("Filter").fill("neuro")
    await expect(rows).to_have_count(1)
    await page.get_by_label("Filter").fill("neurosis")
    await expect(page.locator("#expansion")).to_contain_text("No code of this value set is called")
    await page.context.close()


async def test_what_is_known_is_found_by_name(known: Site) -> None:
    page = await known.desk()
    await page.get_by_role("link", name="Terminology").click()
    await expect(page.get_by_label("Name or url")).to_be_visible()
    await ready(page)
    await page.get_by_label("Name or url").fill("findings clinic")
    await expect(page.locator("tr.entry")).to_have_count(1)
    await page.get_by_label("Name or url").fill("lung")
    await expect(page.get_by_role("link", name="Value sets 1")).to_be_visible()
    await page.get_by_role("link", name="Value sets").click()
    await page.get_by_role("link", name="Disorders of the lung").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Disorders of the lung")
    await page.context.close()


async def test_all_of_it_works_without_scripts(known: Site) -> None:
    page = await known.desk(java_script_enabled=False)
    await page.goto(f"{known.url}/console{place('system', FINDINGS)}")
    await page.get_by_role("treeitem", name="f-1 ").click()
    await page.get_by_role("link", name="2 directly below it").click()
    await page.get_by_role("treeitem", name="f-11").click()
    await expect(page.locator("#concept")).to_contain_text("blood sugar is too high")
    await page.get_by_label("Find a concept").fill("gout")
    await page.get_by_role("button", name="Find").click()
    await page.locator(".results").get_by_role("link", name="Gout").click()
    await page.goto(f"{known.url}/console{place('value-set', DIABETES)}")
    await page.get_by_label("Code", exact=True).fill("f-21")
    await page.get_by_role("button", name="Explain").click()
    await expect(page.locator(".verdict")).to_contain_text("In f-21")
    await page.context.close()


async def test_what_is_not_known_is_said(known: Site) -> None:
    page = await known.desk()
    with known.expecting("404", "422"):
        for path in (place("system", "urn:none"), place("value-set", "urn:none"), place("map", "urn:none")):
            await known.open(page, path)
            await expect(page.get_by_role("alert").first).to_contain_text("not known here")
        await known.open(page, place("system", FINDINGS, code="unicorn"))
        await expect(page.get_by_role("alert").first).to_contain_text("no such code")
        await expect(node(page, "f-1")).to_be_visible()
    await page.context.close()
    assert known.problems == []
