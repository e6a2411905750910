"""The request that begins an authorization: where it may lead, and what it must hold."""

from __future__ import annotations

import pytest

from tests.attacks.people import Person, challenge_of, query
from tests.attacks.trail import Trail
from tests.attacks.world import REDIRECT

pytestmark = pytest.mark.xdist_group("attacks")

TRICKS = (
    "https://evil.example/cb",
    "https://app.example.evil.example/cb",
    "https://app.example@evil.example/cb",
    "https://evil.example#@app.example/cb",
    "https://evil.example?https://app.example/cb",
    "https://evil.example\\@app.example/cb",
    "https://app.example/cb/",
    "https://app.example/cb/../evil",
    "https://app.example/./cb",
    "https://app.example/cb/%2e%2e/evil",
    "https://app.example/cb%2f..%2fevil",
    "https://app.example/cb%00",
    "https://app.example/cb%0d%0aLocation:%20https://evil.example",
    "https://app.example/cb\r\nLocation: https://evil.example",
    "https://app.example/cb#fragment",
    "https://app.example/cb?x=1",
    "https://app.example/cb?",
    "https://app.example/cb;x",
    "https://app.example/CB",
    "https://APP.example/cb",
    "https://app.example./cb",
    "https://app.example:443/cb",
    "https://app.example:8443/cb",
    "http://app.example/cb",
    "//app.example/cb",
    "/cb",
    "cb",
    "https:/app.example/cb",
    "https:app.example/cb",
    "https:///app.example/cb",
    " https://app.example/cb",
    "https://app.example/cb ",
    "https%3A%2F%2Fapp.example%2Fcb",
    "HTTPS://app.example/cb",
    "https://аpp.example/cb",
    "https://user:pass@app.example/cb",
    "javascript:alert(1)//https://app.example/cb",
    "data:text/html,https://app.example/cb",
    "com.example.app:/cb",
    "*",
    "null",
    "",
    "https://other.example/cb",
)
LOOPBACK = ("http://127.0.0.1:10/cb", "http://localhost:9/cb", "http://127.0.0.1/cb", "https://127.0.0.1:9/cb",
            "http://[::1]:9/cb", "http://127.0.0.1:9@evil.example/cb", "http://2130706433:9/cb")  # fmt: skip


@pytest.mark.parametrize("client", ["app", "loopback", "native", "query"])
def test_no_redirect_leads_elsewhere(pat: Person, trail: Trail, client: str) -> None:
    own = {
        "loopback": LOOPBACK,
        "native": ("com.example.app:/cb/x", "com.example.app://cb", "com.example.appx:/cb"),
        "query": ("https://app.example/cb", f"{REDIRECT}?tenant=2", f"{REDIRECT}?tenant=1&x=2"),
    }
    mine = {"native": "com.example.app:/cb"}.get(client)
    for uri in (*TRICKS, *own.get(client, ())):
        if uri == mine:
            continue
        answer = pat.authorize(pat.request(client, redirect_uri=uri))
        assert answer.status == 400 and not answer.header("location"), (uri, answer)
        assert "evil" not in "".join(value for _, value in answer.headers), uri
        trail.noted(answer, "400 invalid_request")


def test_there_is_one_redirect_and_one_client(pat: Person, trail: Trail) -> None:
    asked = list(pat.request().items())
    for more in (
        ("redirect_uri", "https://evil.example/cb"),
        ("redirect_uri", REDIRECT),
        ("client_id", "other"),
        ("client_id", "app"),
    ):
        for pairs in ([*asked, more], [more, *asked]):
            answer = pat.authorize(pairs)
            assert answer.status == 400 and not answer.header("location"), answer
            trail.noted(answer, "400 invalid_request")
    for missing in ("redirect_uri", "client_id"):
        answer = pat.authorize(pat.request(**{missing: None}))
        assert answer.status == 400 and not answer.header("location"), answer
        trail.noted(answer, "400 invalid_request")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "plain", "code_challenge": "v" * 43}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge_method": "S512"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "v" * 44}, "invalid_request"),
        ({"code_challenge": challenge_of("v") + "="}, "invalid_request"),
        ({"state": None}, "invalid_request"),
        ({"state": ""}, "invalid_request"),
        ({"aud": None}, "invalid_request"),
        ({"aud": "https://elsewhere.example/fhir"}, "invalid_request"),
        ({"aud": "http://127.0.0.1/fhir"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
        ({"request_uri": "https://evil.example/request"}, "request_uri_not_supported"),
        ({"launch": "guessed", "scope": "launch patient/*.rs"}, "invalid_request"),
        ({"launch": "guessed"}, "invalid_request"),
        ({"scope": "system/*.cruds"}, "invalid_scope"),
        ({"scope": "patient/*.cud"}, "invalid_scope"),
        ({"scope": "admin operator"}, "invalid_scope"),
        ({"scope": "patient/*.srduc"}, "invalid_scope"),
        ({"scope": "patient/Observation.rs?_include=*"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"state": "x" * 9000}, "invalid_request"),
    ],
)
def test_what_is_wrong_is_told_to_the_app_and_gives_no_code(
    pat: Person, trail: Trail, change: dict[str, str | None], error: str
) -> None:
    answer = pat.authorize(pat.request(**change))
    assert answer.status == 303, answer
    location = answer.header("location")
    assert location.startswith(f"{REDIRECT}?"), location
    told = query(location)
    assert told["error"] == error and "code" not in told, told
    trail.noted(answer, f"400 {error}")


def test_parameters_twice_are_told_too(pat: Person, trail: Trail) -> None:
    for name in ("state", "scope", "code_challenge", "code_challenge_method", "aud", "response_type"):
        answer = pat.authorize([*pat.request().items(), (name, "x")])
        assert query(answer.header("location")).get("error") == "invalid_request", answer
        trail.noted(answer, "400 invalid_request")


def test_a_state_breaks_out_of_nothing(pat: Person, trail: Trail) -> None:
    state = 'x\r\nSet-Cookie: a=b\r\n\r\n<script>&code=stolen#"'
    answer = pat.authorize(pat.request(state=state, code_challenge_method="plain"))
    told = query(answer.header("location"))
    assert told["state"] == state and "code" not in told
    assert not answer.header("set-cookie") and "<script>" not in answer.text
    trail.noted(answer, "400 invalid_request")
