"""The form page when life comes in between: two tabs, another app, a session that is over, a network that goes."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import shoot
from tests.browser.test_accessibility import axe, faults
from tests.browser.test_forms import Forms, forms, identify, practice, saved
from tests.form_world import ADA

__all__ = ["axe", "forms", "practice"]
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser")]
PHONE, EMAIL = "412-555-0142", "ada@example.org"


def _networkless(forms: Forms) -> None:
    """What a browser says of a network that is away is no fault of the page."""
    forms.problems[:] = [one for one in forms.problems if "ERR_" not in one and "401" not in one]
    assert not forms.problems


async def _hide(page: Page, state: str = "hidden") -> None:
    """As when another app comes to the front."""
    await page.evaluate(
        "(state) => { Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        state,
    )


async def test_a_tab_that_was_open_before_takes_nothing_back(forms: Forms) -> None:
    url = forms.form(subjects=["phone", "email"])
    async with forms.phone() as first:
        await first.goto(url)
        await identify(first)
        second = await forms.page(first.context)
        await second.goto(url)
        await second.locator("body[data-ready]").wait_for()
        await second.get_by_label("Which phone number").fill(PHONE)
        await second.get_by_role("radio", name="Home").tap()
        await second.get_by_label("e-mail").focus()
        await saved(second)
        await first.get_by_label("e-mail").fill(EMAIL)
        await first.get_by_role("button", name="Continue").tap()
        await expect(first.get_by_role("heading", name="Check and send")).to_be_visible()
        await expect(first.get_by_text(PHONE)).to_be_visible()
    assert {"phone", "phone-use", "email"} <= forms.answers(url).keys()
    assert not forms.problems


async def test_what_is_on_record_is_confirmed_by_going_on(forms: Forms) -> None:
    url = forms.form(subjects=["phone", "email", "address"], requirements="before-appointment")
    id = f"patient-{forms.patients}"
    address = [{"use": "home", "line": ["1 Main St"], "city": "Pittsburgh", "state": "PA"}]
    forms.practice.put({**ADA, "id": id, "address": address})
    async with forms.phone() as page:
        await page.goto(url)
        await identify(page)
        await expect(page.get_by_label("City")).to_have_value("Pittsburgh")
        await page.get_by_label("ZIP").fill("15213")
        await page.get_by_role("button", name="Continue").tap()
        await expect(page.get_by_role("heading", name="Check and send")).to_be_visible()
        await expect(page.get_by_text("Pittsburgh")).to_be_visible()
    assert not forms.problems


async def test_what_is_half_typed_is_kept_when_another_app_comes_to_the_front(forms: Forms) -> None:
    url = forms.form(subjects=["phone", "coverage"])
    async with forms.phone() as page:
        await page.goto(f"{url}?step=insurance")
        await identify(page)
        await page.goto(f"{url}?step=insurance")
        await page.get_by_role("radio", name="Yes").tap()
        await saved(page)
        await page.get_by_label("Member ID").fill("W1234")
        await _hide(page)
        await saved(page)
        assert forms.answers(url)["coverage-member"] == "W1234"
        await _hide(page, "visible")
        await page.reload()
        await expect(page.get_by_label("Member ID")).to_have_value("W1234")
    assert not forms.problems


async def test_who_mistypes_the_birth_date_need_not_type_it_all_again(forms: Forms) -> None:
    async with forms.phone() as page:
        await page.goto(forms.form(subjects=["phone"]))
        await page.get_by_label("Month").select_option(label="March")
        await page.get_by_label("Day").fill("4")
        await page.get_by_label("Year").fill("1982")
        await page.get_by_role("button", name="Continue").tap()
        await expect(page.get_by_text("not the date of birth we have")).to_be_visible()
        await expect(page.get_by_label("Year")).to_have_value("1982")
        await page.get_by_label("Day").fill("3")
        await page.get_by_role("button", name="Continue").tap()
        await expect(page.get_by_label("Which phone number")).to_be_visible()
    forms.problems.clear()  # a wrong birth date is a 403


async def test_after_a_session_is_over_it_goes_on_where_it_was(forms: Forms) -> None:
    url = forms.form(subjects=["phone", "emergency-contact"])
    async with forms.phone() as page:
        await page.goto(url)
        await identify(page)
        await page.goto(f"{url}?step=people")
        await page.context.clear_cookies()
        await page.get_by_label("Whom should we call").fill("Chidi Okafor")
        await page.get_by_label("Their phone number").focus()
        await expect(page.get_by_role("heading", name="First, please confirm who you are")).to_be_visible()
        await identify(page)
        await expect(page.get_by_role("heading", name="People to reach")).to_be_visible()
        await saved(page)
    assert forms.answers(url)["emergency-name"] == "Chidi Okafor"
    _networkless(forms)


async def test_what_was_entered_on_another_step_is_not_lost_with_the_session(forms: Forms) -> None:
    url = forms.form(subjects=["phone", "emergency-contact"])
    async with forms.phone() as page:
        await page.goto(url)
        await identify(page)
        await page.goto(f"{url}?step=people")
        await page.locator("body[data-ready]").wait_for()
        await page.context.set_offline(True)
        await page.get_by_label("Whom should we call").fill("Chidi Okafor")
        await page.get_by_label("Their phone number").focus()
        await expect(page.get_by_text("You are offline")).to_be_visible()
        await page.goto("about:blank")
        await page.context.set_offline(False)
        await page.goto(url)
        await page.locator("body[data-ready]").wait_for()
        await saved(page)
    assert forms.answers(url)["emergency-name"] == "Chidi Okafor"
    _networkless(forms)


async def test_sending_without_a_network_says_so_and_sends_when_it_is_back(forms: Forms) -> None:
    url = forms.form(subjects=["phone"])
    async with forms.phone() as page:
        await page.goto(url)
        await identify(page)
        await page.get_by_label("Which phone number").fill(PHONE)
        await page.get_by_role("button", name="Continue").tap()
        await expect(page.get_by_role("heading", name="Check and send")).to_be_visible()
        await page.locator("body[data-ready]").wait_for()
        await page.context.set_offline(True)
        await page.get_by_role("button", name="Send").tap()
        await expect(page.get_by_text("You are offline")).to_be_visible()
        await shoot(page, "form-send-offline", True)
        await expect(page.get_by_text(PHONE)).to_be_visible()
        await page.context.set_offline(False)
        await expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    _networkless(forms)


async def test_a_double_tap_sends_once(forms: Forms) -> None:
    url = forms.form(subjects=["phone"])
    async with forms.phone() as page:
        await page.goto(url)
        await identify(page)
        await page.get_by_label("Which phone number").fill(PHONE)
        await page.get_by_role("button", name="Continue").dblclick()
        await expect(page.get_by_role("heading", name="Check and send")).to_be_visible()
        await page.locator("body[data-ready]").wait_for()
        before = forms.versions(url)
        await page.get_by_role("button", name="Send").dblclick()
        await expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
        await page.go_back()
        await expect(page.get_by_role("heading", name=re.compile("Thank you|has been sent"))).to_be_visible()
    assert forms.versions(url) == before + 1
    forms.problems.clear()  # the page behind is a form that was sent in: 410


async def test_who_goes_on_editing_is_not_taken_away(forms: Forms) -> None:
    url = forms.form(subjects=["phone", "email"])
    async with forms.phone() as page:
        await page.goto(url)
        await identify(page)
        await page.context.set_offline(True)
        await page.get_by_label("Which phone number").fill(PHONE)
        await page.get_by_role("button", name="Continue").tap()
        await expect(page.get_by_text("You are offline")).to_be_visible()
        await page.get_by_label("e-mail").press_sequentially("ada@exam")
        await page.context.set_offline(False)
        await saved(page)
        await page.wait_for_timeout(1500)
        await expect(page.get_by_label("e-mail")).to_have_value("ada@exam")
    _networkless(forms)


async def test_a_photo_may_be_one_that_is_there(forms: Forms) -> None:
    url = forms.form(subjects=["coverage"])
    async with forms.phone() as page:
        await page.goto(url)
        await identify(page)
        for place in await page.locator("input[type=file]").all():
            assert await place.get_attribute("capture") is None, (
                "a phone would open the camera and nothing else"
            )
    assert not forms.problems


@pytest.mark.parametrize("locale", ["en-US", "es-US"])
async def test_every_page_in_both_languages(forms: Forms, axe: str, locale: str) -> None:
    url = forms.form(requirements="before-appointment")
    found: list[str] = []
    tongue = locale[:2]
    async with forms.phone(locale=locale, viewport={"width": 360, "height": 740}) as page:
        await page.goto(url)
        await page.get_by_role("button", name=re.compile("Continue|Continuar")).tap()
        await page.locator(".field.wrong").wait_for()
        found += await faults(page, axe)
        await shoot(page, f"form-{tongue}-identify-wrong", True)
        await identify(page, "March" if tongue == "en" else "marzo")
        for step in ("you", "people", "insurance", "health", "permission", "check"):
            await page.goto(f"{url}?step={step}")
            if step == "insurance":
                await page.get_by_role("radio", name=re.compile("Yes|Sí")).first.tap()
                await page.wait_for_timeout(300)
            await shoot(page, f"form-{tongue}-{step}", True)
            found += await faults(page, axe)
            small = await page.evaluate(
                "[...document.querySelectorAll("
                "'main a, main button, main input:not([type=radio], [type=file]), .pick, .choice')]"
                ".filter((one) => one.offsetParent && one.getBoundingClientRect().height < 24)"
                ".map((one) => one.outerHTML.slice(0, 80))"
            )
            assert not small, f"{step}: too small for a finger: {small}"
        async with page.expect_navigation():
            await page.get_by_role("button", name=re.compile("Send|Enviar")).tap()
        found += await faults(page, axe)
        await shoot(page, f"form-{tongue}-after-send", True)
        await page.goto(f"{url}x")
        await shoot(page, f"form-{tongue}-unknown", True)
        found += await faults(page, axe)
    assert not found, "\n".join(found)
    forms.problems.clear()
