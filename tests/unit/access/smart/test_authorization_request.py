"""What an authorization request must hold, and whom an error is told: the app only where it is certainly the app."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.access.smart.authorization_request import Tellable, Untellable
from fhirserver.access.smart.redirects import matches, origin_of, redirect_problem, with_parameters
from tests.unit.access.smart.kit import BROWSER, FHIR, ISSUER, REDIRECT, Kit, query, request

TRICKS = (
    "https://app.example/cb/",
    "https://app.example/cb?x=1",
    "https://app.example/cb#x",
    "https://app.example/CB",
    "https://app.example/cb%2f",
    "https://app.example/x/../cb",
    "https://app.example.evil.example/cb",
    "https://app.example@evil.example/cb",
    "https://evil.example/?https://app.example/cb",
    "http://app.example/cb",
    "https://app.example:443/cb",
    "HTTPS://app.example/cb",
    " https://app.example/cb",
    "https://app.example/cb\r\nLocation: https://evil.example",
    "javascript:alert(1)//https://app.example/cb",
    "//app.example/cb",
    "",
)


@pytest.mark.parametrize("uri", TRICKS)
async def test_nobody_is_sent_anywhere_but_to_the_very_address_that_is_registered(kit: Kit, uri: str) -> None:
    with pytest.raises(Untellable, match="redirect_uri"):
        await kit.begin(redirect_uri=uri)


@given(st.text(max_size=60))
def test_an_address_matches_itself_alone(text: str) -> None:
    assert matches((REDIRECT,), text) is (text == REDIRECT)
    assert not matches((REDIRECT,), REDIRECT + text) or not text


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/cb",
        "https://app.example:8443/a/b?tenant=1",
        "http://127.0.0.1:9000/cb",
        "http://localhost/cb",
        "http://[::1]:8000/",
        "https://192.0.2.7/cb",
        "https://[2001:db8::7]:8443/cb",
        "https://xn--bcher-kva.example/a%20b;v=1,2",
        "com.example.app:/callback",
        "com.example.app://oauth/callback",
    ],
)
def test_what_may_be_registered(uri: str) -> None:
    assert redirect_problem(uri) is None


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("http://app.example/cb", "loopback"),
        ("https://app.example/cb#fragment", "fragment"),
        ("https://user:pass@app.example/cb", "password"),
        ("https:///cb", "host"),
        ("https://app.example/a/../cb", "dot"),
        ("https://app.example/a/%2e%2E/cb", "dot"),
        ("javascript:alert(1)", "scheme"),
        ("data:text/html,x", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("myapp:/cb", "scheme"),
        ("https://app.example/cb\r\nX: 1", "character"),
        ("https://app.example/" + "a" * 2000, "2000"),
        ("https://app.example:port/", "URI"),
        ("/cb", "scheme"),
        ("https://odd;script-src/cb", "host"),
        ("https://app.example;.evil.example/cb", "host"),
        ("https://app.example,evil.example/cb", "host"),
        ("https://app'example/cb", "host"),
        ("https://*.example/cb", "host"),
        ("https://app%2eexample/cb", "host"),
        ("https://app_1.example/cb", "host"),
        ("https://-app.example/cb", "host"),
        ("https://app..example/cb", "host"),
        ("https://app.example./cb", "host"),
        ("https://app.example:/cb", "host"),
        ("https://app.example:70000/cb", "URI"),
        ("https://" + "a" * 64 + ".example/cb", "host"),
        ("https://1.2.3/cb", "host"),
        ("https://0x7f.1/cb", "host"),
        ("https://256.1.1.1/cb", "host"),
        ("https://[::1/cb", "URI"),
        ("https://[1.2.3.4]/cb", ""),
        ("https://app.example/[1]", "bracket"),
        ("https://app.example/cb?a[0]=1", "bracket"),
        ("https://app.example/a%2", "character"),
        ("https://app.example/a%zz", "character"),
        ("https://app.example/<b>", "character"),
        ("com.example.app://odd;script-src/cb", "host"),
    ],
)
def test_what_may_not_be_registered(uri: str, why: str) -> None:
    problem = redirect_problem(uri)
    assert problem is not None and why in problem


@pytest.mark.parametrize(
    ("uri", "origin"),
    [
        ("https://App.example/cb", "https://app.example"),
        ("https://app.example:443/cb", "https://app.example"),
        ("https://app.example:8443/cb", "https://app.example:8443"),
        ("http://127.0.0.1:80/cb", "http://127.0.0.1"),
        ("http://[::1]:9000/cb", "http://[::1]:9000"),
        ("com.example.app:/callback", ""),
    ],
)
def test_an_origin_is_written_as_browsers_send_it(uri: str, origin: str) -> None:
    assert origin_of(uri) == origin


@given(st.text(max_size=100), st.text(max_size=100))
def test_what_is_added_to_an_address_is_no_other_address(state: str, code: str) -> None:
    """Whatever a state holds, it stays one parameter of the query."""
    location = with_parameters("https://app.example/cb?a=b", {"state": state, "code": code})
    assert location.startswith("https://app.example/cb?a=b&state=")
    assert location.isascii() and location.isprintable() and " " not in location and "#" not in location


@pytest.mark.parametrize("client", ["", "nobody", "app\x00", "../app"])
async def test_who_is_not_known_is_told_to_the_user_alone(kit: Kit, client: str) -> None:
    with pytest.raises(Untellable, match="client_id"):
        await kit.begin(client)


async def test_a_service_acts_for_no_user(kit: Kit) -> None:
    with pytest.raises(Untellable, match="act for users"):
        await kit.begin("service", "system/Patient.rs")


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
async def test_two_clients_or_addresses_are_none(kit: Kit, name: str) -> None:
    pairs = request()
    with pytest.raises(Untellable, match=name):
        await kit.server.authorizations.begin([*pairs, (name, dict(pairs)[name])], BROWSER)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": ""}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"state": ""}, "invalid_request"),
        ({"aud": ""}, "invalid_request"),
        ({"aud": "https://other.example/fhir"}, "invalid_request"),
        ({"aud": f"{FHIR}/x"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "system/*.rs"}, "invalid_scope"),
        ({"scope": "patient/Nothing.rs"}, "invalid_scope"),
        ({"scope": "patient/Patient.sr"}, "invalid_scope"),
        ({"launch": "x"}, "invalid_request"),
        ({"launch": "x", "scope": "launch patient/*.rs"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "smile"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"request_uri": "https://app.example/r"}, "request_uri_not_supported"),
    ],
)
async def test_all_else_is_told_to_the_app(kit: Kit, more: dict[str, str], code: str) -> None:
    with pytest.raises(Tellable) as told:
        await kit.begin(**more)
    found = query(told.value.location)
    assert found["error"] == code and found["error_description"]
    assert found["iss"] == ISSUER and found.get("state", "") == more.get("state", "st4te")


async def test_a_parameter_that_is_there_twice_is_wrong(kit: Kit) -> None:
    with pytest.raises(Tellable, match="scope is there more than once"):
        await kit.server.authorizations.begin([*request(), ("scope", "user/*.rs")], BROWSER)


async def test_aud_may_have_a_slash_at_its_end(kit: Kit) -> None:
    assert await kit.begin(aud=f"{FHIR}/")
