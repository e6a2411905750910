"""The console over HTTP: signing in, what pages hold, forms that only our pages can send."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest

from fhirserver.ports.log import Statement
from fhirserver.store.commands import Command, Put
from fhirserver.world.review import review_task
from fhirserver.world.vocabulary import REVIEW_KIND
from tests.console_world import NEW, OLD, pending, small_changes, the_call
from tests.facade import Facade, said
from tests.review_items import NEW as NEW_PHONE
from tests.review_items import RECORD, review_items


async def sign_in(browser: httpx.AsyncClient, name: str = "ana") -> httpx.Response:
    return await browser.post("/console/sign-in", data={"token": f"token-{name}"})


def form_token(page: httpx.Response) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', page.text)
    assert found
    return found[1]


async def test_strangers_see_the_sign_in_page_only(server: Facade) -> None:
    async with server.browser() as browser:
        page = await browser.get("/console")
        assert page.status_code == 200
        assert "Sign in" in page.text
        assert (await browser.get("/console/review/x")).status_code == 303
        assert (await browser.post("/console/review/x/approve")).status_code == 303
        for name in ("agent", "nobody", ""):
            answer = await sign_in(browser, name)
            assert answer.status_code == 403
            assert "set-cookie" not in answer.headers


async def test_the_cookie_and_the_headers_are_strict(server: Facade) -> None:
    async with server.browser() as browser:
        cookie = (await sign_in(browser)).headers["set-cookie"].lower()
        assert all(word in cookie for word in ("httponly", "samesite=strict", "path=/console", "max-age="))
        page = await browser.get("/console")
        policy = page.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert not re.search(r"<script(?! src=)|<style|style=|onclick=|hx-on", page.text), (
            "the policy forbids it"
        )


async def test_queue_and_item(server: Facade) -> None:
    items = await review_items(server)
    async with server.browser() as browser:
        await sign_in(browser)
        queue = await browser.get("/console")
        assert queue.text.index(items["birth"]) < queue.text.index(items["coverage"]), (
            "contradicted ones first"
        )
        page = await browser.get(f"/console/review/{items['phone']}")
        for shown in (NEW_PHONE, "the read-back of the new number", "turn 22, agent", "Who says what"):
            assert shown in page.text
        assert (await browser.get("/console/review/none")).status_code == 404


@pytest.mark.parametrize("decision", ["approve", "reject", "claim"])
async def test_a_form_of_another_site_does_nothing(server: Facade, decision: str) -> None:
    items = await review_items(server)
    head = server.store.head
    async with server.browser() as browser:
        await sign_in(browser)
        for token in ("", "wrong", "ümlaut"):
            answer = await browser.post(
                f"/console/review/{items['phone']}/{decision}", data={"form_token": token, "reason": "x"}
            )
            assert answer.status_code == 403
        assert (await browser.post("/console/sign-out", data={"form_token": "wrong"})).status_code == 403
    assert server.store.head == head


async def test_forms_decide(server: Facade) -> None:
    items = await review_items(server)
    async with server.browser() as browser:
        await sign_in(browser)
        page = await browser.get(f"/console/review/{items['coverage']}")
        token = form_token(page)
        path = f"/console/review/{items['coverage']}"
        claimed = await browser.post(f"{path}/claim", data={"form_token": token})
        assert claimed.headers["location"] == path
        assert "Give back" in (await browser.get(path)).text
        part = await browser.post(f"{path}/approve", data={"form_token": token, "unit": "Coverage.payor"})
        assert part.headers["location"] == path, "claims are left, so the reviewer stays"
        wrong = await browser.post(f"{path}/correct", data={"form_token": token, "value": "{"})
        assert wrong.status_code == 400
        assert 'role="alert"' in wrong.text
        right = {"form_token": token, "value": '{"subscriberId":"1","class":null}'}
        done = await browser.post(f"{path}/correct", data=right)
        assert done.headers["location"].startswith("/console/review/"), "the next item comes"
        assert done.headers["location"] != path
        again = await browser.post(f"{path}/approve", data={"form_token": token})
        assert again.status_code == 409
        nonsense = await browser.post(f"{path}/nonsense", data={"form_token": token})
        assert nonsense.status_code == 403
        out = await browser.post("/console/sign-out", data={"form_token": token})
        assert out.status_code == 303
        assert "Sign in" in (await browser.get("/console")).text
    coverage = (await server.reader.get("Coverage/blue")).json()
    assert (coverage["subscriberId"], "class" in coverage) == ("1", False)


async def test_what_a_source_says_is_never_markup(server: Facade) -> None:
    await server.ehr.put(
        {"resourceType": "Patient", "id": "x", "name": [{"family": "<script>alert(1)</script>"}]}
    )
    await review_items(server)
    async with server.browser() as browser:
        await sign_in(browser)
        assert "<script>" not in (await browser.get("/console")).text


async def queue_token(browser: httpx.AsyncClient, name: str = "ana") -> str:
    await sign_in(browser, name)
    return form_token(await browser.get("/console"))


async def test_a_batch_does_what_it_can_and_says_what_it_could_not(server: Facade) -> None:
    first, second, third = await small_changes(server, 3)
    await server.ben("POST", f"Task/{second}/$claim")
    async with server.browser() as browser:
        token = await queue_token(browser)
        sent = {"form_token": token, "item": [first, second, third]}
        answer = await browser.post("/console/queue/approve?sort=newest", data=sent)
        assert answer.headers["location"] == "/console?sort=newest"
        page = await browser.get("/console")
        assert "Approved: 2 items" in page.text
        assert "Another reviewer has claimed this item" in page.text
        assert "held by ben" in page.text
        undone = await browser.post(
            "/console/queue/undo", data={"form_token": token}, headers={"HX-Request": "true"}
        )
        assert undone.status_code == 200 and "<html" not in undone.text, "the list alone"
        assert all(f'value="{id}"' in undone.text for id in (first, second, third))
        again = await browser.post("/console/queue/undo", data={"form_token": token})
        assert again.status_code == 303
        assert "There is nothing to undo" in (await browser.get("/console")).text


async def test_a_batch_without_reason_or_items_decides_nothing(server: Facade) -> None:
    (id,) = await small_changes(server, 1)
    head = server.store.head
    async with server.browser() as browser:
        token = await queue_token(browser)
        for path, sent, said in (
            ("reject", {"item": id}, "A rejection needs a reason"),
            ("reject", {"item": id, "reason": "  "}, "A rejection needs a reason"),
            ("approve", {}, "Nothing is selected"),
        ):
            await browser.post(f"/console/queue/{path}", data={"form_token": token, **sent})
            assert said in (await browser.get("/console")).text
        assert (await browser.post("/console/queue/nonsense", data={"form_token": token})).status_code == 404
        assert (await browser.post("/console/queue/approve", data={"item": id})).status_code == 403
    assert server.store.head == head


async def test_an_item_that_changed_since_it_was_opened_is_not_decided(server: Facade) -> None:
    (id,) = await small_changes(server, 1)
    async with server.browser() as browser:
        await sign_in(browser)
        page = await browser.get(f"/console/review/{id}")
        seen = re.search(r'name="seen" value="(\d+)"', page.text)
        assert seen
        again = {"resourceType": "Patient", "id": "p0", "gender": "female"}
        await server.agent.put(again, x_provenance=said("0.5", "confirmed", "partial"))
        async with asyncio.timeout(10):
            while "Patient.gender" not in (await browser.get(f"/console/review/{id}")).text:
                await asyncio.sleep(0.02)
        sent = {"form_token": form_token(page), "seen": seen[1]}
        answer = await browser.post(f"/console/review/{id}/approve", data=sent)
        assert answer.status_code == 412
        assert "changed since you opened it" in answer.text
        state = await browser.get(f"/console/review/{id}/state?seen={seen[1]}")
        assert "Look again" in state.text
    assert await pending(server, "Patient/p0") == [id]


@pytest.mark.parametrize(
    "place", ["https://evil.example", "//evil.example", "/fhir/Patient", "/console//evil\\x"]
)
async def test_signing_in_leads_to_pages_of_the_console_only(server: Facade, place: str) -> None:
    async with server.browser() as browser:
        answer = await browser.post("/console/sign-in", data={"token": "token-ana", "next": place})
        assert answer.headers["location"] in ("/console", "/console//evil")
        assert "evil.example" not in answer.headers["location"]


async def test_a_session_that_ended_is_told_and_leads_back(server: Facade) -> None:
    async with server.browser() as browser:
        browser.cookies.set("credence_session", "old", path="/console")
        answer = await browser.get("/console/patient/ada")
        assert answer.headers["location"] == "/console?ended=1&next=%2Fconsole%2Fpatient%2Fada"
        page = await browser.get(answer.headers["location"])
        assert "Your session has ended" in page.text
        assert 'name="next" value="/console/patient/ada"' in page.text
        part = await browser.get("/console/queue", headers={"HX-Request": "true"})
        assert (part.status_code, part.headers["hx-redirect"]) == (204, "/console?ended=1&next=%2Fconsole")
        assert (await browser.get("/console/events")).status_code == 401


async def test_a_record_at_any_moment(server: Facade) -> None:
    await the_call(server)
    async with server.browser() as browser:
        await sign_in(browser)
        now = await browser.get("/console/patient/ada")
        for shown in (
            NEW,
            OLD,
            "turn 4, caller",
            "July second, nineteen eighty-four",
            "contested",
            "Waiting for review",
        ):
            assert shown in now.text
        links = re.findall(r'href="/console/patient/ada\?at=(\d+)"', now.text)
        first = await browser.get(f"/console/patient/ada?at={links[0]}")
        assert OLD in first.text and NEW not in first.text
        assert "not yet" in first.text and "new here" in first.text
        part = await browser.get(f"/console/patient/ada?at={links[1]}", headers={"HX-Request": "true"})
        assert part.text.lstrip().startswith('<div id="record"')
        for wrong in ("?at=99999", "?on=soon", "?on=2999-01-01"):
            answer = await browser.get(f"/console/patient/ada{wrong}")
            assert answer.status_code == 400 and 'role="alert"' in answer.text
        assert "before anything was known" in (await browser.get("/console/patient/ada?on=2001-01-01")).text
        assert (await browser.get("/console/patient/nobody")).status_code == 404
        proof = re.search(r'href="(/console/provenance/[^"]+)"', now.text)
        assert proof
        provenance = await browser.get(proof[1])
        assert provenance.status_code == 200 and "Patient/ada" in provenance.text
        assert (await browser.get("/console/provenance/none")).status_code == 404


async def test_an_item_of_a_kind_that_is_not_known_is_shown_by_what_every_task_has(server: Facade) -> None:
    await server.ehr.put({**RECORD, "id": "x"})
    task = review_task("Patient", "x", (), "2026-11-28T10:00:00.000Z", "Patient/x")
    code = {"coding": [task["code"]["coding"][0], {"system": REVIEW_KIND, "code": "novel"}]}
    task |= {"code": code, "description": "A novel matter", "status": "requested"}
    await server.store.submit(Command(Statement("credence"), [Put("Task", "novel", {**task, "id": "novel"})]))
    async with server.browser() as browser:
        await sign_in(browser)
        assert "A novel matter" in (await browser.get("/console")).text
        page = await browser.get("/console/review/novel")
        assert page.status_code == 200
        assert "of a kind that the console cannot show" in page.text


async def test_the_figures_are_pictures_with_words_and_tables(server: Facade) -> None:
    await the_call(server)
    async with server.browser() as browser:
        await sign_in(browser)
        page = (await browser.get("/console/quality?period=7")).text
        assert page.count('role="img"') == page.count("<desc") >= 4
        assert page.count("As a table") == page.count('role="img"')
        assert "agent 5, ehr 2" in page
