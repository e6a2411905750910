"""The pages that people see of an authorization: signing in, picking a patient, consent, their apps."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest

from fhirserver.access.audit.chain import events_of
from fhirserver.access.audit.event import Event
from fhirserver.access.passwords import PasswordDigests
from fhirserver.access.smart.clients import REGISTRATION, Client
from fhirserver.access.smart.pkce import challenge_of
from fhirserver.access.users import User, Users
from fhirserver.app.wiring import make_application
from tests.facade import Facade, served, settings

HOST = "http://facade.test"
FHIR = f"{HOST}/fhir"
REDIRECT = "https://app.example/callback"
VERIFIER = "v" * 64
SECRET = "heron lamp quarry 7"
_SCOPES = (
    "openid fhirUser profile launch/patient launch/encounter offline_access online_access"
    " patient/*.cruds user/*.cruds"
)
APP = Client("app", "Growth <b>Charts</b>", "agent", redirect_uris=(REDIRECT,), scopes=_SCOPES)
STRANGE = replace(APP, id="strange", name="Strange", made_by=REGISTRATION)
NATIVE = replace(APP, id="native", redirect_uris=("com.example.app:/callback",))
ODD = replace(APP, id="odd", redirect_uris=("https://odd;script-src/callback",))
DANA = User("dana", "Dana Reyes", frozenset({"read", "write"}), "Practitioner/d", "operator")
PAT = User("pat", "Pat Okafor", fhir_user="Patient/p1", patients=("RelatedPerson/r1",))
ONE = User("one", "One Record", fhir_user="Patient/p1")
NONE = User("none", "No Record")
SSN = "123-45-6789"


@dataclass
class Visit:
    """The server, and a browser with cookies that follows no redirect."""

    facade: Facade
    browser: httpx.AsyncClient
    users: Users

    async def start(
        self, scope: str = "launch/patient patient/*.rs", client: str = "app", **more: str
    ) -> str:
        """The address of the first page of an authorization."""
        redirect = {"native": NATIVE, "odd": ODD}.get(client, APP).redirect_uris[0]
        asked = {
            "response_type": "code",
            "client_id": client,
            "redirect_uri": redirect,
            "scope": scope,
            "state": "st4te",
            "aud": FHIR,
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            **more,
        }
        answer = await self.browser.get("/auth/authorize", params=asked)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def sign_in(self, here: str, login: str = "dana", password: str = SECRET) -> httpx.Response:
        """Fill in the sign-in page that is there."""
        return await self.send(await self.browser.get(here), "/auth/sign-in", login=login, password=password)

    async def send(self, page: httpx.Response, action: str, **fields: str | list[str]) -> httpx.Response:
        """Send a form of a page, with its hidden fields; what is in ``fields`` goes in their place."""
        sent = {**hidden(page, action), **fields}
        return await self.browser.post(action, data=sent)

    async def token(
        self, login: str = "dana", scope: str = "launch/patient offline_access patient/*.rs"
    ) -> dict:
        """All the way to tokens."""
        here = (await self.sign_in(await self.start(scope), login)).headers["location"]
        page = await self.browser.get(here)
        if "Whose record?" in page.text:
            page = await self.browser.get(here, params={"flow": flow_of(here), "q": "okafor"})
            here = (await self.send(page, "/auth/patient", patient="p1")).headers["location"]
            page = await self.browser.get(here)
        answer = await self.send(page, "/auth/consent", scope=offered(page), decision="allow")
        code = dict(parse_qsl(urlsplit(answer.headers["location"]).query))["code"]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
        told = await self.browser.post(
            "/auth/token", data={**form, "client_id": "app", "code_verifier": VERIFIER}
        )
        assert told.status_code == 200, told.text
        return told.json()


def hidden(page: httpx.Response, action: str) -> dict[str, str | list[str]]:
    form = re.search(rf'<form[^>]* action="{action}"[^>]*>(.*?)</form>', page.text, re.S)
    assert form, f"there is no form for {action}"
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[1]):
        found.setdefault(name, []).append(html.unescape(value))
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def offered(page: httpx.Response) -> list[str]:
    """All scopes of a consent page, hidden or ticked: what is sent where nobody changes anything."""
    tags = re.findall(r'<input[^>]* name="scope"[^>]*>', page.text)
    left = [tag for tag in tags if "checkbox" not in tag or " checked" in tag]
    return [html.unescape(re.findall(r' value="([^"]*)"', tag)[0]) for tag in left]


@pytest.fixture
async def visit(tmp_path: Path) -> AsyncIterator[Visit]:
    chosen = replace(settings(tmp_path), clients=(APP, STRANGE, NATIVE, ODD))
    async with served(make_application(chosen)) as running:
        users = Users(running.store.storage.access_records, digests=PasswordDigests(1, 64, 1))
        for user in (DANA, PAT, ONE, NONE):
            await users.add(user, SECRET)
        await make_records(running)
        async with running.browser() as browser:
            yield Visit(running, browser, users)


async def make_records(running: Facade) -> None:
    for id, given, born in (
        ("p1", "Ada", "1984-07-02"),
        ("p2", "Ben", "1990-01-31"),
        ("p3", "Cy", "2001-05-05"),
    ):
        await running.ehr.put(
            {
                "resourceType": "Patient",
                "id": id,
                "name": [{"family": "Okafor", "given": [given]}],
                "birthDate": born,
                "identifier": [
                    {"system": "http://hl7.org/fhir/sid/us-ssn", "value": SSN},
                    {"system": "urn:mrn", "value": f"MRN-{id}", "type": {"text": "MRN"}},
                ],
            }
        )
    await running.ehr.put(
        {"resourceType": "RelatedPerson", "id": "r1", "active": True, "patient": {"reference": "Patient/p2"}}
    )
    await running.ehr.put(
        {
            "resourceType": "Encounter",
            "id": "e1",
            "status": "finished",
            "class": {"code": "AMB"},
            "type": [{"text": "Check-up"}],
            "subject": {"reference": "Patient/p1"},
            "period": {"start": "2026-11-01T09:00:00Z"},
        }
    )


# signing in


async def test_who_signs_in_goes_on_with_the_app(visit):
    here = await visit.start()
    page = await visit.browser.get(here)
    assert "to go on with Growth &lt;b&gt;Charts&lt;/b&gt;" in page.text
    answer = await visit.sign_in(here)
    assert answer.status_code == 303 and answer.headers["location"] == here
    assert "Whose record?" in (await visit.browser.get(here)).text


async def test_the_session_cookie_is_for_these_pages_only(visit):
    cookie = (await visit.sign_in(await visit.start())).headers["set-cookie"].lower()
    assert cookie.startswith("credence_person=")
    assert all(word in cookie for word in ("httponly", "samesite=lax", "path=/auth;", "max-age="))


@pytest.mark.parametrize("login", ["dana", "nobody"])
async def test_a_wrong_password_leads_back_and_says_no_more(visit, login):
    here = await visit.start()
    answer = await visit.sign_in(here, login, "wrong lamp quarry 8")
    assert answer.status_code == 303 and "credence_person" not in answer.headers.get("set-cookie", "")
    page = await visit.browser.get(answer.headers["location"])
    assert "Login or password is wrong." in page.text and "wrong lamp" not in page.text


async def test_guessing_is_slowed_down(visit):
    here = await visit.start()
    answers = [await visit.sign_in(here, password=f"wrong lamp quarry {n}") for n in range(11)]
    assert [one.status_code for one in answers] == [303] * 10 + [429]
    assert answers[-1].headers["retry-after"] == "1" and "Wait 1 second" in answers[-1].text


async def test_a_form_of_another_site_signs_nobody_in(visit):
    here = await visit.start()
    page = await visit.browser.get(here)
    fields = {"login": "dana", "password": SECRET, "flow": hidden(page, "/auth/sign-in")["flow"]}
    token = hidden(page, "/auth/sign-in")["form_token"]
    for data, headers in (
        ({**fields, "form_token": "guessed"}, {}),
        ({**fields, "form_token": ""}, {}),
        ({**fields, "form_token": token}, {"Sec-Fetch-Site": "cross-site"}),
    ):
        answer = await visit.browser.post("/auth/sign-in", data=data, headers=headers)
        assert answer.status_code == 303 and "set-cookie" not in answer.headers
        assert "came from another site" in (await visit.browser.get(answer.headers["location"])).text
    async with visit.facade.browser() as other:
        answer = await other.post("/auth/sign-in", data={**fields, "form_token": token})
        assert "set-cookie" not in answer.headers, "the token is bound to the browser"


async def test_where_to_go_on_is_never_elsewhere(visit):
    page = await visit.browser.get(await visit.start())
    for flow in ("https://evil.example", "//evil.example", "x\r\nSet-Cookie: a=b", "../console"):
        answer = await visit.send(page, "/auth/sign-in", login="dana", password=SECRET, flow=flow)
        assert answer.headers["location"] == "/auth/apps"


async def test_who_is_disabled_is_out_at_once(visit):
    here = await visit.start()
    await visit.sign_in(here)
    await visit.users.disable("dana")
    assert "Sign in" in (await visit.browser.get(here)).text


async def test_signing_in_changes_the_cookie_and_ends_the_old_session(visit):
    page = await visit.browser.get(await visit.start())
    await visit.send(page, "/auth/sign-in", login="dana", password=SECRET)
    old = visit.browser.cookies["credence_person"]
    await visit.send(page, "/auth/sign-in", login="dana", password=SECRET)
    assert visit.browser.cookies["credence_person"] != old
    async with visit.facade.browser() as thief:
        thief.cookies.set("credence_person", old, domain="facade.test", path="/auth")
        assert (await thief.get("/auth/apps")).headers["location"] == "/auth/sign-in"


async def test_somebody_else_can_sign_in_instead(visit):
    here = await visit.start()
    await visit.sign_in(here)
    page = await visit.browser.get(here)
    assert "Not you?" in page.text
    out = await visit.send(page, "/auth/sign-out")
    assert out.headers["location"] == here
    assert 'name="password"' in (await visit.browser.get(here)).text


async def test_signing_out_takes_a_form_of_ours(visit):
    await visit.sign_in(await visit.start())
    await visit.browser.post("/auth/sign-out", data={"form_token": "guessed"})
    assert (await visit.browser.get("/auth/apps")).status_code == 200


# the headers


@pytest.mark.parametrize(
    ("client", "targets"),
    [("app", "'self' https://app.example"), ("native", "'self' com.example.app:"), ("odd", "'self'")],
)
async def test_forms_may_lead_here_and_to_the_app(visit, client, targets):
    page = await visit.browser.get(await visit.start(client=client))
    policy = page.headers["content-security-policy"]
    assert policy == f"default-src 'self'; frame-ancestors 'none'; form-action {targets}; base-uri 'none'"
    assert page.headers["x-frame-options"] == "DENY" and page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert not re.search(r"<script|<style|style=|onclick=", page.text)


# picking a patient


async def test_a_clinician_finds_a_patient_by_name_birth_date_or_identifier(visit):
    here = await visit.start()
    await visit.sign_in(here)
    page = await visit.browser.get(here)
    assert "Okafor" not in page.text.partition("</header>")[2], (
        "nobody is listed before somebody is looked for"
    )
    for text in ("okafor ben", "1/31/1990", "MRN-p2"):
        found = await visit.browser.get(here, params={"flow": flow_of(here), "q": text})
        assert re.findall(r'name="patient" value="(\w+)"', found.text) == ["p2"], text
        assert "born 1990-01-31" in found.text and "MRN MRN-p2" in found.text and SSN not in found.text
    nobody = await visit.browser.get(here, params={"flow": flow_of(here), "q": "nobody"})
    assert "Nobody is found." in nobody.text


async def test_a_patient_chooses_among_those_they_act_for(visit):
    here = await visit.start()
    await visit.sign_in(here, "pat")
    page = await visit.browser.get(here)
    assert re.findall(r'name="patient" value="(\w+)"', page.text) == ["p1", "p2"]
    found = await visit.browser.get(here, params={"flow": flow_of(here), "q": "ben 1990"})
    assert re.findall(r'name="patient" value="(\w+)"', found.text) == ["p2"]
    refused = await visit.send(page, "/auth/patient", patient="p3")
    assert refused.status_code == 400 and "no such patient" in refused.text


async def noted(visit: Visit) -> list[Event]:
    """What the audit was told of reads and searches for these pages."""
    recorder = visit.facade.application._edge.context.audit
    await recorder.flush()
    batches = await visit.facade.store.storage.trail.read(0, 1000)
    events = [event for batch in batches for event in events_of(batch)]
    return [event for event in events if event.source == "authorization-pages"]


async def test_whoever_looks_at_a_record_to_choose_is_noted(visit):
    here = await visit.start("launch/patient launch/encounter patient/*.rs")
    await visit.sign_in(here, "pat")
    await visit.browser.get(here)
    assert [(one.what, one.type, one.id) for one in await noted(visit)] == [
        ("read", "Patient", "p1"),
        ("read", "Patient", "p2"),
    ]
    page = await visit.browser.get(here, params={"flow": flow_of(here), "q": "ada"})
    here = (await visit.send(page, "/auth/patient", patient="p1")).headers["location"]
    await visit.browser.get(here)
    *_, shown, visits = await noted(visit)
    assert (shown.what, shown.id) == ("read", "p1")
    assert (visits.what, visits.type, visits.shown) == ("search-type", "Encounter", (("Encounter", "e1", 1),))
    for one in await noted(visit):
        assert (one.principal, one.user, one.address) == ("pat", "Patient/p1", "127.0.0.1") and one.request
    officer = await visit.facade.officer.get("AuditEvent?patient=Patient/p2&agent:identifier=pat")
    assert officer.json()["total"] == 2, "the list was looked at twice"


async def test_what_a_clinician_finds_is_noted_as_it_was_shown(visit):
    here = await visit.start()
    await visit.sign_in(here)
    await visit.browser.get(here, params={"flow": flow_of(here), "q": "okafor ben"})
    found = [one for one in await noted(visit) if one.shown]
    assert [one.shown for one in found] == [(("Patient", "p2", 1),)]
    assert (found[0].principal, found[0].user, found[0].address) == ("dana", "Practitioner/d", "127.0.0.1")


async def test_who_has_one_record_is_not_asked(visit):
    here = await visit.start()
    await visit.sign_in(here, "one")
    assert "Allow access for" in (await visit.browser.get(here)).text


async def test_who_has_no_record_is_told(visit):
    here = await visit.start()
    await visit.sign_in(here, "none")
    assert "There is no record that you may open." in (await visit.browser.get(here)).text


async def test_a_pick_takes_a_form_of_this_page(visit):
    here = await visit.start()
    await visit.sign_in(here)
    page = await visit.browser.get(here, params={"flow": flow_of(here), "q": "okafor"})
    refused = await visit.send(page, "/auth/patient", patient="p2", form_token="guessed")
    assert refused.status_code == 400
    assert (await visit.send(page, "/auth/patient", patient="p2")).status_code == 303


async def test_to_cancel_tells_the_app(visit):
    here = await visit.start()
    await visit.sign_in(here)
    gone = await visit.send(await visit.browser.get(here), "/auth/cancel")
    assert gone.headers["location"].startswith(REDIRECT) and "error=access_denied" in gone.headers["location"]


async def test_a_visit_is_chosen_where_the_app_asks_for_one(visit):
    here = await visit.start("launch/patient launch/encounter patient/*.rs")
    await visit.sign_in(here, "one")
    page = await visit.browser.get(here)
    assert "Check-up" in page.text and "2026-11-01 09:00" in page.text
    picked = await visit.send(page, "/auth/encounter", encounter="e1")
    assert "It learns which visit was chosen." in (await visit.browser.get(picked.headers["location"])).text


# consent


async def test_the_consent_page_says_who_gets_what_of_whom(visit):
    here = await visit.start(
        "openid fhirUser launch/patient offline_access patient/Condition.rs patient/Observation.rs?category=laboratory"
        " patient/MedicationRequest.cruds user/Practitioner.r"
    )
    await visit.sign_in(here)
    page = await visit.browser.get(here, params={"flow": flow_of(here), "q": "ada"})
    here = (await visit.send(page, "/auth/patient", patient="p1")).headers["location"]
    page = await visit.browser.get(here)
    for words in (
        "Allow access for Growth &lt;b&gt;Charts&lt;/b&gt;?",
        "Ada Okafor, born 1984-07-02",
        "Dana Reyes",
        "<strong>See</strong> health problems and diagnoses",
        "<strong>See</strong> laboratory results",
        "<strong>See, add, change and delete</strong> prescriptions",
        "alters the record",
        "In every record that you may open it may",
        "Also when you do not use it",
        "It learns who you are",
        "Then you go back to app.example",
    ):
        assert words in page.text, words
    assert "registered itself" not in page.text


async def test_what_is_unticked_is_not_granted(visit):
    here = await visit.start("launch/patient patient/Condition.rs patient/Observation.rs offline_access")
    await visit.sign_in(here, "one")
    page = await visit.browser.get(here)
    assert set(offered(page)) == {
        "launch/patient",
        "patient/Condition.rs",
        "patient/Observation.rs",
        "offline_access",
    }
    answer = await visit.send(
        page, "/auth/consent", decision="allow", scope=["launch/patient", "patient/Condition.rs"]
    )
    code = dict(parse_qsl(urlsplit(answer.headers["location"]).query))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "client_id": "app"}
    told = (await visit.browser.post("/auth/token", data={**form, "code_verifier": VERIFIER})).json()
    assert set(told["scope"].split()) == {"launch/patient", "patient/Condition.rs"}
    assert "refresh_token" not in told


async def test_some_of_a_type_are_granted_where_they_are_ticked(visit):
    here = await visit.start("launch/patient patient/Condition.rs patient/Goal.rs")
    await visit.sign_in(here, "one")
    page = await visit.browser.get(here)
    assert "Only some of it" in page.text and page.text.count("<details") == 1, "a Goal has no parts"
    part = html.unescape(re.findall(r'value="(patient/Condition[^"]*health-concern)"', page.text)[0])
    assert part not in offered(page)
    answer = await visit.send(page, "/auth/consent", decision="allow", scope=[*offered(page), part])
    code = dict(parse_qsl(urlsplit(answer.headers["location"]).query))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "client_id": "app"}
    told = (await visit.browser.post("/auth/token", data={**form, "code_verifier": VERIFIER})).json()
    assert set(told["scope"].split()) == {"launch/patient", part, "patient/Goal.rs"}


async def test_what_was_not_offered_cannot_be_ticked(visit):
    here = await visit.start("launch/patient patient/Condition.rs")
    await visit.sign_in(here, "one")
    page = await visit.browser.get(here)
    answer = await visit.send(
        page,
        "/auth/consent",
        decision="allow",
        scope=["patient/Condition.rs", "patient/*.cruds", "user/*.rs"],
    )
    code = dict(parse_qsl(urlsplit(answer.headers["location"]).query))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "client_id": "app"}
    told = (await visit.browser.post("/auth/token", data={**form, "code_verifier": VERIFIER})).json()
    assert told["scope"] == "patient/Condition.rs"


async def test_to_deny_tells_the_app(visit):
    here = await visit.start()
    await visit.sign_in(here, "one")
    answer = await visit.send(await visit.browser.get(here), "/auth/consent", decision="deny")
    assert "error=access_denied" in answer.headers["location"] and "code=" not in answer.headers["location"]


async def test_an_app_that_registered_itself_is_called_so(visit):
    here = await visit.start(client="strange")
    await visit.sign_in(here, "one")
    assert "Strange registered itself: nobody here has looked at it." in (await visit.browser.get(here)).text


# what went wrong


async def test_what_cannot_go_on_is_said_on_a_page(visit):
    page = await visit.browser.get("/auth/continue", params={"flow": "guessed"})
    assert page.status_code == 400 and "This does not go on" in page.text
    evil = await visit.browser.get(
        "/auth/authorize", params={"client_id": "app", "redirect_uri": "https://evil.example"}
    )
    assert (
        evil.status_code == 400
        and "location" not in evil.headers
        and "default-src 'self'" in (evil.headers["content-security-policy"])
    )


# their apps


async def test_apps_are_listed_and_access_is_taken_back(visit):
    told = await visit.token()
    page = await visit.browser.get("/auth/apps")
    assert "Growth &lt;b&gt;Charts&lt;/b&gt;" in page.text and "for the record of Ada Okafor" in page.text
    assert "See everything in the record" in page.text and "Go on when you do not use it" in page.text
    grant = re.search(r'name="grant" value="([^"]+)"', page.text)
    assert grant is not None
    bearer = {"authorization": f"Bearer {told['access_token']}"}
    assert (await visit.browser.get("/fhir/Patient/p1", headers=bearer)).status_code == 200
    gone = await visit.send(page, "/auth/apps/revoke", grant=grant[1])
    assert gone.headers["location"] == "/auth/apps?ended=1"
    page = await visit.browser.get(gone.headers["location"])
    assert "Access was taken back" in page.text and "You have given no app access." in page.text
    assert (await visit.browser.get("/fhir/Patient/p1", headers=bearer)).status_code == 401
    form = {"grant_type": "refresh_token", "refresh_token": told["refresh_token"], "client_id": "app"}
    assert (await visit.browser.post("/auth/token", data=form)).json()["error"] == "invalid_grant"


async def test_nobody_takes_back_what_another_has_given(visit):
    told = await visit.token("one")
    page = await visit.browser.get("/auth/apps")
    grant = re.search(r'name="grant" value="([^"]+)"', page.text)
    assert grant is not None
    async with visit.facade.browser() as other:
        stranger = Visit(visit.facade, other, visit.users)
        await stranger.sign_in(await stranger.start(), "dana")
        theirs = await other.get("/auth/apps")
        assert "You have given no app access." in theirs.text
        token = re.search(r'name="form_token" value="([^"]+)"', theirs.text)
        assert token is not None
        await other.post("/auth/apps/revoke", data={"form_token": token[1], "grant": grant[1]})
    bearer = {"authorization": f"Bearer {told['access_token']}"}
    assert (await visit.browser.get("/fhir/Patient/p1", headers=bearer)).status_code == 200


async def test_to_take_access_back_takes_a_form_of_ours(visit):
    await visit.token()
    page = await visit.browser.get("/auth/apps")
    grant = re.search(r'name="grant" value="([^"]+)"', page.text)
    assert grant is not None
    for headers in ({}, {"Sec-Fetch-Site": "cross-site"}):
        token = hidden(page, "/auth/apps/revoke")["form_token"] if headers else "guessed"
        data = {"form_token": token, "grant": grant[1]}
        assert (await visit.browser.post("/auth/apps/revoke", data=data, headers=headers)).status_code == 403
    assert grant[1] in (await visit.browser.get("/auth/apps")).text


async def test_what_was_granted_ends_with_the_user(visit):
    told = await visit.token()
    await visit.users.change_password("dana", "other lamp quarry 8")
    form = {"grant_type": "refresh_token", "refresh_token": told["refresh_token"], "client_id": "app"}
    assert (await visit.browser.post("/auth/token", data=form)).json()["error"] == "invalid_grant"


async def test_strangers_have_no_apps(visit):
    assert (await visit.browser.get("/auth/apps")).headers["location"] == "/auth/sign-in"
    assert (await visit.browser.post("/auth/apps/revoke", data={})).headers["location"] == "/auth/sign-in"
    page = await visit.browser.get("/auth/sign-in")
    answer = await visit.send(page, "/auth/sign-in", login="dana", password=SECRET)
    assert answer.headers["location"] == "/auth/apps"


def flow_of(here: str) -> str:
    return parse_qs(urlsplit(here).query)["flow"][0]
