"""The chat widget at the size of a telephone: by keys, by touch, with the network gone in between, read aloud."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, async_playwright, expect

from tests.browser.conftest import CHROMIUM, FLAGS, shoot
from tests.browser.test_accessibility import axe, faults
from tests.chat_world import BORN, NAME, chat_server, seed
from tests.cutting_proxy import CuttingProxy
from tests.insurance_cards import drawn
from tests.server_process import ServerProcess

__all__ = ["axe"]
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser")]
expect.set_options(timeout=20_000)
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


class Widget:
    """The demo page in a browser of its own. ``problems`` is what the browser complained of."""

    def __init__(self, browser: Browser, server: ServerProcess):
        self._browser, self.server = browser, server
        self.problems: list[str] = []

    @contextlib.asynccontextmanager
    async def page(self, url: str = "", **options: Any) -> AsyncIterator[Page]:
        context = await self._browser.new_context(**{**PHONE, **options})
        page = await context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda m: self.problems.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        await page.goto(f"{url or self.server.root}/chat/demo")
        try:
            yield page
        finally:
            await context.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def widget(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Widget]:
    if not CHROMIUM:
        pytest.skip("no Chromium: install Debian's package chromium, or set CHROMIUM to its path")
    with chat_server(tmp_path_factory.mktemp("chat")) as server:
        seed(server)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            yield Widget(browser, server)
            await browser.close()


def said(page: Page, text: str) -> Any:
    """A message of the agent with this text."""
    return page.locator(".theirs", has_text=text).last


async def write(page: Page, text: str, answer: str) -> None:
    box = page.get_by_role("textbox", name="Write a message")
    await box.fill(text)
    await box.press("Enter")
    await expect(said(page, answer)).to_be_visible()


async def mine(page: Page) -> list[str]:
    return await page.locator(".mine").all_inner_texts()


async def test_by_keys_alone(widget: Widget) -> None:
    async with widget.page() as page:
        for _ in range(3):
            await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(said(page, "How can I help")).to_be_visible()
        await page.keyboard.type("when is my appointment?")
        await page.keyboard.press("Enter")
        await expect(said(page, "date of birth")).to_be_visible()
        await page.keyboard.type(f"{NAME}, {BORN}")
        await page.keyboard.press("Enter")
        await expect(said(page, "Will you be there")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.locator(".panel")).to_be_hidden()
        await page.keyboard.press("Enter")  # the launcher has the focus again
        await page.keyboard.type("yes")
        await page.keyboard.press("Enter")
        await expect(said(page, "anything else")).to_be_visible()
        await page.keyboard.type("no thanks")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("How was it?")).to_be_visible()
        await page.locator(".stars input").first.focus()
        for key in ("Space", "ArrowRight", "ArrowRight", "ArrowRight", "Tab", "Enter"):
            await page.keyboard.press(key)
        await expect(page.locator(".why")).to_have_text("Thank you.")
    assert not widget.problems


async def test_by_touch_with_a_card(widget: Widget, tmp_path: Path) -> None:
    card = drawn(12, "tilted")
    (tmp_path / "card.png").write_bytes(card.png)
    async with widget.page(color_scheme="dark") as page:
        await page.get_by_role("button", name="Chat with us").tap()
        await expect(said(page, "How can I help")).to_be_visible()
        await write(page, "I have new insurance", "date of birth")
        await write(page, f"{NAME}, {BORN}", "insurance company")
        async with page.expect_file_chooser() as choosing:
            await page.get_by_role("button", name="Attach a photo or PDF").tap()
        await (await choosing.value).set_files(tmp_path / "card.png")
        await expect(page.locator(".preview img")).to_be_visible()
        await page.get_by_role("button", name="Send", exact=True).tap()
        await expect(said(page, f"member ID {card.printed.member}")).to_be_visible()
        await expect(page.locator(".mine img")).to_be_visible()
        await shoot(page, "chat-card-dark")
        overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0
        await write(page, "yes", "recorded your new insurance")
    found = httpx.get(f"{widget.server.base}/Coverage", headers=widget.server.headers_of("admin")).json()
    (coverage,) = [one["resource"] for one in found["entry"]]
    assert coverage["subscriberId"] == card.printed.member
    assert not widget.problems


async def test_what_is_written_without_a_network_is_sent_once_when_it_is_back(widget: Widget) -> None:
    async with widget.page() as page:
        await page.get_by_role("button", name="Chat with us").tap()
        await expect(said(page, "How can I help")).to_be_visible()
        await page.context.set_offline(True)
        for text in ("when is my appointment?", f"{NAME}, {BORN}"):
            box = page.get_by_role("textbox", name="Write a message")
            await box.fill(text)
            await box.press("Enter")
        await expect(page.get_by_text("Not sent yet").first).to_be_visible()
        assert len(await mine(page)) == 2
        await page.context.set_offline(False)
        await expect(said(page, "Will you be there")).to_be_visible()
        await expect(page.get_by_text("Not sent yet")).to_have_count(0)
        assert await mine(page) == ["when is my appointment?", f"{NAME}, {BORN}"]
    widget.problems[:] = [one for one in widget.problems if "ERR_INTERNET_DISCONNECTED" not in one]
    assert not widget.problems


async def test_cut_connections_lose_and_repeat_nothing(widget: Widget) -> None:
    with CuttingProxy(widget.server.port) as proxy:
        await _chat_while_cut(widget, proxy)
    widget.problems[:] = [one for one in widget.problems if "net::ERR" not in one]
    assert not widget.problems


async def _chat_while_cut(widget: Widget, proxy: CuttingProxy) -> None:
    async with widget.page(proxy.url) as page:
        await page.get_by_role("button", name="Chat with us").tap()
        await expect(said(page, "How can I help")).to_be_visible()
        await page.evaluate(
            "window.numbers = []; document.querySelector('credence-chat')"
            ".addEventListener('credence-event', e => window.numbers.push(e.detail.number))"
        )
        proxy.after = lambda: 1600  # bytes: in the middle of the events of most answers, after some
        proxy.cut()
        await write(page, "I want to cancel my appointment", "date of birth")
        proxy.down = True
        proxy.cut()
        box = page.get_by_role("textbox", name="Write a message")
        await box.fill(f"{NAME}, {BORN}")
        await box.press("Enter")
        await expect(page.locator(".notice")).to_have_text("No connection. Trying again…")
        proxy.down = False
        await expect(said(page, "reason")).to_be_visible()
        await write(page, "never mind", "anything else")
        proxy.after = lambda: 0
        await page.wait_for_function("document.querySelector('credence-chat').connection.outbox.length === 0")
        numbers = await page.evaluate("window.numbers")
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert await mine(page) == ["I want to cancel my appointment", f"{NAME}, {BORN}", "never mind"]
        assert proxy.cuts >= 4


async def test_what_is_written_before_the_greeting_has_come_stands_below_it(widget: Widget) -> None:
    async with widget.page() as page:
        held = asyncio.Event()

        async def late(route: Route) -> None:
            await held.wait()
            await route.continue_()

        await page.route("**/events*", late)
        await page.get_by_role("button", name="Chat with us").tap()
        box = page.get_by_role("textbox", name="Write a message")
        for text in ("when is my appointment?", "I am not sure when it was"):
            await box.fill(text)
            await box.press("Enter")
        await expect(page.locator(".mine:not(.unsent)")).to_have_count(2)
        await page.context.set_offline(True)
        await box.fill("are you there?")
        await box.press("Enter")
        await expect(page.locator(".mine.unsent")).to_have_count(1)
        await page.context.set_offline(False)
        held.set()
        await expect(page.locator(".mine.unsent")).to_have_count(0)
        await page.wait_for_function("document.querySelector('credence-chat').connection.outbox.length === 0")
        await expect(page.locator(".bubble").last).to_have_class("bubble theirs")
        shown = await page.locator(".bubble, .by").all_inner_texts()
        assert (
            "How can I help" in shown[1]
            and shown[:1] == ["Assistant"]
            and shown[2:4]
            == [
                "You",
                "when is my appointment?",
            ]
        )
        await page.unroute("**/events*")
        await page.reload()
        await page.get_by_role("button", name="Chat with us").tap()
        await expect(page.locator(".bubble")).to_have_count(
            len([t for t in shown if t not in ("You", "Assistant")])
        )
        assert await page.locator(".bubble, .by").all_inner_texts() == shown
    widget.problems[:] = [one for one in widget.problems if "net::ERR" not in one]
    assert not widget.problems


async def test_a_page_that_is_loaded_again_goes_on(widget: Widget) -> None:
    async with widget.page() as page:
        await page.get_by_role("button", name="Chat with us").tap()
        await expect(said(page, "How can I help")).to_be_visible()
        await write(page, "I have a new phone number", "date of birth")
        before = await page.locator(".bubble").all_inner_texts()
        await page.reload()
        await page.get_by_role("button", name="Chat with us").tap()
        await expect(said(page, "date of birth")).to_be_visible()
        assert await page.locator(".bubble").all_inner_texts() == before
        assert await page.locator(".told p").count() == 0  # what was there before is not read aloud
    assert not widget.problems


async def test_a_screen_reader_hears_whole_messages(widget: Widget) -> None:
    async with widget.page() as page:
        await page.evaluate(
            "() => { window.heard = []; const watch = () => { const told = document.querySelector('credence-chat')"
            ".shadowRoot.querySelector('.told'); new MutationObserver(ms => ms.forEach(m => m.addedNodes.forEach("
            "n => window.heard.push(n.textContent)))).observe(told, {childList: true, subtree: true}) }; watch() }"
        )
        await page.get_by_role("button", name="Chat with us").tap()
        await write(page, "hi", "How can I help you")
        await write(page, "what is the weather", "What can I do for you")
        heard = await page.evaluate("window.heard")
        texts = await page.locator(".theirs:not(.dots)").all_inner_texts()
        assert heard and all(one.removeprefix("Assistant: ") in texts for one in heard)
        assert len(heard) == len(set(heard)) or len(heard) <= len(texts)


async def test_in_spanish(widget: Widget) -> None:
    async with widget.page(locale="es-MX") as page:
        await page.get_by_role("button", name="Chatee con nosotros").tap()
        await expect(page.get_by_role("textbox", name="Escriba un mensaje")).to_be_focused()
        await page.get_by_role("button", name="Cerrar el chat").tap()
        await page.get_by_role("button", name="English").tap()
        await expect(page.get_by_role("button", name="Chat with us")).to_be_visible()


async def test_nothing_is_wrong_with_it_by_axe(widget: Widget, axe: str) -> None:
    found: list[str] = []
    for scheme in ("light", "dark"):
        async with widget.page(color_scheme=scheme, bypass_csp=True) as page:
            found += await faults(page, axe)
            await page.get_by_role("button", name="Chat with us").tap()
            await write(page, "hello", "How can I help")
            await page.get_by_role("button", name="End conversation").tap()
            await expect(page.get_by_text("How was it?")).to_be_visible()
            await page.wait_for_function("document.getAnimations({subtree: true}).length === 0")
            found += await faults(page, axe)
    assert not found


async def test_the_page_s_policy_lets_no_foreign_script_run(widget: Widget) -> None:
    answer = httpx.get(f"{widget.server.root}/chat/demo")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    async with widget.page() as page:
        ran = await page.evaluate(
            "() => { const s = document.createElement('script'); s.textContent = 'window.bad = 1';"
            " document.body.append(s); return window.bad }"
        )
        assert ran is None
    widget.problems.clear()
