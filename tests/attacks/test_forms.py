"""Forms and cookies: a page of another site can do nothing in the name of who is signed in here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.routing import Route

from fhirserver.app.wiring import make_application
from tests.attacks.people import Person, hidden_fields
from tests.attacks.trail import Trail
from tests.attacks.wire import Answer, Wire
from tests.attacks.world import PASSWORD, TOKENS
from tests.facade import settings
from tests.server_process import ServerProcess

pytestmark = pytest.mark.xdist_group("attacks")

SIGN_INS = {"/console/sign-in", "/auth/sign-in"}
APPS_AND_SERVICES = {
    "/auth/token",
    "/auth/revoke",
    "/auth/introspect",
    "/auth/userinfo",
    "/auth/register",
    "/auth/launches",
    "/auth/authorize",
}
"""Posted to by programs, or by pages of other places on purpose: no cookie counts there."""


def _posts(routes: list[object]) -> Iterator[str]:
    for route in routes:
        if included := getattr(route, "original_router", None):
            yield from _posts(included.routes)
        elif isinstance(route, Route) and "POST" in (route.methods or ()):
            yield re.sub(r"{[^}]*}", "p", route.path)


POSTS = sorted(set(_posts(make_application(settings(Path("/nowhere"))).web.routes)))
DESK = [path for path in POSTS if path.startswith("/console/") and path not in SIGN_INS]
PAGES = [path for path in POSTS if path.startswith("/auth/") and path not in SIGN_INS | APPS_AND_SERVICES]
ELSEWHERE = (
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"},
    {"sec_fetch_site": "nonsense"},
    {"origin": "https://evil.example"},
    {"origin": "http://127.0.0.1:1"},
    {"origin": "http://127.0.0.1.evil.example"},
    {"origin": "file://"},
)


class Operator:
    """Somebody at the console."""

    def __init__(self, server: ServerProcess, name: str = "desk"):
        self.wire = Wire(server.port)
        answer = self.wire.form("/console/sign-in", {"token": TOKENS[name]})
        assert answer.status == 303 and "credence_session" in self.wire.cookies, answer
        self.form_token = hidden_fields(self.wire.get("/console/patients").text, "/console/sign-out")[
            "form_token"
        ]


def test_all_forms_are_known() -> None:
    """A new form has to be one of a page that carries a token, or on the list of those that programs post to."""
    assert len(DESK) >= 10 and set(PAGES) == {
        "/auth/patient",
        "/auth/encounter",
        "/auth/consent",
        "/auth/cancel",
        "/auth/sign-out",
        "/auth/apps/revoke",
    }
    rest = set(POSTS) - set(DESK) - set(PAGES) - SIGN_INS - APPS_AND_SERVICES
    assert {path.split("/")[1] for path in rest} == {"live", "notify", "webhooks"}


def test_no_form_of_the_console_is_taken_from_elsewhere(server: ServerProcess, trail: Trail) -> None:
    one, other = Operator(server), Operator(server, "desk-two")
    for path in DESK:
        for token in ("", "x", other.form_token, one.form_token[:-1], one.form_token.upper() + "0"):
            _refused(trail, one.wire.form(path, {"form_token": token}))
        _refused(trail, one.wire.form(path, {}))
        _refused(trail, one.wire.form(f"{path}?form_token={one.form_token}", {}))
        _refused(
            trail, one.wire("POST", path, {"form_token": one.form_token}, content_type="application/json")
        )
        for headers in ELSEWHERE:
            _refused(trail, one.wire.form(path, {"form_token": one.form_token}, **headers))
        stranger = Wire(server.port).form(path, {"form_token": one.form_token})
        assert stranger.status == 303 and stranger.header("location").startswith("/console?"), stranger
        trail.noted(stranger, "401 login")
    assert one.wire.get("/console/patients").status == 200, "nobody was signed out"


def _refused(trail: Trail, answer: Answer) -> None:
    assert answer.status == 403 and not answer.header("location"), answer
    trail.noted(answer, "403", "desk")


def test_nobody_is_signed_in_as_somebody_else(server: ServerProcess, trail: Trail) -> None:
    """Login CSRF: the victim would work in the attacker's session."""
    for headers in ELSEWHERE:
        browser = Wire(server.port)
        answer = browser.form("/console/sign-in", {"token": TOKENS["desk"]}, **headers)
        assert answer.status == 403 and not browser.cookies, answer
        trail.noted(answer, "403 forbidden")
        browser = Wire(server.port)
        fields = hidden_fields(browser.get("/auth/sign-in").text, "/auth/sign-in")
        given = {**fields, "login": "mal", "password": PASSWORD}
        answer = browser.form("/auth/sign-in", given, **headers)
        assert answer.status == 303 and "wrong=form" in answer.header("location"), answer
        assert not any("person" in name for name in browser.cookies)
        trail.noted(answer, "403 forbidden")


