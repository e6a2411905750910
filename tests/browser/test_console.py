"""The console as operators meet it, in a real browser."""

from __future__ import annotations

import time

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Site, ready, shoot
from tests.console_world import NEW, OLD, pending, small_changes
from tests.duplicate_items import duplicate_item

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.xdist_group("browser")]


async def keys(page: Page, *pressed: str) -> None:
    for key in pressed:
        await page.keyboard.press(key)


async def decided(site: Site, id: str) -> str:
    """What became of an item."""
    task = (await site.server.ana.get(f"Task/{id}")).json()
    return str(task.get("businessStatus", {}).get("text", task["status"]))


async def test_two_operators_contend_for_one_item(site: Site) -> None:
    (item,) = await small_changes(site.server, 1, 60)
    ana, ben = await site.desk("ana"), await site.desk("ben")
    await site.open(ana, f"/review/{item}")
    await site.open(ben, f"/review/{item}")
    await keys(ana, "h")
    await expect(ana.locator("#state")).to_contain_text("You hold this item")
    await expect(ben.locator("#state")).to_contain_text("ana holds this item")
    await expect(ben.get_by_role("button", name="Approve all")).to_be_disabled()
    await shoot(ben, "held")
    await site.open(ben, "")
    await expect(ben.locator(f"tr[data-id='{item}']")).to_contain_text("held by ana")
    await ben.locator(f"#item-{item}").focus()
    await keys(ben, "a")
    await expect(ben.locator("#last")).to_contain_text("Another reviewer has claimed this item")
    await keys(ana, "a")
    await expect(ben.locator(f"tr[data-id='{item}']")).to_have_count(0)
    await expect(ben.locator("#announcer")).to_contain_text("decided by ana")
    assert await decided(site, item) == "approved"
    await ana.context.close()
    await ben.context.close()


async def test_the_place_is_kept_when_the_list_comes_anew_while_a_reason_is_asked_for(site: Site) -> None:
    mine, other = await small_changes(site.server, 2, 160)
    ana, ben = await site.desk("ana"), await site.desk("ben")
    await site.open(ana, "?sort=newest")
    await site.open(ben, "?sort=newest")
    await ana.locator(f"#item-{mine}").focus()
    await keys(ana, "r")
    await ben.locator(f"#item-{other}").focus()
    await keys(ben, "a")
    await expect(ana.locator(f"tr[data-id='{other}']")).to_have_count(0)
    await keys(ana, "2", "Enter")
    await expect(ana.locator(f"tr[data-id='{mine}']")).to_have_count(0)
    await expect(ana.locator("tr.entry:focus-within")).to_have_count(1)
    await keys(ana, "Enter")
    await expect(ana.locator("#decide")).to_be_visible()
    assert await decided(site, mine) == "rejected"
    await ana.context.close()
    await ben.context.close()


async def test_both_decide_at_once_and_one_of_them_is_told(site: Site) -> None:
    (item,) = await small_changes(site.server, 1, 61)
    ana, ben = await site.desk("ana"), await site.desk("ben")
    with site.expecting("409", "412", "ERR_FAILED"):
        for page in (ana, ben):
            await page.route(
                "**/console/events*", lambda route: route.abort()
            )  # none sees what the other does
            await page.goto(f"{site.url}/console/review/{item}")
            await page.locator("body[data-ready]").wait_for()
        await keys(ana, "a")
        await ana.wait_for_url(lambda url: item not in url)
        await keys(ben, "a")
        await expect(ben.get_by_role("alert").first).to_contain_text("changed since you opened it")
        await expect(ben.locator("#state")).to_contain_text("Approved by ana")
        await ana.context.close()
        await ben.context.close()


async def test_new_items_appear_and_are_announced(site: Site) -> None:
    page = await site.desk()
    await keys(page, "j", "j")
    focused = await page.evaluate("document.activeElement.id")
    began = time.monotonic()
    (item,) = await small_changes(site.server, 1, 70)
    await expect(page.locator(f"tr[data-id='{item}']")).to_have_count(1)
    assert time.monotonic() - began < 5
    await expect(page.locator("#announcer")).to_contain_text("New: Patient: telecom")
    assert await page.evaluate("document.activeElement.id") == focused, "the operator's place is kept"
    await page.context.close()


