"""A headless Chromium beside the running server, both for all tests. Skipped, with the reason, where there is none."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from fhirserver.console.sessions import COOKIE
from tests.console_world import small_changes, the_call
from tests.facade import Facade, facade
from tests.server_process import free_port

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=20_000)
"""Milliseconds: two browsers and several servers may begin at once on a small machine."""
SHOTS = os.environ.get("SCREENSHOTS", "")
"""A folder to put pictures of the pages into."""


@dataclass
class Site:
    """The console on a port of this machine, with review items in it. ``problems`` is what browsers complained of."""

    server: Facade
    url: str
    items: dict[str, str]
    browser: Browser
    problems: list[str] = field(default_factory=list)
    sessions: dict[str, str] = field(default_factory=dict)

    async def desk(self, name: str = "ana", width: int = 1280, **options: Any) -> Page:
        """A page of a browser of its own in which somebody has signed in, at the queue."""
        context: BrowserContext = await self.browser.new_context(
            viewport={"width": width, "height": 800}, **options
        )
        await context.add_cookies(
            [{"name": COOKIE, "value": await self._session(name), "url": f"{self.url}/console"}]
        )
        page = await context.new_page()
        page.set_default_timeout(15000)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        await page.goto(f"{self.url}/console")
        if options.get("java_script_enabled", True):
            await ready(page)
        return page

    async def _session(self, name: str) -> str:
        """The cookie of somebody who has signed in."""
        if name not in self.sessions:
            async with self.server.browser() as http:
                await http.post("/console/sign-in", data={"token": f"token-{name}"})
                self.sessions[name] = http.cookies[COOKIE]
        return self.sessions[name]

    async def open(self, page: Page, path: str) -> None:
        """Go to a page of the console, and wait until its keys work."""
        await page.goto(f"{self.url}/console{path}")
        await ready(page)

    def _said(self, message: Any) -> None:
        if (
            message.type in ("error", "warning") and not SHOTS
        ):  # to take a picture, styles are added to the page
            self.problems.append(message.text)

    @contextlib.contextmanager
    def expecting(self, *words: str) -> Iterator[None]:
        """What browsers complain of in this block, with one of these words in it, is meant to be."""
        before = len(self.problems)
        yield
        self.problems[before:] = [p for p in self.problems[before:] if not any(word in p for word in words)]


async def ready(page: Page) -> None:
    """The page's scripts have run, and what happens reaches it."""
    await page.locator("body[data-ready][data-live]").wait_for()


async def shoot(page: Page, name: str, whole: bool = False) -> None:
    """A picture of the page, where a folder for it is named."""
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=whole, animations="disabled")


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    if not CHROMIUM:
        pytest.skip("no Chromium: install Debian's package chromium, or set CHROMIUM to its path")
    async with facade(tmp_path_factory.mktemp("desk")) as server, async_playwright() as playwright:
        items = await the_call(server)
        await small_changes(server, 22)
        port = free_port()
        config = uvicorn.Config(
            server.application, port=port, lifespan="off", log_level="error", timeout_graceful_shutdown=1
        )
        web = uvicorn.Server(config)
        serving = asyncio.create_task(web.serve())
        while not web.started:
            await asyncio.sleep(0.02)
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield Site(server, f"http://127.0.0.1:{port}", items, browser)
        await browser.close()
        web.should_exit = True
        await serving
