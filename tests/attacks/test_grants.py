"""What was granted, launched or registered is of who it was given to, and grows no further."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.attacks.people import Person, as_service, assertion, dead, hidden_fields, query, reads, refresh
from tests.attacks.trail import Trail
from tests.attacks.wire import Answer, Wire
from tests.attacks.world import SECRET, wire
from tests.server_process import ServerProcess

pytestmark = pytest.mark.xdist_group("attacks")


def test_a_refresh_token_that_is_used_twice_ends_everything(
    server: ServerProcess, pat: Person, trail: Trail
) -> None:
    told = pat.token()
    fresh = refresh(server, told["refresh_token"]).json()
    trail.refused(refresh(server, told["refresh_token"]), 400, "invalid_grant")
    dead(server, trail, fresh)
    dead(server, trail, told)


def test_a_refresh_token_is_its_clients(server: ServerProcess, pat: Person, trail: Trail) -> None:
    told = pat.token()
    for client in ("other", "asks"):
        trail.refused(refresh(server, told["refresh_token"], client), 400, "invalid_grant")
    web = refresh(server, told["refresh_token"], "web", client_secret=SECRET)
    trail.refused(web, 400, "invalid_grant")
    head, _, seal = told["refresh_token"].rpartition(".")
    for guess in (f"{head}.{'A' * len(seal)}", f"rt.guessed.x.{seal}", "rt", "", told["access_token"], head):
        error = "invalid_grant" if guess else "invalid_request"
        trail.refused(refresh(server, guess), 400, error)
    assert refresh(server, told["refresh_token"]).status == 200, "guesses of others end nothing"


@pytest.mark.parametrize(
    "scope",
    [
        "patient/*.cruds",
        "patient/*.rs user/*.rs",
        "user/*.rs",
        "system/*.rs",
        "patient/*.rs offline_access openid",
        "patient/*.rs launch",
        "patient/Observation.cruds",
    ],
)
def test_a_refresh_gives_no_more_than_was_granted(
    server: ServerProcess, pat: Person, trail: Trail, scope: str
) -> None:
    told = pat.token()
    trail.refused(refresh(server, told["refresh_token"], scope=scope), 400, "invalid_scope")
    narrowed = refresh(server, told["refresh_token"], scope="patient/Patient.r").json()
    assert narrowed["scope"] == "patient/Patient.r"
    answer = reads(server, narrowed["access_token"], "Observation")
    trail.refused(answer, 403, "forbidden", "app")


def test_scopes_are_cut_to_what_the_user_may(server: ServerProcess, pat: Person, trail: Trail) -> None:
    told = pat.token(scope="user/*.rs patient/*.rs launch/patient")
    for path in ("Patient/qzbob-patient", "Observation/qzbob-observation"):
        trail.refused(reads(server, told["access_token"], path), 404, "not-found", "app")
    cut = as_service(server, assertion(server), "system/*.cruds")
    assert cut.json()["scope"] == "system/Patient.rs", cut
    for service in ("system/Observation.rs", "user/*.rs", "patient/*.rs", "launch"):
        trail.refused(as_service(server, assertion(server), service), 400, "invalid_scope")


def test_a_revoked_grant_opens_nothing(server: ServerProcess, pat: Person, trail: Trail) -> None:
    for which in ("access_token", "refresh_token"):
        told = pat.token()
        nobody = Wire(server.port)
        foreign = nobody.form("/auth/revoke", {"token": told[which], "client_id": "other"})
        assert foreign.status == 200
        trail.noted(foreign, "", "other")
        assert reads(server, told["access_token"]).status in (200, 404), "another's client ends nothing"
        ended = nobody.form("/auth/revoke", {"token": told[which], "client_id": "app"})
        trail.noted(ended, "", "app")
        dead(server, trail, told)


def test_tokens_of_others_are_told_of_to_nobody(server: ServerProcess, pat: Person, trail: Trail) -> None:
    told = pat.token()
    nobody = Wire(server.port)
    for token in (told["access_token"], told["refresh_token"]):
        answer = nobody.form(
            "/auth/introspect", {"token": token, "client_id": "web", "client_secret": SECRET}
        )
        assert answer.json() == {"active": False}
        trail.noted(answer, "", "web")
        trail.refused(
            nobody.form("/auth/introspect", {"token": token, "client_id": "app"}), 401, "invalid_client"
        )
        trail.refused(nobody.form("/auth/introspect", {"token": token}), 401, "invalid_client")
        ehr = wire(server, "ehr")
        trail.refused(ehr.form("/auth/introspect", {"token": token}), 403, "insufficient_scope", "ehr")


def test_a_launch_is_for_its_app_and_once(server: ServerProcess, pat: Person, trail: Trail) -> None:
    ehr = wire(server, "ehr")
    made = ehr("POST", "/fhir/Patient", {"resourceType": "Patient"})
    id = made.header("location").split("/Patient/")[1].partition("/")[0]

    def launch(**more: str) -> str:
        told = ehr("POST", "/auth/launches", {"patient": id, **more}, content_type="application/json")
        assert told.status == 201, told
        return str(told.json()["launch"])

    scope = "launch patient/*.rs"
    for value in (launch(client_id="other"), launch(client_id="other")[:-1]):
        answer = pat.authorize(pat.request(scope=scope, launch=value))
        assert query(answer.header("location"))["error"] == "invalid_request"
        trail.noted(answer, "400 invalid_request")
    value = launch()
    answer = pat.wire.get(pat.begun(scope=scope, launch=value))
    assert query(answer.header("location"))["error"] == "access_denied", "another patient's record"
    trail.noted(answer, "400 access_denied")
    again = pat.authorize(pat.request(scope=scope, launch=value))
    assert query(again.header("location"))["error"] == "invalid_request"
    trail.noted(again, "400 invalid_request")
    for name in ("eve", "ada-app"):
        answer = wire(server, name)(
            "POST", "/auth/launches", {"patient": id}, content_type="application/json"
        )
        trail.refused(answer, 403, "insufficient_scope", name)


def test_an_authorization_is_of_the_browser_in_which_it_began(
    server: ServerProcess, pat: Person, mal: Person, trail: Trail
) -> None:
    here = pat.begun("asks")
    page = pat.wire.get(here)
    fields = hidden_fields(page.text, "/auth/consent")
    for answer in (
        mal.wire.get(here),
        mal.wire.form("/auth/consent", {**fields, "scope": "patient/*.rs", "decision": "allow"}),
        mal.wire.form("/auth/cancel", fields),
        Wire(server.port).get(here),
    ):
        assert answer.status == 400 and not answer.header("location"), answer
        trail.noted(answer, "400 invalid_request")
    assert pat.wire.get(here).status == 200, "and it goes on where it began"


def test_nobody_picks_a_patient_they_may_not(pat: Person, mal: Person, trail: Trail) -> None:
    here = mal.begun("asks")
    fields = hidden_fields(mal.wire.get(here).text, "/auth/consent")
    for patient in ("qzada-patient", "qzbob-patient/../qzada-patient", "", "nobody", "*"):
        answer = mal.wire.form("/auth/patient", {**fields, "patient": patient})
        assert answer.status == 400, answer
        trail.noted(answer, "400 invalid_request")
    for scope in ("patient/*.cruds", "user/*.cruds", "system/*.rs"):
        more = mal.wire.form("/auth/consent", {**fields, "scope": scope, "decision": "allow"})
        assert "code" not in query(more.header("location")), more
        here = mal.begun("asks")
        fields = hidden_fields(mal.wire.get(here).text, "/auth/consent")
        trail.noted(more, "400 access_denied")


def test_a_registration_is_of_who_has_its_token(server: ServerProcess, trail: Trail) -> None:
    nobody = Wire(server.port)
    sent = {
        "client_name": "Mine",
        "redirect_uris": ["https://mine.example/cb"],
        "token_endpoint_auth_method": "none",
    }
    mine, theirs = (
        nobody("POST", "/auth/register", sent, content_type="application/json").json() for _ in range(2)
    )
    path = f"/auth/register/{mine['client_id']}"
    for token in (theirs["registration_access_token"], "guessed", server.token, ""):
        headers = {"authorization": f"Bearer {token}"}
        changed = {**sent, "redirect_uris": ["https://evil.example/cb"]}
        for answer in (
            nobody.get(path, **headers),
            nobody("PUT", path, changed, content_type="application/json", **headers),
            nobody("DELETE", path, **headers),
        ):
            trail.refused(answer, 401, "invalid_token")
    own = f"Bearer {mine['registration_access_token']}"
    for id in ("app", "service", theirs["client_id"], "../app", quote("app/../service", safe="")):
        answer = nobody.get(f"/auth/register/{id}", authorization=own)
        assert answer.status in (401, 404), answer
        trail.noted(answer, str(answer.status))
    assert nobody.get(path, authorization=own).status == 200


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"redirect_uris": ["http://evil.example/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://evil.example/cb#x"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://a@evil.example/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://evil.example/../cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["data:text/html,x"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://evil.example/*\r\nX: 1"]}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"scope": "system/*.cruds"}, "invalid_client_metadata"),
        ({"scope": "patient/*.cruds"}, None),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"grant_types": ["password"]}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
        ({"client_name": "Bank\u202eevil"}, "invalid_client_metadata"),
        ({"client_name": "x\r\nSet-Cookie: a=b"}, "invalid_client_metadata"),
        ({"client_name": 7}, "invalid_client_metadata"),
        ({"logo_uri": "javascript:alert(1)"}, "invalid_client_metadata"),
        ({"client_uri": "data:text/html,x"}, "invalid_client_metadata"),
    ],
)
def test_who_registers_gets_nothing_by_it(
    server: ServerProcess, trail: Trail, change: dict[str, Any], error: str | None
) -> None:
    sent = {
        "client_name": "Mine",
        "redirect_uris": ["https://mine.example/cb"],
        "token_endpoint_auth_method": "none",
    }
    answer = Wire(server.port)("POST", "/auth/register", {**sent, **change}, content_type="application/json")
    if error is None:
        assert answer.status == 201 and not {"c", "u", "d"} & _letters(answer), answer
        return
    trail.refused(answer, 400, error)


def _letters(answer: Answer) -> set[str]:
    scopes = (one.partition(".")[2] for one in answer.json()["scope"].split() if "/" in one)
    return {letter for scope in scopes for letter in scope if letter in "cruds"}


def test_a_registration_says_nothing_of_privileges(server: ServerProcess) -> None:
    """What the server's own settings say of clients cannot be said by one that registers itself."""
    sent = {
        "client_name": "Mine",
        "redirect_uris": ["https://mine.example/cb"],
        "token_endpoint_auth_method": "none",
        "source": "ehr",
        "launches": True,
        "introspects": True,
        "consent": False,
        "made_by": "settings",
        "client_id": "app",
    }
    told = Wire(server.port)("POST", "/auth/register", sent, content_type="application/json").json()
    assert told["client_id"] != "app"
    answer = Wire(server.port).form("/auth/introspect", {"token": "x", "client_id": told["client_id"]})
    assert answer.status == 401