async def test_the_queue_is_filtered_as_one_types(site: Site) -> None:
    page = await site.desk()
    await keys(page, "/")
    await page.keyboard.type("okafor")
    await expect(page.locator("tr.entry")).to_have_count(2)
    await page.get_by_label("Reason", exact=True).select_option("contradicted")
    await expect(page.locator("tr.entry")).to_have_count(1)
    await expect(page).to_have_url(f"{site.url}/console?reason=contradicted&text=okafor")
    await page.context.close()


async def test_an_item_shows_the_words_in_their_conversation(site: Site) -> None:
    page = await site.desk()
    await site.open(page, f"/review/{site.items['Patient/ada']}")
    await expect(page.locator("#turn-4 mark")).to_have_text("July second, nineteen eighty-four")
    await expect(page.locator("td.new ins").first).to_have_text(NEW[-2:])
    await expect(page.locator("td.old del").first).to_have_text(OLD[-2:])
    await shoot(page, "console-item")
    await keys(page, "j", "j", "t")
    assert await page.evaluate("document.activeElement.id") == "turn-4"
    await page.context.close()


async def test_a_correction_by_its_form_says_what_is_wrong_at_the_field(site: Site) -> None:
    page = await site.desk()
    await site.open(page, f"/review/{site.items['Patient/ada']}")
    with site.expecting("422"):
        await keys(page, "j", "j", "c")
        field = page.get_by_label("birth date", exact=True)
        await expect(field).to_be_focused()
        await field.fill("1984-02-31")
        await page.keyboard.press("Enter")
        await expect(field).to_have_attribute("aria-invalid", "true")
        await expect(page.locator(".field.faulty .error")).not_to_be_empty()
        await shoot(page, "correction")
    await field.fill("1984-07-02")
    await page.keyboard.press("Enter")
    await expect(page.locator(".tag.settled")).to_contain_text("corrected by ana")
    await ready(page)
    await keys(page, "u")
    await expect(page.locator("#last")).to_contain_text("Undone")
    await page.context.close()


async def test_a_patient_is_found_and_seen_as_it_was(site: Site) -> None:
    page = await site.desk()
    await page.get_by_label("Find a patient").fill("okafor 7/2/1984")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Ada Chioma Okafor")
    lineage = page.get_by_role("button", name="Lineage of birth date")
    await lineage.focus()
    popover = page.get_by_role("group", name="Who says what about birth date")
    await expect(popover).to_contain_text("It is surer than anything that contradicts it")
    await expect(popover).to_contain_text("July second, nineteen eighty-four")
    await expect(popover).to_be_in_viewport(ratio=1)
    await shoot(page, "console-lineage")
    await keys(page, "Escape")
    await expect(popover).to_be_hidden()
    await expect(page.get_by_role("heading", name="Aetna, W123345")).to_be_visible()
    slider = page.get_by_label("Moment")
    await slider.focus()
    await keys(page, "Home")
    await expect(page.locator(".titled .today").first).to_contain_text("as it was on")
    await expect(page.locator(".facts.later", has_text="Aetna")).to_contain_text("not yet")
    await expect(page.get_by_label("Moment")).to_be_focused()
    await keys(page, "ArrowRight", "ArrowRight", "ArrowRight")
    await expect(page.locator(".facts", has_text="Aetna")).to_contain_text("new here")
    await shoot(page, "console-past", whole=True)
    await page.go_back()
    await page.get_by_role("link", name="Back to now").click()
    await expect(page.locator(".titled .today")).to_have_count(0)
    await page.context.close()


