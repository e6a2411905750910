"""The form page in a phone's browser: by touch, by keyboard, without a network, in two tabs, in two languages."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.browser.conftest import CHROMIUM, FLAGS, shoot
from tests.browser.test_accessibility import axe, faults
from tests.cutting_proxy import CuttingProxy
from tests.form_world import ADA, Practice
from tests.server_process import ServerProcess

__all__ = ["axe"]
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser")]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
CONTACT_USES = "http://hl7.org/fhir/contact-point-use"


@dataclass
class Forms:
    """The practice, and browsers of patients. ``problems`` is what these complained of."""

    practice: Practice
    browser: Browser
    problems: list[str] = field(default_factory=list)
    patients: int = 0

    def form(self, **members: Any) -> str:
        """The address of a form of a fresh patient."""
        self.patients += 1
        id = f"patient-{self.patients}"
        self.practice.put({**ADA, "id": id})
        return str(self.practice.form(id, **members)["url"])

    @asynccontextmanager
    async def phone(self, **options: Any) -> AsyncIterator[Page]:
        """A page of a phone's browser."""
        context: BrowserContext = await self.browser.new_context(**{**PHONE, "locale": "en-US", **options})
        page = await self.page(context)
        yield page
        await context.close()

    async def page(self, context: BrowserContext) -> Page:
        page = await context.new_page()
        page.set_default_timeout(15000)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda said: self.problems.append(said.text) if said.type == "error" else None)
        return page

    def answers(self, url: str) -> dict[str, Any]:
        """What is kept of a form's answers: link id to the first answer."""
        id = url.rpartition("/")[2].partition(".")[0]
        found = self.practice.found(f"QuestionnaireResponse?_id={id}")
        items = [item for one in found for group in one.get("item", ()) for item in group["item"]]
        return {item["linkId"]: next(iter(item["answer"][0].values())) for item in items}

    def versions(self, url: str) -> int:
        """How often the answers were written."""
        id = url.rpartition("/")[2].partition(".")[0]
        return int(self.practice.get(f"QuestionnaireResponse/{id}")["meta"]["versionId"])


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    if not CHROMIUM:
        pytest.skip("no Chromium: install Debian's package chromium, or set CHROMIUM to its path")
    with ServerProcess(Path(tmp_path_factory.mktemp("forms"))) as process:
        yield Practice(process)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def forms(practice: Practice) -> AsyncIterator[Forms]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        made = Forms(practice, browser)
        yield made
        await browser.close()


async def identify(page: Page, month: str = "March") -> None:
    await page.get_by_label(re.compile("Month|Mes")).select_option(label=month)
    await page.get_by_label(re.compile("Day|Día")).fill("3")
    await page.get_by_label(re.compile("Year|Año")).fill("1982")
    await page.get_by_role("button", name=re.compile("Continue|Continuar")).tap()
    await page.locator("body[data-ready]").wait_for()


async def saved(page: Page) -> None:
    await expect(page.locator("#status")).to_have_text(re.compile("^(Saved|Guardado)$"))


