"""The pages of live calls in a real browser, over the real server with calls that are held open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, async_playwright, expect

from agent.live.board import LiveBoard
from agent.signals import Emotion, Partial
from fhirserver.console.sessions import COOKIE
from tests.browser.conftest import CHROMIUM, FLAGS, Site, ready, shoot
from tests.browser.test_accessibility import axe, faults
from tests.live_call import Held, LiveSite, held_call, live_site

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("live")]
__all__ = ["axe"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Site, LiveSite]]:
    if not CHROMIUM:
        pytest.skip("no Chromium: install Debian's package chromium, or set CHROMIUM to its path")
    async with live_site(tmp_path_factory.mktemp("live")) as live, async_playwright() as playwright:
        for patient in PATIENTS:
            assert (await live.server.ehr.put(patient)).status_code == 201
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        site = Site(live.server, live.url, {}, browser)
        yield site, live
        await browser.close()
        assert site.problems == []


@pytest_asyncio.fixture(loop_scope="module")
async def call(desk: tuple[Site, LiveSite]) -> AsyncIterator[Held]:
    async with held_call(desk[1].board, desk[1].client, ear=Ear()) as held:
        yield held


PATIENTS: list[dict[str, Any]] = [
    {
        "resourceType": "Patient",
        "id": "eve",
        "name": [{"family": "Bradtke", "given": ["Eve"]}],
        "telecom": [{"system": "phone", "value": "412-555-0142"}],
        "birthDate": "1982-03-03",
    }
]


class Ear:
    """Silence, both sides, as long as somebody listens."""

    async def listen(self) -> AsyncIterator[bytes]:
        while True:
            yield bytes(640)
            await asyncio.sleep(0.02)


async def opened(site: Site, call: Held, name: str = "ana") -> Page:
    page = await site.desk(name)
    await site.open(page, f"/live/{call.id}")
    return page


async def story(call: Held) -> None:
    """A caller who is known, and grows angry."""
    call.line.hear("Hi, I want to cancel my appointment")
    await call.line.spoken("full name")
    call.line.hear("Eve Bradtke, March third nineteen eighty two")
    await call.line.spoken("Eve")
    for valence in (0.1, -0.1, -0.3, -0.6, -0.5, -0.8):
        call.attended.call.put(Emotion(datetime.now(UTC), "annoyed", "light touch", 0.6, valence, -0.2))
    call.line.hear("This is ridiculous, I already told you that")
    await asyncio.sleep(0.1)
    call.attended.call.put(Partial(datetime.now(UTC), "how many times do I"))


async def test_a_call_is_followed_guided_taken_over_and_wrapped_up_by_keys(
    desk: tuple[Site, LiveSite], call: Held
) -> None:
    site, _ = desk
    page = await site.desk()
    await site.open(page, "/live")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await ready(page)
    await story(call)
    talk = page.locator("#talk")
    await expect(talk.locator("li.caller").last).to_contain_text("I already told you that")
    await expect(talk.locator("li.partial")).to_contain_text("how many times do I")
    await expect(page.locator("#state .risk .number").first).not_to_have_text("0")
    await expect(page.locator("#state .reasons")).to_contain_text("Frustrated words")
    await expect(page.locator("h1").get_by_role("link", name="Eve Bradtke")).to_be_visible()
    await expect(page.locator("svg.felt")).to_be_visible()
    await shoot(page, "live-call")
    await page.keyboard.press("g")
    await page.keyboard.type("I am sorry for the wait.")
    await page.keyboard.press("Enter")
    await call.line.spoken("I am sorry for the wait.")
    await page.locator("#take-over").wait_for()
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("t")
    await expect(page.locator("#doings")).to_contain_text("with ana")
    await page.locator("#say").fill("This is Ana, let me help.")
    await page.keyboard.press("Enter")
    await expect(talk.locator("li.person")).to_contain_text("This is Ana, let me help.")
    await shoot(page, "live-held")
    await page.locator("#state").click()
    await page.keyboard.press("w")
    await page.keyboard.type("Cancelled by hand.")
    await page.locator("#disposition").select_option("resolved")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#doings")).to_contain_text("Wrapped up.")
    record = await call.end()
    assert record.outcome == "end: operator"
    assert call.attended.escalation is not None
    assert (call.attended.escalation.note, call.attended.escalation.disposition) == (
        "Cancelled by hand.",
        "resolved",
    )
    await expect(page.locator("#doings")).to_contain_text("The call is over.")


async def test_words_begun_while_what_may_be_done_is_asked_for_again_stay(
    desk: tuple[Site, LiveSite], call: Held
) -> None:
    page = await opened(desk[0], call)
    asked, answer = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        asked.set()
        await answer.wait()
        await route.continue_()

    await page.route("**/doings", late)
    await page.locator("#take-over").click()
    await expect(page.locator("#say")).to_be_focused()
    async with asyncio.timeout(20):
        await asked.wait()
    await page.keyboard.type("This is ")
    async with page.expect_response("**/doings"):
        answer.set()
    await page.keyboard.type("the front desk.")
    await expect(page.locator("#say")).to_have_value("This is the front desk.")
    await page.keyboard.press("Enter")
    await expect(page.locator("#talk li.person")).to_contain_text("This is the front desk.")


async def test_words_begun_before_a_button_is_answered_stay(desk: tuple[Site, LiveSite], call: Held) -> None:
    page = await opened(desk[0], call)
    answer = asyncio.Event()

    async def late(route: Route) -> None:
        await answer.wait()
        await route.continue_()

    await page.route("**/take_over", late)
    await page.locator("#take-over").click()
    await page.locator("#say").focus()
    await page.keyboard.type("This is ")
    async with page.expect_response("**/take_over"):
        answer.set()
    await expect(page.locator("#hand-back")).to_be_visible()
    await page.keyboard.type("the front desk.")
    await expect(page.locator("#say")).to_have_value("This is the front desk.")


async def test_another_operator_sees_who_has_the_call_and_cannot_take_it(
    desk: tuple[Site, LiveSite], call: Held
) -> None:
    ana, ben = await opened(desk[0], call), await opened(desk[0], call, "ben")
    await ana.keyboard.press("t")
    await expect(ana.locator("#hand-back")).to_be_visible()
    await expect(ben.locator("#doings")).to_contain_text("ana has this call")
    await expect(ben.locator("#take-over")).to_have_count(0)
    await ana.keyboard.press("Escape") if await ana.locator("#say:focus").count() else None
    await ana.locator("#hand-back").click()
    await expect(ben.locator("#take-over")).to_be_visible()
    await call.line.spoken("I'm back")


async def test_listening_plays_the_sound_and_is_noted(desk: tuple[Site, LiveSite], call: Held) -> None:
    page = await opened(desk[0], call)
    await page.keyboard.press("l")
    await expect(page.locator("#listen")).to_have_attribute("aria-pressed", "true")
    await expect(page.locator("#state")).to_contain_text("Listening")
    assert call.attended.listeners == ["ana"]
    await page.keyboard.press("l")
    await expect(page.locator("#listen")).to_have_attribute("aria-pressed", "false")


async def test_the_list_shows_what_presses_first_and_no_page_has_a_fault(
    desk: tuple[Site, LiveSite], call: Held, axe: str
) -> None:
    site, live = desk
    async with held_call(live.board, live.client, caller="+14125550999") as other:
        other.line.hear("I will hurt the doctor, I have a gun")
        await other.line.spoken("connecting you")
        await story(call)
        page = await site.desk()
        await site.open(page, "/live")
        rows = page.locator(".calls tbody tr")
        await expect(rows.first).to_contain_text("+14125550999")
        await expect(rows.nth(1)).to_contain_text("Eve Bradtke")
        await expect(rows.first).to_contain_text("safety concern")
        await shoot(page, "live-list")
        found = await faults(page, axe)
        for id in (call.id, other.id):
            await site.open(page, f"/live/{id}")
            found += await faults(page, axe)
            for width in (1280, 700):
                await page.set_viewport_size({"width": width, "height": 800})
                await shoot(page, f"live-{id == call.id}-{width}", whole=True)
                assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert found == []


async def test_without_scripts_the_page_says_all_and_its_forms_work(
    desk: tuple[Site, LiveSite], call: Held
) -> None:
    site, _ = desk
    page = await site.desk(java_script_enabled=False)
    await page.goto(f"{site.url}/console/live/{call.id}")
    await expect(page.locator("#talk li.agent").first).to_contain_text("Thank you for calling")
    await page.locator("#say").fill("We open at eight.")
    await page.get_by_role("button", name="Guide").click()
    await call.line.spoken("We open at eight.")
    await page.locator("#take-over").click()
    await expect(page.locator("#doings")).to_contain_text("with ana")
    await page.locator("#hand-back").click()
    await call.line.spoken("I'm back")


async def test_strangers_see_nothing(desk: tuple[Site, LiveSite], call: Held) -> None:
    async with desk[1].server.browser() as http:
        for path in (
            "",
            "/list",
            f"/{call.id}",
            f"/{call.id}/talk",
            f"/{call.id}/state",
            f"/{call.id}/audio",
        ):
            answer = await http.get(f"/console/live{path}")
            assert answer.status_code == 303, path
        assert (await http.get(f"/console/live/{call.id}/events")).status_code == 401
        assert (await http.post(f"/console/live/{call.id}/take_over")).status_code == 303
    assert COOKIE not in http.cookies
    assert isinstance(desk[1].board, LiveBoard)
    assert call.attended.holder == ""
