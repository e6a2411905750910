"""An operator with ears and a voice: a real browser with a microphone, the server, the process that answers the
telephone, and a simulated caller whose recording tells what was heard at the other end of the line."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright, expect

from agent.audio.frames import RATE, Pcm
from agent.audio.wav import read_channels, write_mono
from fhirserver.console.sessions import COOKIE
from tests.browser.conftest import CHROMIUM, FLAGS, SHOTS, ready, shoot
from tests.server_process import command
from tests.voice_process import CALLER, TWILIO, VoiceSite, voice_site

pytest.importorskip("espeakng_loader")
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("voice")]

TUNE = (500, 800, 1300, 2000)
"""Hertz: what the operator's microphone hears, a quarter of a second each, again and again."""
NOTE = 0.25


@dataclass
class Operator:
    """The page of a call in a browser, and the call's far end."""

    page: Page
    site: VoiceSite
    calling: subprocess.Popen[bytes]
    told: Path
    problems: list[str]

    async def loudest(self, meter: str, least: float = 0.05) -> float:
        """Wait until a meter of the page shows sound: how much."""
        async with asyncio.timeout(30):
            while (seen := await self.page.evaluate(f"document.getElementById('{meter}').value")) < least:
                await asyncio.sleep(0.02)
        return float(seen)

    async def over(self) -> dict[str, Any]:
        """Wait for the end of the call; what the caller's side says of it."""
        async with asyncio.timeout(60):
            while self.calling.poll() is None:
                await asyncio.sleep(0.1)
        [result] = json.loads(self.told.read_text())
        return dict(result)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VoiceSite]:
    if not CHROMIUM:
        pytest.skip("no Chromium: install Debian's package chromium, or set CHROMIUM to its path")
    with voice_site(tmp_path_factory.mktemp("voice")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def operator(site: VoiceSite, request: pytest.FixtureRequest) -> AsyncIterator[Operator]:
    """At the page of a call that has just been answered. With the parameter ``deny`` the browser gives no page a
    microphone."""
    denied = getattr(request, "param", "") == "deny"
    write_mono(site.folder / "microphone.wav", tune(3.0))
    asked = "--deny-permission-prompts" if denied else "--use-fake-ui-for-media-stream"
    flags = [
        *FLAGS, asked, "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={site.folder / 'microphone.wav'}",
    ]  # fmt: skip
    told = site.folder / "told.json"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        context = await browser.new_context(viewport={"width": 1366, "height": 800})
        base = site.server.base.removesuffix("/fhir")
        await context.add_cookies(
            [{"name": COOKIE, "value": await signed_in(site), "url": f"{base}/console"}]
        )
        page = await context.new_page()
        problems: list[str] = []
        if not SHOTS:  # to take a picture, styles are added to the page
            page.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        calling = call(site, told)
        try:
            id = await called(site)
            await page.goto(f"{base}/console/live/{id}")
            await ready(page)
            yield Operator(page, site, calling, told, problems)
        finally:
            calling.kill()
            calling.wait()
            await browser.close()


def tune(seconds: float) -> Pcm:
    t = np.arange(round(seconds * RATE)) / RATE
    notes = np.array(TUNE)[(t / NOTE).astype(int) % len(TUNE)]
    return (9000 * np.sin(2 * np.pi * notes * t)).astype(np.int16)


def notes_in(pcm: Pcm) -> list[int]:
    """The notes of the tune in a sound, one for each 20 ms in which one is plainly there."""
    frames = pcm[: len(pcm) // 160 * 160].reshape(-1, 160).astype(float)
    power = np.abs(np.fft.rfft(frames * np.hanning(160), axis=1)) ** 2
    found = []
    for one in power:
        near = {note: one[note // 50 - 1 : note // 50 + 2].sum() for note in TUNE}
        best = max(near, key=lambda note: near[note])
        if near[best] > 0.8 * one.sum() and one.sum() > 1e7:
            found.append(best)
    return found


def call(site: VoiceSite, told: Path) -> subprocess.Popen[bytes]:
    """Somebody calls, says hello, and then waits."""
    script = site.folder / "caller.txt"
    script.write_text(". => Hello, I have a question\n")
    arguments = [
        *command(), "simulate-phone", "--webhook", site.webhook, "--auth-token", TWILIO, "--from", CALLER,
        "--script", str(script), "--record", str(site.folder / "far"), "--json",
    ]  # fmt: skip
    with told.open("w") as out:
        return subprocess.Popen(arguments, stdout=out)


async def signed_in(site: VoiceSite) -> str:
    base = site.server.base.removesuffix("/fhir")
    async with httpx.AsyncClient(base_url=base, trust_env=False) as http:
        await http.post("/console/sign-in", data={"token": site.server.tokens["admin"]})
        return http.cookies[COOKIE]


async def called(site: VoiceSite) -> str:
    """The id of the call, once the server shows it with its sound."""
    url = site.server.base.removesuffix("/fhir") + "/live/calls"
    async with asyncio.timeout(40), httpx.AsyncClient(trust_env=False) as http:
        while True:
            answer = await http.get(url, headers=site.server.headers_of("admin"))
            for one in answer.json()["calls"]:
                if not one["ended"] and one["speaks"] and one["state"] not in ("", "ringing"):
                    return str(one["id"])
            await asyncio.sleep(0.2)


async def test_an_operator_hears_the_call_takes_it_and_is_heard_by_the_caller(operator: Operator) -> None:
    page, state = operator.page, operator.page.locator("#sound-state")
    await expect(page.locator("#speak")).to_be_disabled()
    await page.keyboard.press("l")
    await expect(state).to_have_text("Listening.")
    await operator.loudest("hearing")
    await expect(page.locator("#talk")).to_contain_text("Thank you for calling")
    await shoot(page, "sound-listening")
    await page.keyboard.press("t")
    await expect(state).to_have_text("You have the call. The caller does not hear you.")
    await expect(page.locator("#speak")).to_be_focused()
    await page.keyboard.press("s")
    await expect(state).to_have_text("You are speaking to the caller.")
    await operator.loudest("level")
    await asyncio.sleep(4)
    for width in (1366, 700):
        await page.set_viewport_size({"width": width, "height": 800})
        await shoot(page, f"sound-speaking-{width}", whole=True)
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    await page.keyboard.press("s")
    await expect(state).to_have_text("You have the call. The caller does not hear you.")
    await expect(page.locator("#talk")).to_contain_text("speaks to the caller")
    await page.keyboard.press("w")
    await page.keyboard.type("Helped in person.")
    await page.get_by_role("button", name="Save").click()
    await expect(state).to_have_text("The call is over.")
    result = await operator.over()
    assert not result["trouble"], result
    heard = notes_in(read_channels(Path(result["recording"]))[1])
    assert len(heard) * 0.02 > 2.0, "the caller's recording does not hold what the operator said"
    order = [note for last, note in itertools.pairwise(heard) if note != last]
    follows = dict(zip(TUNE, (*TUNE[1:], TUNE[0]), strict=True))
    right = sum(follows[a] == b for a, b in itertools.pairwise(order))
    assert right >= 0.7 * (len(order) - 1) and len(order) > 6, order
    assert operator.problems == []
    [kept] = await recorded(operator.site)
    assert len(notes_in(read_channels(kept)[1])) * 0.02 > 2.0
    done = {
        one["subtype"][0]["code"]
        for one in operator.site.find("AuditEvent", _count="200")
        if "subtype" in one
    }
    assert {"listen", "take_over", "speak", "wrap_up"} <= done


@pytest.mark.parametrize("operator", ["deny"], indirect=True)
async def test_without_a_microphone_the_page_says_so_and_the_call_goes_on_by_typing(
    operator: Operator,
) -> None:
    page, state = operator.page, operator.page.locator("#sound-state")
    await page.locator("#listen").click()
    await expect(state).to_have_text("Listening.")
    await page.locator("#take-over").click()
    await expect(state).to_have_text("You have the call. The caller does not hear you.")
    await page.locator("#speak").click()
    await expect(state).to_have_text("Microphone not allowed: type instead.")
    await expect(page.locator("#say")).to_be_focused()
    await shoot(page, "sound-denied")
    await page.keyboard.type("This is the front desk.")
    await page.keyboard.press("Enter")
    await expect(page.locator("#talk li.person")).to_contain_text("This is the front desk.")
    await page.reload()  # the sound is gone for a moment, and the call is kept
    await ready(page)
    # Chromium decides whether what was pressed before the page was loaded anew counts for its sound.
    await expect(state).to_have_text(
        re.compile(r"^You have the call\. The caller does not hear you\.( Press .*)?$")
    )
    await page.locator("#talk").click()
    await expect(state).to_have_text("You have the call. The caller does not hear you.")
    await operator.loudest("hearing", 0.0)
    await page.locator("#hand-back").click()
    await expect(state).to_have_text("Listening.")
    await page.locator("#listen").click()
    await expect(state).to_contain_text("You hear nothing.")
    assert [one for one in operator.problems if "AudioContext was not allowed to start" not in one] == []


async def recorded(site: VoiceSite) -> list[Path]:
    """The recordings that the telephone kept, once there is one."""
    async with asyncio.timeout(30):
        while not (kept := sorted((site.folder / "recordings").glob("*.wav"), key=os.path.getmtime)):
            await asyncio.sleep(0.2)
    return kept
