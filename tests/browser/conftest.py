"""A headless Chromium beside the running server. Skipped, with the reason, where there is none."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.async_api import Browser, async_playwright

from tests.facade import Facade, facade
from tests.review_items import review_items
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


@dataclass(frozen=True)
class Site:
    """The console on a port of this machine, with review items in it."""

    server: Facade
    url: str
    items: dict[str, str]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with facade(tmp_path) as server:
        items = await review_items(server)
        port = free_port()
        config = uvicorn.Config(server.application, port=port, lifespan="off", log_level="error")
        web = uvicorn.Server(config)
        serving = asyncio.create_task(web.serve())
        while not web.started:
            await asyncio.sleep(0.02)
        yield Site(server, f"http://127.0.0.1:{port}", items)
        web.should_exit = True
        await serving


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    if not CHROMIUM:
        pytest.skip("no Chromium: install Debian's package chromium, or set CHROMIUM to its path")
    async with async_playwright() as playwright:
        options: dict[str, Any] = {"executable_path": CHROMIUM, "args": FLAGS}
        running = await playwright.chromium.launch(**options)
        yield running
        await running.close()
