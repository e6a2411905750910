"""The subscriptions page in a real browser: a subscriber that falls behind, is asked again, and is switched off."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, async_playwright, expect

from tests.browser.conftest import CHROMIUM, FLAGS, shoot
from tests.browser.test_accessibility import axe, faults
from tests.server_process import ServerProcess
from tests.subscriber_process import SubscriberProcess

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("subscriptions-page")]
__all__ = ["axe"]
_MAY = """
[subscriptions]
allow_private = true
allow_http = true
"""


@dataclass
class Desk:
    """A browser at the subscriptions page, and the server with a subscriber that can be made to fail."""

    page: Page
    server: ServerProcess
    subscriber: SubscriberProcess
    http: httpx.AsyncClient
    problems: list[str] = field(default_factory=list)

    async def open(self, path: str) -> None:
        await self.page.goto(f"{self.server.base.removesuffix('/fhir')}/console{path}")

    def row(self, id: str) -> Locator:
        return self.page.get_by_role("row").filter(has=self.page.get_by_role("rowheader", name=id))

    async def put(self, resource: dict[str, Any]) -> None:
        path = f"{resource['resourceType']}/{resource['id']}"
        (await self.http.put(path, json=resource)).raise_for_status()

    async def subscribe(self, id: str) -> None:
        """To all patients, with its secret in the path."""
        channel = {"type": "rest-hook", "endpoint": f"{self.subscriber.url}/{id}?key=s3cret"}
        channel["payload"] = "application/fhir+json"
        more = {"reason": "The front desk wants to know", "criteria": "Patient?", "channel": channel}
        await self.put({"resourceType": "Subscription", "id": id, "status": "requested", **more})

    async def patients(self, count: int) -> None:
        for number in range(count):
            await self.put({"resourceType": "Patient", "id": f"p{number}", "gender": "female"})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    if not CHROMIUM:
        pytest.skip("no Chromium: install Debian's package chromium, or set CHROMIUM to its path")
    folder = tmp_path_factory.mktemp("subscriptions")
    async with contextlib.AsyncExitStack() as stack:
        server = stack.enter_context(ServerProcess(folder / "server", settings=_MAY))
        subscriber = stack.enter_context(SubscriberProcess(folder / "subscriber"))
        http = await stack.enter_async_context(
            httpx.AsyncClient(base_url=f"{server.base}/", headers=server.headers_of("admin"), trust_env=False)
        )
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        stack.push_async_callback(browser.close)
        page = await (await browser.new_context(viewport={"width": 1280, "height": 800})).new_page()
        page.set_default_timeout(20000)
        desk = Desk(page, server, subscriber, http)
        page.on("pageerror", lambda error: desk.problems.append(str(error)))
        await desk.open("")
        await page.get_by_label("token").fill(server.tokens["admin"])
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("link", name="Subscriptions").click()
        yield desk
    assert desk.problems == []


async def shown_and_followed_by_itself(desk: Desk, axe: str) -> None:
    await expect(desk.page.locator("main")).to_contain_text("Nobody subscribes")
    for id in ("portal", "billing"):
        await desk.subscribe(id)
    await expect(desk.row("portal")).to_contain_text("active", timeout=20000)
    await expect(desk.row("portal")).to_contain_text(f"127.0.0.1:{desk.subscriber.port}")
    await expect(desk.page.locator("main")).not_to_contain_text("s3cret")
    desk.subscriber.fault("status", path="/billing", status=404)
    await desk.patients(3)
    await expect(desk.row("billing")).to_contain_text("error", timeout=20000)
    await expect(desk.row("billing")).to_contain_text("the first")
    await expect(desk.row("billing").get_by_role("cell").nth(4)).to_contain_text("3")
    await expect(desk.row("portal").get_by_role("cell").nth(4)).to_have_text("0", timeout=20000)
    assert await faults(desk.page, axe) == []
    await shoot(desk.page, "subscriptions")


async def asked_again_it_has_everything(desk: Desk) -> None:
    desk.subscriber.heal()
    await desk.page.get_by_role("button", name="Ask again: billing").click()
    await expect(desk.page.get_by_role("status").filter(has_text="is being asked again")).to_be_visible()
    await expect(desk.row("billing")).to_contain_text("active", timeout=20000)
    await expect(desk.row("billing").get_by_role("cell").nth(4)).to_have_text("0", timeout=20000)
    taken = {one.path for one in desk.subscriber.received("/billing") if one.status == 200}
    assert len(taken) == 3


async def switched_off_until_its_owner_asks_for_it_again(desk: Desk, axe: str) -> None:
    owner = await desk.row("portal").get_by_role("rowheader").inner_text()
    await desk.page.get_by_role("button", name="Switch off: portal").press("Enter")
    await expect(desk.row("portal").locator(".tag")).to_have_text("off", timeout=20000)
    assert await desk.row("portal").get_by_role("rowheader").inner_text() == owner
    before = len(desk.subscriber.received("/portal"))
    await desk.patients(1)
    await expect(desk.row("billing").get_by_role("cell").nth(4)).to_have_text("0", timeout=20000)
    assert len(desk.subscriber.received("/portal")) == before
    await desk.subscribe("portal")
    await expect(desk.row("portal")).to_contain_text("active", timeout=20000)
    assert await faults(desk.page, axe) == []
    await desk.open("/subscriptions?after=nonsense")
    await expect(desk.page.locator("main")).not_to_contain_text("billing")


async def test_how_subscriptions_stand_is_shown_and_they_are_asked_again_and_switched_off(
    desk: Desk, axe: str
) -> None:
    """One story: each step begins where the one before has ended."""
    await shown_and_followed_by_itself(desk, axe)
    await asked_again_it_has_everything(desk)
    await switched_off_until_its_owner_asks_for_it_again(desk, axe)
