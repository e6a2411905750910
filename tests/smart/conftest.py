"""The servers, apps and browsers that tests of SMART share; what is on them: :mod:`tests.smart.practice`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.server_process import ServerProcess
from tests.smart.inferno import Inferno
from tests.smart.inferno import running as inferno_server
from tests.smart.practice import add_user, app_process, records, settings


@pytest.fixture(scope="package")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of the app with pages; or nothing, and why: the other apps need none."""
    with ExitStack() as running:
        try:
            address, missing = running.enter_context(app_process(tmp_path_factory.mktemp("app"))), ""
        except pytest.skip.Exception as skipped:
            address, missing = "", str(skipped)
        yield address, missing


@pytest.fixture(scope="package")
def app(pages: tuple[str, str]) -> str:
    address, missing = pages
    if missing:
        pytest.skip(missing)
    return address


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory, pages: tuple[str, str]) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("smart-apps")
    with ServerProcess(folder, settings=settings(folder, pages[0])) as running:
        for one in records():
            url = f"{running.base}/{one['resourceType']}/{one['id']}"
            assert httpx.put(url, json=one, headers=running.headers).status_code == 201, one["id"]
        add_user(running, "dana", "Dana Reyes", "--fhir-user", "Practitioner/d1", "--role", "read")
        add_user(running, "pat", "Pat Jones", "--fhir-user", "Patient/p1")
        yield running


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser() -> AsyncIterator[Browser]:
    if not CHROMIUM:
        pytest.skip("no Chromium: install Debian's package chromium, or set CHROMIUM to its path")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        await running.close()


@pytest.fixture(scope="session")
def inferno(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inferno]:
    """One server for all modules that share the xdist_group ``inferno``."""
    yield from inferno_server(tmp_path_factory.mktemp("inferno"))