def test_the_sign_in_form_is_the_browsers_own(server: ServerProcess, trail: Trail) -> None:
    mine, theirs = Wire(server.port), Wire(server.port)
    fields, foreign = (
        hidden_fields(browser.get("/auth/sign-in").text, "/auth/sign-in") for browser in (mine, theirs)
    )
    for token in ("", "x", foreign["form_token"], fields["form_token"][:-1]):
        given = {**fields, "form_token": token, "login": "mal", "password": PASSWORD}
        answer = mine.form("/auth/sign-in", given)
        assert answer.status == 303 and "wrong=form" in answer.header("location"), answer
        trail.noted(answer, "403 forbidden")
    bare = Wire(server.port).form("/auth/sign-in", {**fields, "login": "mal", "password": PASSWORD})
    assert "wrong=form" in bare.header("location")
    trail.noted(bare, "403 forbidden")


def test_no_form_of_the_pages_for_apps_is_taken_from_elsewhere(server: ServerProcess, trail: Trail) -> None:
    person, other = Person(server, "pat"), Person(server, "mal")
    person.token()
    here, theirs = person.begun("asks"), other.begun("asks")
    fields = hidden_fields(person.wire.get(here).text, "/auth/consent")
    foreign = hidden_fields(other.wire.get(theirs).text, "/auth/consent")
    for path in ("/auth/patient", "/auth/encounter", "/auth/consent", "/auth/cancel"):
        for token in ("", "x", foreign["form_token"]):
            sent = {
                **fields,
                "form_token": token,
                "decision": "allow",
                "scope": "patient/*.rs",
                "patient": "p",
            }
            answer = person.wire.form(path, sent)
            assert answer.status == 400 and not answer.header("location"), answer
            trail.noted(answer, "400 invalid_request")
        mixed = person.wire.form(path, {**foreign, "decision": "allow", "scope": "patient/*.rs"})
        assert mixed.status == 400, mixed
        trail.noted(mixed, "400 invalid_request")
        for headers in ELSEWHERE:
            sent = {**fields, "decision": "allow", "scope": "patient/*.rs", "patient": "qzada-patient"}
            answer = person.wire.form(path, sent, **headers)
            assert answer.status == 400 and not answer.header("location"), answer
            trail.noted(answer, "400 invalid_request")
    assert person.wire.get(here).status == 200, "nothing was decided"
    page = person.wire.get("/auth/apps").text
    ours = hidden_fields(page, "/auth/apps/revoke")
    for sent in (
        {**ours, "form_token": ""},
        {**ours, "form_token": "x"},
        {**ours, "form_token": foreign["form_token"]},
    ):
        answer = person.wire.form("/auth/apps/revoke", sent)
        assert answer.status == 403, answer
        trail.noted(answer, "403 forbidden")
        out = person.wire.form("/auth/sign-out", {"form_token": sent["form_token"]})
        assert out.status == 303 and person.wire.get("/auth/apps").status == 200
        trail.noted(out, "403 forbidden")
    for headers in ELSEWHERE:
        trail.noted(person.wire.form("/auth/apps/revoke", ours, **headers), "403 forbidden")
        trail.noted(
            person.wire.form("/auth/sign-out", {"form_token": ours["form_token"]}, **headers), "403 forbidden"
        )
    assert person.wire.get("/auth/apps").text.count("/auth/apps/revoke") == page.count("/auth/apps/revoke")


def test_nobody_ends_what_another_let_in(server: ServerProcess, trail: Trail) -> None:
    person, other = Person(server, "pat"), Person(server, "mal")
    told = person.token()
    other.token()
    grant = hidden_fields(person.wire.get("/auth/apps").text, "/auth/apps/revoke")["grant"]
    own = hidden_fields(other.wire.get("/auth/apps").text, "/auth/apps/revoke")
    answer = other.wire.form("/auth/apps/revoke", {**own, "grant": grant})
    trail.noted(answer, "403 forbidden")
    reading = Wire(server.port, told["access_token"]).get("/fhir/Patient/qzada-patient")
    assert reading.status == 200, reading


