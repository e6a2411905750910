"""Signing in at the console with a login and a password."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from fhirserver.access.browser_sessions import SessionLimits
from fhirserver.access.passwords import PasswordDigests
from fhirserver.access.users import User, Users
from fhirserver.app.identity_settings import SignInSettings
from tests.facade import Facade, facade

SECRET = "heron lamp quarry 7"
ANA = User("ana.ruiz", "Ana Ruiz", frozenset({"operator", "read"}), "Practitioner/2", "operator")
PAT = User("pat", "Pat Okafor", fhir_user="Patient/1")


@pytest.fixture
def users(server: Facade) -> Users:
    return Users(server.store.storage.access_records, digests=PasswordDigests(1, 64, 1))


@pytest.fixture
async def browser(server: Facade, users: Users) -> AsyncIterator[httpx.AsyncClient]:
    await users.add(ANA, SECRET)
    await users.add(PAT, SECRET)
    async with server.browser() as http:
        yield http


async def sign_in(browser: httpx.AsyncClient, login: str = "ana.ruiz", password: str = SECRET, **more):
    return await browser.post("/console/sign-in", data={"login": login, "password": password, **more})


async def test_an_operator_signs_in_with_login_and_password(browser):
    page = await browser.get("/console")
    assert 'name="password"' in page.text and "Sign in with a token instead" in page.text
    answer = await sign_in(browser, next="/console/connectors")
    assert answer.status_code == 303 and answer.headers["location"] == "/console/connectors"
    assert "Ana Ruiz" in (await browser.get("/console")).text


async def test_a_token_still_opens_the_console(browser):
    assert (await browser.post("/console/sign-in", data={"token": "token-ana"})).status_code == 303
    assert "Review queue" in (await browser.get("/console")).text


@pytest.mark.parametrize("login", ["ana.ruiz", "nobody", ""])
async def test_what_is_wrong_is_not_said_and_the_password_not_sent_back(browser, login):
    answer = await sign_in(browser, login, "wrong lamp quarry 8")
    assert answer.status_code == 403 and "set-cookie" not in answer.headers
    assert "Login or password is wrong." in answer.text and "wrong lamp quarry 8" not in answer.text


async def test_who_is_no_operator_gets_no_session(browser):
    answer = await sign_in(browser, "pat")
    assert answer.status_code == 403 and "set-cookie" not in answer.headers
    assert "role operator" in answer.text


async def test_guessing_is_slowed_down(browser):
    answers = [await sign_in(browser, password=f"wrong lamp quarry {number}") for number in range(11)]
    assert [one.status_code for one in answers] == [403] * 10 + [429]
    assert answers[-1].headers["retry-after"] == "1" and "Wait 1 second" in answers[-1].text
    assert "set-cookie" not in (await sign_in(browser)).headers


async def test_the_session_ends_when_the_user_is_disabled(browser, users):
    await sign_in(browser)
    assert "Review queue" in (await browser.get("/console")).text
    await users.disable("ana.ruiz")
    assert "Your session has ended" in (await browser.get("/console")).text
    assert (await browser.get("/console/connectors")).status_code == 303


async def test_the_session_ends_with_the_password(browser, users):
    await sign_in(browser)
    await users.change_password("ana.ruiz", "other lamp quarry 8")
    assert "Your session has ended" in (await browser.get("/console")).text


async def test_the_cookie_changes_at_every_sign_in_and_the_old_one_opens_nothing(browser, server):
    await sign_in(browser)
    old = browser.cookies["credence_session"]
    await sign_in(browser)
    assert browser.cookies["credence_session"] != old
    async with server.browser() as thief:
        thief.cookies.set("credence_session", old, domain="facade.test", path="/console")
        assert "Review queue" not in (await thief.get("/console")).text


async def test_after_signing_out_the_cookie_opens_nothing(browser, server):
    await sign_in(browser)
    kept = browser.cookies["credence_session"]
    page = await browser.get("/console")
    token = re.search(r'name="form_token" value="([^"]+)"', page.text)
    assert token is not None
    out = await browser.post("/console/sign-out", data={"form_token": token[1]})
    assert "max-age=0" in out.headers["set-cookie"].lower()
    async with server.browser() as thief:
        thief.cookies.set("credence_session", kept, domain="facade.test", path="/console")
        assert "Review queue" not in (await thief.get("/console")).text


async def test_a_form_of_another_site_signs_nobody_in(browser):
    for site in ("cross-site", "same-site"):
        answer = await browser.post(
            "/console/sign-in",
            data={"login": "ana.ruiz", "password": SECRET},
            headers={"Sec-Fetch-Site": site},
        )
        assert answer.status_code == 403 and "set-cookie" not in answer.headers


async def test_what_is_kept_of_a_session_opens_nothing(browser, server):
    await sign_in(browser)
    kept = await server.store.storage.access_records.find("session/")
    assert len(kept) == 1 and browser.cookies["credence_session"] not in str(kept)


async def test_over_https_the_cookie_is_bound_to_the_host(tmp_path: Path):
    async with facade(tmp_path, base_url="https://fhir.example/fhir") as server, server.browser() as browser:
        answer = await browser.post("/console/sign-in", data={"token": "token-ana"})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-credence_session=")
    words = {word.strip().lower() for word in cookie.split(";")[1:]}
    assert {"httponly", "secure", "samesite=strict", "path=/"} <= words
    assert not any(word.startswith("domain") for word in words)


async def test_pages_that_keep_themselves_up_to_date_do_not_keep_a_session_open(tmp_path: Path):
    limits = SignInSettings(SessionLimits(idle=1, whole=60))
    async with facade(tmp_path, sign_in=limits) as server, server.browser() as browser:
        await browser.post("/console/sign-in", data={"token": "token-ana"})
        records = server.store.storage.access_records
        [kept] = await records.find("session/")
        await records.swap(
            kept.key, kept.revision, {**kept.value, "seen": kept.value["seen"] - 1}, kept.expires
        )
        assert (await browser.get("/console/queue", headers={"HX-Request": "true"})).status_code == 204


async def test_sessions_are_shared_by_all_processes(tmp_path: Path):
    async with facade(tmp_path, "sqlite") as one, one.browser() as browser:
        await browser.post("/console/sign-in", data={"token": "token-ana"})
        cookies = browser.cookies
    async with facade(tmp_path, "sqlite") as other, other.browser() as browser:
        browser.cookies = cookies
        assert "Review queue" in (await browser.get("/console")).text
