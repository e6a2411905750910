"""The console over HTTP: signing in, what pages hold, forms that only our pages can send."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.facade import Facade
from tests.review_items import NEW, review_items


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
        for shown in (NEW, "the read-back of the new number", "turn 22, agent", "Who says what"):
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