@pytest.mark.parametrize(
    "path",
    ["/console/sign-out", "/auth/sign-out", "/auth/apps/revoke", "/auth/consent", "/console/queue/undo"],
)
def test_nothing_is_done_by_following_a_link(server: ServerProcess, trail: Trail, path: str) -> None:
    operator = Operator(server)
    answer = operator.wire.get(f"{path}?form_token={operator.form_token}")
    assert answer.status in (404, 405), answer
    trail.noted(answer, str(answer.status))
    assert operator.wire.get("/console/patients").status == 200


def test_cookies_of_one_kind_open_nothing_of_another(server: ServerProcess, trail: Trail) -> None:
    operator, person = Operator(server), Person(server, "pat")
    stranger = Wire(server.port)
    for path, cookie in (
        ("/console/patients", f"credence_session={person.wire.cookies['credence_person']}"),
        ("/console/patients", "credence_session=x"),
        ("/console/patients", "credence_session="),
    ):
        answer = stranger.get(path, cookie=cookie)
        assert answer.status == 303, answer
        trail.noted(answer, "401 login")
    for cookie in (f"credence_person={operator.wire.cookies['credence_session']}", "credence_person=x"):
        answer = stranger.get("/auth/apps", cookie=cookie)
        assert answer.status == 303 and answer.header("location") == "/auth/sign-in"
    whole = "; ".join(f"{k}={v}" for one in (operator, person) for k, v in one.wire.cookies.items())
    for path in ("/fhir/Patient", "/live/calls", "/recordings/x.wav", "/metrics"):
        answer = stranger.get(path, cookie=whole)
        assert answer.status == 401, "no cookie stands for a token"
        trail.noted(answer, "401")


def test_a_page_of_another_place_is_told_nothing(server: ServerProcess, trail: Trail) -> None:
    operator = Operator(server)
    for origin in ("https://evil.example", "null", "https://app.example.evil.example"):
        for path in ("/fhir/openapi.json", "/console/patients", "/live/calls", "/auth/apps"):
            answer = operator.wire.get(path, origin=origin)
            assert not answer.header("access-control-allow-origin"), answer
            assert not answer.header("access-control-allow-credentials"), answer
        asked = operator.wire(
            "OPTIONS", "/fhir/Patient", origin=origin, access_control_request_method="DELETE"
        )
        assert not asked.header("access-control-allow-origin") and not asked.header(
            "access-control-allow-methods"
        )
        open_to_all = operator.wire.get("/fhir/metadata", origin=origin)
        assert open_to_all.header("access-control-allow-origin") == "*", "SMART App Launch asks for that"
        assert not open_to_all.header("access-control-allow-credentials")
    allowed = operator.wire.get("/fhir/Patient", origin="https://app.example")
    trail.refused(allowed, 401, "login")
    assert not allowed.header("access-control-allow-credentials")


def test_a_socket_of_another_place_hears_no_call(server: ServerProcess, trail: Trail) -> None:
    """A page of another site may open one with the operator's cookie; it has no pass."""
    operator = Operator(server)
    handshake = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec_websocket_version": "13",
        "sec_websocket_key": "dGhlIHNhbXBsZSBub25jZQ==",
        "origin": "https://evil.example",
    }
    stranger = Wire(server.port)
    assert stranger.get("/console/live/x/sound", **handshake).status == 403
    assert stranger.get("/live/calls/x/sound", **handshake).status == 401
    assert (
        stranger.get("/live/calls/x/sound", authorization=f"Bearer {TOKENS['eve']}", **handshake).status
        == 403
    )
    assert stranger.get("/fhir/ws", authorization="Bearer x", **handshake).status == 401
    opened = operator.wire.get("/console/live/x/sound", **handshake)
    if opened.status == 101:
        frame = operator.wire.message(b"a guessed pass")
        assert frame[:1] == b"\x88" and int.from_bytes(frame[2:4], "big") == 1008, frame
    else:
        assert opened.status == 403, opened
    operator.wire.close()
