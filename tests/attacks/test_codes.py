"""Authorization codes: used once, by who they were made for, with the proof that goes with them."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.attacks.people import Person, challenge_of, dead, reads, refresh
from tests.attacks.trail import Trail
from tests.attacks.wire import Wire
from tests.attacks.world import REDIRECT
from tests.server_process import ServerProcess

pytestmark = pytest.mark.xdist_group("attacks")

OTHERS = "https://other.example/cb"


def test_a_code_that_is_used_twice_ends_everything(server: ServerProcess, pat: Person, trail: Trail) -> None:
    code = pat.code()
    told = pat.redeem(code).json()
    assert reads(server, told["access_token"]).status in (200, 404)
    trail.refused(pat.redeem(code), 400, "invalid_grant")
    dead(server, trail, told)


def test_a_copied_code_ends_what_was_refreshed_since(
    server: ServerProcess, pat: Person, trail: Trail
) -> None:
    code = pat.code()
    told = pat.redeem(code).json()
    fresh = refresh(server, told["refresh_token"]).json()
    trail.refused(pat.redeem(code, code_verifier="w" * 64), 400, "invalid_grant")
    dead(server, trail, fresh)
    dead(server, trail, {"access_token": told["access_token"]})


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"client_id": "other"}, (400, "invalid_grant")),
        ({"client_id": "asks"}, (400, "invalid_grant")),
        ({"client_id": "web"}, (401, "invalid_client")),
        ({"client_id": None}, (401, "invalid_client")),
        ({"redirect_uri": OTHERS}, (400, "invalid_grant")),
        ({"redirect_uri": f"{REDIRECT}/"}, (400, "invalid_grant")),
        ({"redirect_uri": f"{REDIRECT}?x=1"}, (400, "invalid_grant")),
        ({"redirect_uri": None}, (400, "invalid_request")),
        ({"code_verifier": None}, (400, "invalid_request")),
        ({"code_verifier": ""}, (400, "invalid_request")),
        ({"code_verifier": "w" * 64}, (400, "invalid_grant")),
        ({"code_verifier": "v" * 63}, (400, "invalid_grant")),
        ({"code_verifier": challenge_of("v" * 64)}, (400, "invalid_grant")),
        ({"code_verifier": "v" * 42}, (400, "invalid_grant")),
        ({"code": "guessed"}, (400, "invalid_grant")),
        ({"code": ""}, (400, "invalid_request")),
        ({"grant_type": "password"}, (400, "unsupported_grant_type")),
        ({"grant_type": "implicit"}, (400, "unsupported_grant_type")),
        ({"grant_type": None}, (400, "invalid_request")),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange"}, (400, "unsupported_grant_type")),
        ({"grant_type": "client_credentials"}, (400, "unauthorized_client")),
    ],
)
def test_a_code_is_for_who_it_was_made_for(
    pat: Person, trail: Trail, change: dict[str, str | None], error: tuple[int, str]
) -> None:
    given = dict(change)
    client = given.pop("client_id", "app")
    code = given.pop("code", None)
    made = pat.code() if code is None else code
    trail.refused(pat.redeem(made, client_id=client, **given), *error)


def test_a_wrong_guess_uses_the_code_up(pat: Person, trail: Trail) -> None:
    code = pat.code()
    trail.refused(pat.redeem(code, code_verifier="w" * 64), 400, "invalid_grant")
    trail.refused(pat.redeem(code), 400, "invalid_grant")


def test_parameters_twice_and_bodies_of_other_kinds(pat: Person, server: ServerProcess, trail: Trail) -> None:
    nobody = Wire(server.port)
    code = pat.code()
    form = {
        "grant_type": "authorization_code",
        "redirect_uri": REDIRECT,
        "code_verifier": "v" * 64,
        "client_id": "app",
    }
    twice = [*form.items(), ("code", code), ("code", "x")]
    trail.refused(nobody.form("/auth/token", twice), 400, "invalid_request")
    trail.refused(
        nobody.form("/auth/token", [*form.items(), ("client_id", "other"), ("code", code)]),
        400,
        "invalid_request",
    )
    body = {**form, "code": code}
    trail.refused(
        nobody("POST", "/auth/token", body, content_type="application/json"), 400, "invalid_request"
    )
    text = nobody("POST", "/auth/token", urlencode(body), content_type="text/plain")
    trail.refused(text, 400, "invalid_request")
    nul = nobody(
        "POST", "/auth/token", urlencode(body) + "%00", content_type="application/x-www-form-urlencoded"
    )
    trail.refused(nul, 400, "invalid_request")
    asked = nobody.get(f"/auth/token?{urlencode(body)}")
    assert asked.status == 405, asked
    trail.noted(asked, "405")
