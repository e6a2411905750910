"""The HL7v2 message pages in a real browser, over a real server that a sender talks to on a socket."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from tests.browser.conftest import CHROMIUM, FLAGS, shoot
from tests.browser.test_accessibility import axe, faults
from tests.hl7_feed import FeedServer, adt, code_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("messages")]
__all__ = ["axe"]

FORMER = "MRG|OLD^^^HOSP&1.2.3.4&ISO^MR|"


def merge(id: str) -> bytes:
    """A merge that does not say of whom."""
    return adt(id, f"P{id}", event="A40", more="MRG||\r")


@dataclass
class Desk:
    """Browsers in which an operator looks at the messages of a listener."""

    page: Page
    browser: Browser
    server: FeedServer
    problems: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.server.base.removesuffix("/fhir")

    def send(self, raw: bytes) -> str:
        with self.server.connect() as wire:
            return code_of(wire.send(raw))

    async def open(self, path: str, page: Page | None = None) -> None:
        await (page or self.page).goto(f"{self.url}/console{path}")

    def part(self, name: str, page: Page | None = None) -> Locator:
        return (page or self.page).get_by_role("region", name=name, exact=True)

    def row(self, control: str, page: Page | None = None) -> Locator:
        cell = (page or self.page).get_by_role("cell", name=control, exact=True)
        return (page or self.page).get_by_role("row").filter(has=cell)

    async def sign_in(self, page: Page) -> None:
        await self.open("", page)
        await page.get_by_label("token").fill(self.server.tokens["admin"])
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("link", name="Connectors").wait_for()

    async def without_scripts(self) -> Page:
        context = await self.browser.new_context(
            java_script_enabled=False, viewport={"width": 1280, "height": 800}
        )
        page = await context.new_page()
        page.set_default_timeout(15000)
        await self.sign_in(page)
        return page


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    if not CHROMIUM:
        pytest.skip("no Chromium: install Debian's package chromium, or set CHROMIUM to its path")
    async with contextlib.AsyncExitStack() as stack:
        server = stack.enter_context(FeedServer(tmp_path_factory.mktemp("messages")))
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        stack.push_async_callback(browser.close)
        page = await (await browser.new_context(viewport={"width": 1280, "height": 800})).new_page()
        page.set_default_timeout(20000)
        desk = Desk(page, browser, server)
        page.on("pageerror", lambda error: desk.problems.append(str(error)))
        await desk.sign_in(page)
        yield desk
    assert desk.problems == []


async def test_a_message_that_fails_shows_up_by_itself_and_is_put_right(desk: Desk, axe: str) -> None:
    page = desk.page
    await page.get_by_role("link", name="HL7v2 messages").click()
    await expect(page.locator("main")).to_contain_text("Every message was taken in")
    assert desk.send(merge("M1")) == "AE M1"
    await expect(desk.row("M1")).to_contain_text("MRG[1]-1", timeout=20000)
    assert await faults(page, axe) == []
    await shoot(page, "messages")
    await desk.row("M1").get_by_role("link").click()
    await expect(page.locator("mark", has_text="MRG-1")).to_be_visible()
    assert await faults(page, axe) == []
    await shoot(page, "message-failed", whole=True)
    text = page.get_by_label("The message, one segment in a line")
    await text.fill((await text.input_value()).replace("MRG||", FORMER))
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("status").filter(has_text="was taken in")).to_be_visible()
    await expect(desk.row("M1")).to_contain_text("resources")
    await expect(page.locator("main")).to_contain_text("Every message was taken in")


async def test_what_is_no_message_is_shown_by_lines_and_corrected_in_two_tries(desk: Desk, axe: str) -> None:
    page = desk.page
    desk.send(adt("M2", "P2") + b"a line that is no segment\r")
    await desk.open("/messages")
    await desk.part("Messages that failed").get_by_role("link").first.click()
    await expect(page.locator("mark")).to_have_text("a line that is no segment")
    assert await faults(page, axe) == []
    await shoot(page, "message-broken", whole=True)
    text = page.get_by_label("The message, one segment in a line")
    right = (await text.input_value()).replace("\na line that is no segment", "")
    await text.fill(right.replace("UNICODE UTF-8", "KLINGON"))
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("alert")).to_contain_text("MSH-18: the character set is not known")
    assert "KLINGON" in await text.input_value()
    await text.fill(right)
    await page.get_by_role("button", name="Try again").click()
    await expect(desk.row("M2")).to_contain_text("resources")


async def test_a_taken_message_shows_what_it_became_and_where_each_element_comes_from(
    desk: Desk, axe: str
) -> None:
    page = desk.page
    assert desk.send(adt("M3", "P3", more="ZPI|1|x\r")) == "AA M3"
    await desk.open("/messages?listener=lab&control=M3")
    await desk.row("M3").get_by_role("link").click()
    await expect(page.locator("details", has_text="ZPI")).to_contain_text("no map speaks of it")
    birth = desk.part("Elements and their fields").get_by_role("row").filter(has_text="birthDate")
    await expect(birth).to_contain_text("PID-7")
    await expect(birth).to_contain_text("PID[Patient] line 10")
    assert await faults(page, axe) == []
    await page.locator("details", has_text="PID").locator("summary").click()
    await shoot(page, "message", whole=True)
    await page.get_by_role("link", name="Patient/").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Miller")


async def test_dead_letters_of_messages_lead_to_them_and_are_tried_again(desk: Desk) -> None:
    page = desk.page
    desk.send(b"MSH|^~\\&|only")
    await desk.open("/connectors")
    await page.get_by_role("link", name="1 dead letters of lab").click()
    await expect(page.locator("main").get_by_role("link", name="HL7v2 messages")).to_be_visible()
    letters = desk.part("Dead letters")
    await letters.get_by_role("checkbox").check()
    await page.get_by_role("button", name="Try the marked ones again").click()
    await expect(page.locator(".tile", has_text="Dead letters")).to_contain_text("1", timeout=20000)
    await page.reload()
    await letters.get_by_role("link").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("lab")
    await page.get_by_role("button", name="Close").click()
    await expect(page.get_by_role("alert")).to_contain_text("Say why")
    await page.get_by_label("Why nothing more needs to be done").fill("A test of the sender")
    await page.get_by_role("button", name="Close").click()
    await expect(page.locator("main")).to_contain_text("Every message was taken in")
    await desk.open("/connectors")
    await expect(page.locator("main")).not_to_contain_text("dead letters of lab")


async def test_a_paused_connector_says_so_instead_of_trying(desk: Desk) -> None:
    page = desk.page
    desk.send(merge("M5"))
    await desk.open("/connectors")
    await page.get_by_role("button", name="Pause: lab").click()
    await expect(page.get_by_role("button", name="Resume: lab")).to_be_visible()
    await desk.open("/messages")
    await desk.row("M5").get_by_role("link").click()
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("alert")).to_contain_text("Resume it, then try again")
    await desk.open("/connectors")
    await page.get_by_role("button", name="Resume: lab").click()
    await expect(page.get_by_role("button", name="Pause: lab")).to_be_visible(timeout=20000)


async def test_everything_works_without_scripts(desk: Desk) -> None:
    page = await desk.without_scripts()
    desk.send(merge("M6"))
    await desk.open("/messages", page)
    await desk.row("M6", page).get_by_role("link").click()
    text = page.get_by_label("The message, one segment in a line")
    await text.fill((await text.input_value()).replace("MRG||", FORMER))
    await page.get_by_role("button", name="Try again").click()
    await expect(desk.row("M6", page)).to_contain_text("resources")
    await desk.row("M6", page).get_by_role("link").click()
    await expect(desk.part("Elements and their fields", page)).to_contain_text("PID-7")
    await page.context.close()