async def test_an_operator_works_through_twenty_items_by_keyboard_alone(site: Site) -> None:
    items = await small_changes(site.server, 20, 80)
    page = await site.desk()
    await site.open(page, "?sort=newest")
    rows = page.locator("tr.entry")
    before = await rows.count()
    await keys(page, "j", *("a" * 8))  # from the list, as fast as the keys go
    await expect(rows).to_have_count(before - 8)
    await keys(page, "r", "2", "Enter")  # with the second of the common reasons
    await expect(rows).to_have_count(before - 9)
    await expect(page.locator("#last")).to_contain_text("Rejected")
    await keys(page, "u")
    await expect(rows).to_have_count(before - 8)
    await keys(page, "k", "k", "x", "j", "x", "j", "x")
    await expect(page.locator("#selection")).to_have_text("3 selected")
    await shoot(page, "console-queue")
    await keys(page, "Shift+A")
    await expect(rows).to_have_count(before - 11)
    await keys(page, "x", "j", "x", "Shift+R", "Enter")
    await expect(rows).to_have_count(before - 13)
    await keys(page, "Enter")  # the rest on their own pages, one after the other
    for n in range(7):
        await page.locator("#decide").wait_for()
        await page.locator("body[data-ready]").wait_for()
        here = page.url
        await keys(page, *(("a",) if n % 2 else ("r", "Enter")))
        await page.wait_for_url(lambda url, was=here: url != was)
    done = [await decided(site, id) for id in items]
    assert set(done) == {"approved", "rejected"}, done
    assert done.count("rejected") == 6
    await site.open(page, "/quality")
    await expect(page.locator("#reviewers-d")).to_contain_text("ana")
    await shoot(page, "console-quality", whole=True)
    await page.context.close()


async def test_a_probable_duplicate_is_decided_by_keys(site: Site) -> None:
    item = await duplicate_item(site.server, "kat", "kat-call")
    page = await site.desk()
    await expect(page.locator(f"tr[data-id='{item}']")).to_contain_text("probable duplicate")
    await shoot(page, "duplicate-queue")
    await site.open(page, f"/review/{item}")
    await expect(page.locator("table.pair")).to_contain_text("kat@example.org")
    await shoot(page, "console-duplicate", whole=True)
    await keys(page, "j", "a")
    await page.wait_for_url(lambda url: item not in url)
    assert await decided(site, item) == "approved"
    assert (await site.server.ana.get("Patient/kat-call")).json()["active"] is False
    await site.open(page, f"/review/{item}")
    await expect(page.locator("#state")).to_contain_text("Approved by ana")
    await shoot(page, "duplicate-merged", whole=True)
    await keys(page, "u")
    await expect(page.locator("#last")).to_contain_text("Undone")
    await site.open(page, f"/review/{item}")
    await keys(page, "r", "2", "Enter")
    await page.wait_for_url(lambda url: item not in url)
    assert await decided(site, item) == "rejected"
    await page.context.close()


async def test_without_scripts_the_queue_and_the_decisions_work(site: Site) -> None:
    first, second = await small_changes(site.server, 2, 110)
    page = await site.desk(java_script_enabled=False)
    await page.goto(f"{site.url}/console?sort=newest&text=p110")
    await page.locator(f"tr[data-id='{first}'] input[type=checkbox]").check()
    await page.get_by_label("Reason for the rejection").fill("Said about another person")
    await page.get_by_role("button", name="Reject selected").click()
    await expect(page.locator("#last")).to_contain_text("Rejected: Patient: telecom")
    await page.get_by_role("button", name="Undo").click()
    assert await pending(site.server, "Patient/p110") == [first]
    await page.goto(f"{site.url}/console/review/{second}")
    await page.get_by_role("button", name="Approve all").click()
    await page.wait_for_url(lambda url: second not in url)
    assert await decided(site, second) == "approved"
    await page.context.close()


async def test_who_signs_in_comes_back_to_where_the_session_ended(site: Site) -> None:
    page = await site.desk("ben")
    await page.context.clear_cookies()
    with site.expecting("401"):
        await page.evaluate("document.body.dispatchEvent(new CustomEvent('queue-changed'))")
        await page.get_by_role("heading", name="Sign in").wait_for()
        await page.goto(f"{site.url}/console/quality")
        await page.get_by_label("Token").fill("token-ben")
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name="Data quality").wait_for()
        await page.context.close()


async def test_no_browser_complained(site: Site) -> None:
    assert site.problems == [], "among others, that the content security policy was broken"
