"""The pages of agents and scheduling rules in a real browser, over a real server."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import ConsoleMessage, Page, async_playwright, expect

from tests.browser.conftest import CHROMIUM, FLAGS, shoot
from tests.browser.test_accessibility import axe, faults
from tests.server_process import ServerProcess

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("agents")]
__all__ = ["axe"]

FIRST = {
    "practice": "Lakeside Clinic",
    "zone": "America/New_York",
    "scheduling_rules": "main-hours",
    "identity": {"attempts": 2, "third_party": "person"},
    "wording": {"greeting": ["Lakeside Clinic, this is the automated assistant. What can I do for you?"]},
}
SECOND = {
    **FIRST,
    "offers": ["reschedule", "book", "cancel", "confirm", "insurance"],
    "graph": {
        "states": [
            {"name": "late-fee", "kind": "annotation", "says": "Please come early.", "after": ["read_back"]},
            {"name": "reason", "after": ["late-fee", "wish", "served", "handover"]},
            {"name": "insurance", "form_after": 4, "max_turns": 8},
        ]
    },
}
RULES: dict[str, Any] = {
    "lead": 240,
    "rolling_days": [{"days": 90}],
    "open_hours": {
        "weekly": [
            {"days": ["mon", "tue", "wed", "thu"], "from": "09:00", "to": "17:00"},
            {"days": ["fri"], "from": "09:00", "to": "13:00"},
        ],
        "exceptions": [{"name": "Christmas", "date": "2030-12-24", "until": "2030-12-26"}],
    },
    "concurrent_start_block": [{"most": 2, "per": "location"}],
    "block_overlap": [{"buffer_minutes": 10}],
    "session_grid": [{"days": ["mon"], "from": "09:00", "to": "12:00", "minutes": 20}],
    "release": [{"hours_before": 48, "from": "16:00", "to": "17:00"}],
    "patient_limit": [{"most": 2, "within_days": 30}],
    "durations": [{"service": "new-patient", "minutes": 45}],
    "patient_kinds": [{"patients": "new", "days": ["wed"]}],
}


@dataclass
class Desk:
    """Two pages of one operator: as on a desk, and as on a telephone."""

    page: Page
    narrow: Page
    url: str

    async def open(self, path: str) -> None:
        await self.page.goto(f"{self.url}/console{path}")
        await self.narrow.goto(f"{self.url}/console{path}")


def fill(server: ServerProcess) -> None:
    """An agent in two versions and a draft, its rules, a number, and a few free slots."""
    with httpx.Client(base_url=server.root, headers=server.headers_of("admin"), trust_env=False) as http:

        def send(method: str, path: str, body: Any = None) -> None:
            answer = http.request(method, f"/platform{path}", json=body)
            assert answer.is_success, (path, answer.text)

        send("POST", "/scheduling-rules", {"id": "main-hours", "title": "Main hours", "document": RULES})
        send("POST", "/agents", {"id": "front-desk", "title": "Front desk", "document": FIRST})
        send("POST", "/agents/front-desk/versions", {"note": "As it began"})
        send("POST", "/agents/front-desk/versions/1/activate")
        send("PUT", "/agents/front-desk/draft", {"document": SECOND})
        send("POST", "/agents/front-desk/versions", {"note": "Cards by form"})
        send("POST", "/agents/front-desk/versions/2/activate")
        send("PUT", "/agents/front-desk/draft", {"document": {**SECOND, "practice": 5}})
        send("POST", "/phone-numbers", {"number": "+15555550100", "title": "Main", "agent": "front-desk"})
        send("POST", "/agents", {"id": "billing", "title": "Billing line"})
    with httpx.Client(base_url=f"{server.base}/", headers=server.headers_of("ehr"), trust_env=False) as ehr:
        for one in calendar():
            answer = ehr.put(f"{one['resourceType']}/{one['id']}", json=one)
            assert answer.is_success, answer.text


def calendar() -> list[dict[str, Any]]:
    """Free slots of half an hour on a Monday, a Tuesday and a Friday in December 2030."""
    doctor = {"reference": "Practitioner/lane", "display": "Dr. Ada Lane"}
    made: list[dict[str, Any]] = [
        {"resourceType": "Practitioner", "id": "lane", "name": [{"family": "Lane"}]},
        {"resourceType": "Schedule", "id": "lane", "actor": [doctor]},
    ]
    for day in (9, 10, 13):
        for hour in (8, 9, 16):
            start = datetime(2030, 12, day, hour, tzinfo=ZoneInfo("America/New_York"))
            made.append(
                {
                    "resourceType": "Slot",
                    "id": f"s-{day}-{hour}",
                    "schedule": {"reference": "Schedule/lane"},
                    "status": "free",
                    "start": start.isoformat(),
                    "end": (start + timedelta(minutes=30)).isoformat(),
                }
            )
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    if not CHROMIUM:
        pytest.skip("no Chromium: install Debian's package chromium, or set CHROMIUM to its path")
    problems: list[str] = []
    async with contextlib.AsyncExitStack() as stack:
        server = stack.enter_context(ServerProcess(tmp_path_factory.mktemp("agents")))
        fill(server)
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        stack.push_async_callback(browser.close)
        pages = []
        for width in (1280, 390):
            page = await (await browser.new_context(viewport={"width": width, "height": 800})).new_page()
            page.set_default_timeout(20000)
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.on("console", lambda said: problems.append(said.text) if _is_trouble(said) else None)
            await page.goto(f"{server.root}/console")
            await page.get_by_label("token").fill(server.tokens["admin"])
            await page.get_by_role("button", name="Sign in").click()
            await page.get_by_role("link", name="Agents", exact=True).wait_for()
            pages.append(page)
        yield Desk(pages[0], pages[1], server.root)
    assert problems == []


def _is_trouble(said: ConsoleMessage) -> bool:
    return said.type == "error" and "422" not in said.text  # a page that says what was wrong is one


async def fits(page: Page) -> bool:
    return bool(await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


async def test_the_list(desk: Desk, axe: str) -> None:
    await desk.open("/agents")
    row = desk.page.locator("tr", has=desk.page.get_by_role("link", name="Front desk"))
    await expect(row).to_contain_text("in force: version 2")
    await expect(row).to_contain_text("+15555550100")
    for page in (desk.page, desk.narrow):
        assert await faults(page, axe) == [] and await fits(page)
    await shoot(desk.page, "agents", whole=True)


async def test_an_agent_its_graph_and_what_differs(desk: Desk, axe: str) -> None:
    await desk.open("/agents/front-desk")
    graph = desk.page.get_by_role("img", name="Context graph")
    await expect(graph).to_contain_text("late fee")
    await expect(graph).to_contain_text("form after 4")
    await expect(desk.page.locator("#history ~ ul")).to_contain_text("version 2 by admin")
    differs = desk.page.get_by_role("region", name="Differences")
    await expect(differs).to_contain_text("/practice")
    for page in (desk.page, desk.narrow):
        assert await faults(page, axe) == [] and await fits(page)
    await shoot(desk.page, "agent", whole=True)
    await shoot(desk.narrow, "agent-narrow", whole=True)
    await desk.page.get_by_label("From", exact=True).select_option("1")
    await desk.page.get_by_label("to", exact=True).select_option("2")
    await desk.page.get_by_role("button", name="Compare").press("Enter")
    await expect(differs).to_contain_text("/graph")
    await desk.page.get_by_role("link", name="draft", exact=True).press("Enter")
    await expect(desk.page.locator(".wrong")).to_contain_text("/practice")


async def test_rules_are_told_in_words_and_say_why(desk: Desk, axe: str) -> None:
    await desk.open("/rules/main-hours?day=2030-12-09&days=7")
    await expect(desk.page.locator("main")).to_contain_text("Open Mon to Thu, 09:00 to 17:00.")
    await expect(desk.page.locator("main")).to_contain_text(
        "At most 2 visits at a location begin at the same time"
    )
    slots = desk.page.get_by_role("region", name="Free slots")
    await expect(slots).to_contain_text("rolling days")
    for page in (desk.page, desk.narrow):
        assert await faults(page, axe) == [] and await fits(page)
    await shoot(desk.page, "rules", whole=True)
    await shoot(desk.narrow, "rules-narrow", whole=True)
    await desk.page.get_by_label("Days").fill("99")
    await desk.page.evaluate("document.querySelector('form.filters').noValidate = true")
    await desk.page.get_by_role("button", name="Look").press("Enter")
    await expect(desk.page.get_by_role("alert")).to_contain_text("At most 60 days")
