"""No page of another site can do anything in an operator's name: every form of the console, found by its routes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from starlette.routing import Route

from fhirserver.app.wiring import make_application
from tests.facade import Facade, facade, patient, settings

SIGN_IN = "/console/sign-in"


def _posts(routes: list[object]) -> Iterator[str]:
    for route in routes:
        if included := getattr(route, "original_router", None):
            yield from _posts(included.routes)
        elif (
            isinstance(route, Route) and route.path.startswith("/console") and "POST" in (route.methods or ())
        ):
            yield re.sub(r"{[^}]*}", "p", route.path)


FORMS = sorted(set(_posts(make_application(settings(Path("/nowhere"))).web.routes)) - {SIGN_IN})


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Facade]:
    async with facade(tmp_path) as running:
        await running.ehr.put(patient("p"))
        yield running


async def signed_in(browser: httpx.AsyncClient, who: str = "ana") -> str:
    """Sign in; the answer is the token of the forms of this session."""
    answer = await browser.post(SIGN_IN, data={"token": f"token-{who}"})
    assert answer.status_code == 303
    page = await browser.get("/console/patients")
    found = re.search(r'name="form_token" value="([^"]+)"', page.text)
    assert found, "every page has the form to sign out"
    return found[1]


def test_the_forms_are_found() -> None:
    assert len(FORMS) >= 10
    assert "/console/sign-out" in FORMS


@pytest.mark.parametrize("path", FORMS)
async def test_without_a_session_it_leads_to_the_sign_in_page(server: Facade, path: str) -> None:
    async with server.browser() as browser:
        answer = await browser.post(path, data={"form_token": "x"})
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/console?")


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_of_no_page_of_this_session_does_nothing(server: Facade, path: str) -> None:
    async with server.browser() as browser, server.browser() as other:
        ours, theirs = await signed_in(browser), await signed_in(other, "ben")
        head = server.store.head
        for sent in (
            {},
            {"form_token": ""},
            {"form_token": "x"},
            {"form_token": theirs},
            {"form_token": "ä\x00"},
        ):
            assert (await browser.post(path, data=sent)).status_code == 403, sent
        assert (await browser.post(f"{path}?form_token={ours}")).status_code == 403, "an address is no form"
        json = await browser.post(path, json={"form_token": ours})
        assert json.status_code == 403, "nor is JSON"
        for elsewhere in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "https://evil.example"},
            {"Origin": "http://facade.test.evil.example"},
        ):
            answer = await browser.post(path, data={"form_token": ours}, headers=elsewhere)
            assert answer.status_code == 403, elsewhere
        assert server.store.head == head
        page = await browser.get("/console/patients")
        assert page.status_code == 200, "still signed in"


async def test_a_form_of_our_own_page_is_taken(server: Facade) -> None:
    for headers in (
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://facade.test"},
        {"Origin": "null"},  # what browsers send where the page keeps its referrer to itself
        {},
    ):
        async with server.browser() as browser:
            token = await signed_in(browser)
            answer = await browser.post("/console/sign-out", data={"form_token": token}, headers=headers)
            assert answer.status_code == 303, headers
            assert (await browser.get("/console/patients")).status_code == 303


async def test_nobody_is_signed_in_by_a_page_of_another_site(server: Facade) -> None:
    async with server.browser() as browser:
        for elsewhere in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            answer = await browser.post(SIGN_IN, data={"token": "token-ana"}, headers=elsewhere)
            assert answer.status_code == 403
            assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("base", "address", "secure"),
    [
        ("http://facade.test/fhir", "http://facade.test", False),
        ("https://facade.test/fhir", "http://facade.test", True),
        ("http://facade.test/fhir", "https://facade.test", True),
    ],
)
async def test_the_flags_of_the_cookie(tmp_path: Path, base: str, address: str, secure: bool) -> None:
    async with (
        facade(tmp_path, base_url=base) as server,
        httpx.AsyncClient(transport=server.transport, base_url=address) as browser,
    ):
        answer = await browser.post(SIGN_IN, data={"token": "token-ana"})
    flags = {flag.strip().lower() for flag in answer.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/" if secure else "path=/console"} <= flags
    assert ("secure" in flags) is secure
    assert not any(flag.startswith("domain") for flag in flags)


async def test_no_page_needs_anything_inline(server: Facade) -> None:
    """The policy forbids scripts and styles in the page; here none would be missed."""
    async with server.browser() as browser:
        pages = [await browser.get("/console")]
        await signed_in(browser)
        for path in ("", "/patients", "/patient/p", "/quality", "/connectors", "/subscriptions", "/calls"):
            pages.append(await browser.get(f"/console{path}"))
    for page in pages:
        assert page.status_code == 200, page.url
        assert page.headers["content-security-policy"].startswith(
            "default-src 'self'; frame-ancestors 'none'"
        )
        assert "unsafe" not in page.headers["content-security-policy"]
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", page.text), (
            page.url
        )