def card() -> bytes:
    """A picture of 3000 by 1800 points."""
    width, height = 3000, 1800
    rows = b"".join(b"\0" + bytes((40, 90, 160)) * width for _ in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


async def test_by_touch_from_the_link_to_thank_you(forms: Forms, tmp_path: Path) -> None:
    url = forms.form(subjects=["phone", "emergency-contact", "coverage"])
    picture = tmp_path / "card.png"
    picture.write_bytes(card())
    async with forms.phone() as page:
        await page.goto(url)
        await shoot(page, "form-identify", True)
        await identify(page)
        await page.get_by_label("Which phone number").fill("4125550142")
        await page.get_by_role("radio", name="Mobile").tap()
        await saved(page)
        await shoot(page, "form-you", True)
        assert forms.answers(url)["phone"] == "4125550142"
        await page.get_by_role("button", name="Continue").tap()
        await page.get_by_label("Whom should we call").fill("Chidi Okafor")
        await page.get_by_label("Their phone number").fill("412-555-0177")
        await page.get_by_role("button", name="Continue").tap()
        await page.locator("body[data-ready]").wait_for()
        await expect(page.get_by_label("Member ID")).to_be_hidden()
        await page.get_by_role("radio", name="Yes").tap()
        await page.get_by_label("Photo of the front").set_input_files(picture)
        await expect(page.get_by_text("Photo received")).to_be_visible()
        await page.get_by_label("Insurance company").fill("Aetna")
        await page.get_by_label("Member ID").fill("W1")
        await page.get_by_label("Group number").tap()
        await expect(page.get_by_text("at least five of them")).to_be_visible()
        await shoot(page, "form-insurance", True)
        await page.get_by_label("Member ID").fill("W123456789")
        await page.get_by_role("button", name="Continue").tap()
        await expect(page.get_by_role("heading", name="Check and send")).to_be_visible()
        await shoot(page, "form-check", True)
        await page.get_by_role("button", name="Send").tap()
        await expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
        await shoot(page, "form-thanks", True)
        await page.go_back()
        await expect(page.get_by_role("heading", name="This form has been sent")).to_be_visible()
        forms.problems[:] = [one for one in forms.problems if "410" not in one]
    kept = forms.answers(url)
    assert kept["coverage-member"] == "W123456789" and kept["emergency-name"] == "Chidi Okafor"
    id = url.rpartition("/")[2].partition(".")[0]
    attachment = forms.practice.get(f"DocumentReference/{id}-card")["content"][0]["attachment"]
    assert attachment["contentType"] == "image/jpeg", "the page sent it smaller"
    assert not forms.problems


async def test_by_keyboard_alone(forms: Forms) -> None:
    url = forms.form(subjects=["phone", "email"])
    async with forms.phone(has_touch=False, is_mobile=False) as page:
        await page.goto(url)
        await page.get_by_label("Month").focus()
        await page.keyboard.type("March")
        await page.keyboard.press("Tab")
        await page.keyboard.type("3")
        await page.keyboard.press("Tab")
        await page.keyboard.type("1982")
        await page.keyboard.press("Enter")
        await page.locator("body[data-ready]").wait_for()
        for _ in range(12):
            await page.keyboard.press("Tab")
            if await page.evaluate("document.activeElement.id") == "phone":
                break
        await page.keyboard.type("412-555-0142")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Space")
        await page.keyboard.press("Tab")
        await page.keyboard.type("ada@example.org")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Check and send")).to_be_visible()
        for _ in range(20):
            await page.keyboard.press("Tab")
            if await page.evaluate("document.activeElement.textContent") == "Send":
                break
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert forms.answers(url) == {
        "phone": "412-555-0142",
        "phone-use": {"system": CONTACT_USES, "code": "mobile", "display": "Mobile"},
        "email": "ada@example.org",
    }
    assert not forms.problems


async def test_what_is_entered_without_a_network_is_sent_once_when_it_is_back(forms: Forms) -> None:
    url = forms.form(subjects=["phone", "email"])
    async with forms.phone() as page:
        await page.goto(url)
        await identify(page)
        await page.get_by_label("Which phone number").fill("412-555-0142")
        await page.get_by_label("e-mail").focus()
        await saved(page)
        before = forms.versions(url)
        await page.context.set_offline(True)
        await page.get_by_label("e-mail").fill("ada@example.org")
        await page.get_by_role("radio", name="Home").tap()
        await expect(page.get_by_text("You are offline")).to_be_visible()
        await shoot(page, "form-offline", True)
        await page.get_by_role("button", name="Continue").tap()
        assert "email" not in forms.answers(url)
        await page.context.set_offline(False)
        await expect(page.get_by_role("heading", name="Check and send")).to_be_visible()
        await expect(page.get_by_text("ada@example.org")).to_be_visible()
    assert forms.answers(url)["email"] == "ada@example.org"
    assert forms.versions(url) <= before + 2, "what was sent again changed nothing"
    forms.problems[:] = [one for one in forms.problems if "ERR_INTERNET_DISCONNECTED" not in one]
    assert not forms.problems


async def test_two_tabs_keep_what_either_of_them_saves(forms: Forms) -> None:
    url = forms.form(subjects=["phone", "email"])
    async with forms.phone() as one:
        await one.goto(url)
        await identify(one)
        other = await forms.page(one.context)
        await other.goto(url)
        await other.locator("body[data-ready]").wait_for()
        await one.get_by_label("Which phone number").fill("412-555-0142")
        await other.get_by_label("e-mail").fill("ada@example.org")
        await one.get_by_label("e-mail").focus()
        await other.get_by_label("Which phone number").focus()
        await saved(one)
        await saved(other)
        assert {"phone", "email"} <= forms.answers(url).keys()
        for page in (one, other):
            await page.goto(f"{url}?step=check")
        await one.get_by_role("button", name="Send").tap()
        await expect(one.get_by_role("heading", name="Thank you")).to_be_visible()
        await other.get_by_role("button", name="Send").tap()
        await expect(other.get_by_role("heading", name="Thank you")).to_be_visible()
    assert not forms.problems


async def test_back_shows_what_was_answered(forms: Forms) -> None:
    url = forms.form(subjects=["phone", "emergency-contact"])
    async with forms.phone() as page:
        await page.goto(url)
        await identify(page)
        await page.get_by_label("Which phone number").fill("412-555-0142")
        await page.get_by_role("button", name="Continue").tap()
        await expect(page.get_by_role("heading", name="People to reach")).to_be_visible()
        await page.go_back()
        await expect(page.get_by_label("Which phone number")).to_have_value("412-555-0142")
    assert not forms.problems


async def test_in_spanish_and_on_paper_size(forms: Forms) -> None:
    url = forms.form(subjects=["phone", "address", "coverage", "emergency-contact"])
    async with forms.phone(locale="es-US") as page:
        await page.goto(url)
        await expect(page.locator("html")).to_have_attribute("lang", "es")
        await identify(page, "marzo")
        await expect(page.get_by_label("¿En qué teléfono es mejor llamarle?")).to_be_visible()
        await page.get_by_label("¿En qué teléfono es mejor llamarle?").fill("12")
        await page.get_by_label("Ciudad").focus()
        await expect(page.get_by_text("diez dígitos, con el código de área")).to_be_visible()
        await shoot(page, "form-spanish", True)
        await page.get_by_role("link", name="English").tap()
        await expect(page.get_by_label("Which phone number")).to_be_visible()
        await page.reload()
        await expect(page.get_by_label("Which phone number")).to_be_visible()
    assert not forms.problems


async def test_every_page_has_no_fault_and_fits(forms: Forms, axe: str) -> None:
    url = forms.form(requirements="before-appointment")
    found: list[str] = []
    async with forms.phone() as page:
        for width in (390, 320, 1280):
            await page.set_viewport_size({"width": width, "height": 800})
            places = [
                "",
                "?step=people",
                "?step=insurance",
                "?step=health",
                "?step=permission",
                "?step=check",
            ]
            await page.goto(url)
            if width == 390:
                found += await faults(page, axe)
                await identify(page)
            for place in places:
                await page.goto(url + place)
                await page.evaluate(
                    "for (const one of document.querySelectorAll('.error')) one.hidden = false"
                )
                found += await faults(page, axe)
                overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
                assert overflow <= 0, f"{place} at {width}"
            if width == 1280:
                await page.goto(f"{url}?step=you")
                await shoot(page, "form-wide", True)
        await page.goto(f"{url}x")
        found += await faults(page, axe)
    assert not found, "\n".join(found)
    forms.problems.clear()  # the link that opens nothing was a 404


async def test_an_answer_of_the_server_that_is_lost_is_asked_for_again(forms: Forms) -> None:
    url = forms.form(subjects=["phone", "email"])
    with CuttingProxy(forms.practice.server.port) as proxy:
        async with forms.phone() as page:
            await _lost(forms, page, url, proxy)
    forms.problems[:] = [one for one in forms.problems if "ERR_" not in one]
    assert not forms.problems


async def _lost(forms: Forms, page: Page, url: str, proxy: CuttingProxy) -> None:
    await page.goto(url.replace(forms.practice.server.root, proxy.url))
    await identify(page)
    proxy.lose = 2
    await page.get_by_label("Which phone number").fill("412-555-0142")
    await page.get_by_label("e-mail").focus()
    await saved(page)
    assert proxy.cuts == 2
    assert forms.answers(url)["phone"] == "412-555-0142" and forms.versions(url) == 1, "kept once"
    await page.get_by_label("e-mail").fill("ada@example.org")
    await page.get_by_role("button", name="Continue").tap()
    await expect(page.get_by_role("heading", name="Check and send")).to_be_visible()
    await page.locator("main").wait_for()
    proxy.lose = 1
    await page.get_by_role("button", name="Send").tap()
    await page.wait_for_timeout(500)
    await page.goto(url.replace(forms.practice.server.root, proxy.url) + "?sent")
    await expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
