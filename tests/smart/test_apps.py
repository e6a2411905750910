"""Apps of every kind through the real pages, over real sockets: sign in, pick, consent, read, refresh, revoke."""

from __future__ import annotations

import html
import re
import secrets
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from authlib.integrations.httpx_client import OAuth2Client
from fhirpy import AsyncFHIRClient, SyncFHIRClient
from fhirpy.base.exceptions import AuthorizationError, ForbiddenError, ResourceNotFound
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.server_process import ServerProcess
from tests.smart.practice import EC, FAMILY, PASSWORD, REDIRECT, RSA, SECRET

pytestmark = pytest.mark.xdist_group("smart")


Keep = Callable[[str, bool], bool]
"""Whether a scope is ticked when the page is sent, by whether it was before."""


def _ticked(scope: str, ticked: bool) -> bool:
    return ticked


class Browser:
    """A browser without scripts: it follows redirects until it is sent to the app, and fills in forms."""

    def __init__(self, server: ServerProcess):
        root = server.base.removesuffix("/fhir")
        self._http = httpx.Client(base_url=root, follow_redirects=False, timeout=60)
        self.seen: list[str] = []
        self._keep: Keep = _ticked

    def close(self) -> None:
        self._http.close()

    def go(
        self,
        url: str,
        login: str,
        patient: str = "",
        form: dict[str, str] | None = None,
        keep: Keep | None = None,
    ) -> dict[str, str]:
        """What the app is told in the end. ``form``: posted to begin; without ``keep`` the user leaves all as it is."""
        self._keep = keep or _ticked
        answer = self._http.get(url) if form is None else self._http.post(url, data=form)
        for _ in range(20):
            if answer.is_redirect:
                location = answer.headers["location"]
                if location.startswith(REDIRECT):
                    return dict(parse_qsl(urlsplit(location).query))
                answer = self._http.get(location)
                continue
            assert answer.status_code == 200, answer.text
            answer = self._fill_in(answer.text, login, patient)
        raise AssertionError(f"no end: {self.seen}")

    def _fill_in(self, page: str, login: str, patient: str) -> httpx.Response:
        for action, inside in re.findall(r'<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>', page, re.DOTALL):
            tags = re.findall(r"<input[^>]*>", inside)
            sent = {
                _attribute(tag, "name"): _attribute(tag, "value") for tag in tags if _attribute(tag, "name")
            }
            if action == "/auth/sign-in":
                return self._post(action, {**sent, "login": login, "password": PASSWORD})
            if action == "/auth/patient" and f'value="{patient}"' in inside:
                return self._post(action, {**sent, "patient": patient})
            if action == "/auth/continue" and f'value="{FAMILY}"' not in inside:
                self.seen.append("search")
                return self._http.get(action, params={**sent, "q": FAMILY})
            if action == "/auth/consent":
                scopes = [
                    _attribute(tag, "value")
                    for tag in tags
                    if _attribute(tag, "name") == "scope"
                    and self._keep(_attribute(tag, "value"), "checkbox" not in tag or " checked" in tag)
                ]
                return self._post(action, {**sent, "scope": scopes, "decision": "allow"})
        raise AssertionError(f"nothing to fill in: {page[:3000]}")

    def _post(self, action: str, sent: dict[str, Any]) -> httpx.Response:
        self.seen.append(action)
        return self._http.post(action, data=sent)


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return html.unescape(found[1]) if found else ""


def configuration(server: ServerProcess) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{server.base}/.well-known/smart-configuration").json()
    return found


def authorized(
    server: ServerProcess, client: OAuth2Client, login: str, patient: str, **more: str
) -> dict[str, str]:
    """What the app is told after its user has been through the pages. authlib makes the request."""
    verifier = secrets.token_urlsafe(48)
    url, state = client.create_authorization_url(
        configuration(server)["authorization_endpoint"], code_verifier=verifier, aud=server.base, **more
    )
    browser = Browser(server)
    try:
        told = browser.go(url, login, patient)
    finally:
        browser.close()
    assert told["state"] == state and told["iss"] == server.base.removesuffix("/fhir")
    return {"code": told["code"], "code_verifier": verifier}


def reads(server: ServerProcess, token: str, path: str) -> int:
    return httpx.get(f"{server.base}/{path}", headers={"authorization": f"Bearer {token}"}).status_code


@pytest.mark.parametrize(("id", "method"), [("public", "none"), ("secret", "client_secret_basic")])
def test_an_app_from_sign_in_to_revocation(server: ServerProcess, id: str, method: str) -> None:
    told = configuration(server)
    secret = SECRET if method != "none" else None
    with OAuth2Client(
        id,
        secret,
        token_endpoint_auth_method=method,
        redirect_uri=REDIRECT,
        scope="openid fhirUser launch/patient patient/*.read offline_access",
        code_challenge_method="S256",
        timeout=60,
    ) as app:
        code = authorized(server, app, "dana", "p2", nonce="n0nce")
        token = app.fetch_token(told["token_endpoint"], **code)
        assert token["patient"] == "p2" and "patient/*.read" in token["scope"].split()
        keys = KeySet.import_key_set(httpx.get(told["jwks_uri"]).json())
        claims = jwt.decode(token["id_token"], keys, algorithms=["RS256"]).claims
        assert claims["nonce"] == "n0nce" and claims["fhirUser"] == f"{server.base}/Practitioner/d1"
        fhir = SyncFHIRClient(server.base, authorization=f"Bearer {token['access_token']}")
        assert [one.id for one in fhir.resources("Patient").fetch_all()] == ["p2"], "and nobody else"
        assert reads(server, token["access_token"], "Patient/p1") == 404
        old = token["refresh_token"]
        fresh = app.refresh_token(told["token_endpoint"], refresh_token=old)
        assert fresh["refresh_token"] != old and reads(server, fresh["access_token"], "Patient/p2") == 200
        app.revoke_token(told["revocation_endpoint"], token=fresh["refresh_token"])
        assert reads(server, fresh["access_token"], "Patient/p2") == 401
        assert reads(server, token["access_token"], "Patient/p2") == 401


def test_a_copied_refresh_token_ends_everything(server: ServerProcess) -> None:
    told = configuration(server)
    with OAuth2Client(
        "public",
        token_endpoint_auth_method="none",
        redirect_uri=REDIRECT,
        scope="launch/patient patient/*.rs offline_access",
        code_challenge_method="S256",
        timeout=60,
    ) as app:
        token = app.fetch_token(told["token_endpoint"], **authorized(server, app, "pat", "p1"))
        fresh = app.refresh_token(told["token_endpoint"], refresh_token=token["refresh_token"])
        form = {"grant_type": "refresh_token", "client_id": "public"}
        for one in (token, fresh):
            again = httpx.post(told["token_endpoint"], data={**form, "refresh_token": one["refresh_token"]})
            assert again.status_code == 400 and again.json()["error"] == "invalid_grant"
        assert reads(server, fresh["access_token"], "Patient/p1") == 401


@pytest.mark.parametrize("key", [RSA, EC], ids=["RS384", "ES384"])
def test_an_app_with_keys_launched_by_the_ehr(server: ServerProcess, key: Any) -> None:
    told = configuration(server)
    made = httpx.post(
        f"{told['issuer']}/auth/launches",
        json={"patient": "p2", "user": "Practitioner/d1", "client_id": "keys", "need_patient_banner": False},
        headers={"authorization": f"Bearer {server.token}"},
    )
    assert made.status_code == 201, made.text
    with OAuth2Client(
        "keys", redirect_uri=REDIRECT, scope="launch patient/*.rs", code_challenge_method="S256", timeout=60
    ) as app:
        code = authorized(server, app, "dana", "", launch=made.json()["launch"])
    algorithm = "RS384" if key is RSA else "ES384"
    stated = {
        "iss": "keys",
        "sub": "keys",
        "aud": told["token_endpoint"],
        "exp": int(time.time()) + 200,
        "jti": secrets.token_hex(16),
    }
    form = {
        "grant_type": "authorization_code",
        "redirect_uri": REDIRECT,
        **code,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(
            {"alg": algorithm, "kid": key.kid}, stated, key, algorithms=[algorithm]
        ),
    }
    token = httpx.post(told["token_endpoint"], data=form).json()
    assert token["patient"] == "p2" and token["need_patient_banner"] is False, token
    assert reads(server, token["access_token"], "Patient/p2") == 200
    assert reads(server, token["access_token"], "Patient/p1") == 404


def test_a_patient_reaches_their_own_record_alone(server: ServerProcess) -> None:
    told = configuration(server)
    with OAuth2Client(
        "public",
        token_endpoint_auth_method="none",
        redirect_uri=REDIRECT,
        scope="launch/patient patient/*.rs",
        code_challenge_method="S256",
        timeout=60,
    ) as app:
        token = app.fetch_token(told["token_endpoint"], **authorized(server, app, "pat", ""))
    assert token["patient"] == "p1" and "refresh_token" not in token
    assert reads(server, token["access_token"], "Patient/p1") == 200
    assert reads(server, token["access_token"], "Patient/p2") == 404
    assert reads(server, token["access_token"], "Patient?_id=p2") == 200
    found = httpx.get(
        f"{server.base}/Patient?_total=accurate", headers={"authorization": f"Bearer {token['access_token']}"}
    )
    assert found.json()["total"] == 1


async def test_an_app_made_with_fhirpy(server: ServerProcess) -> None:
    """It reads and searches what its token is for; all else is refused, and at last everything."""
    told = configuration(server)
    with OAuth2Client(
        "public",
        token_endpoint_auth_method="none",
        redirect_uri=REDIRECT,
        scope="launch/patient patient/Patient.rs patient/Observation.rs",
        code_challenge_method="S256",
        timeout=60,
    ) as app:
        code = authorized(server, app, "dana", "p1")
        token = app.fetch_token(told["token_endpoint"], **code)
        fhir = AsyncFHIRClient(server.base, authorization=f"Bearer {token['access_token']}")
        patient = await fhir.reference("Patient", "p1").to_resource()
        assert patient["name"][0]["family"] == FAMILY
        weights = fhir.resources("Observation").search(date__ge="2025-03-02").sort("date").limit(1)
        assert [one.id async for one in weights] == ["h1", "w1", "w2"], "page by page, and of nobody else"
        with_patient = await fhir.resources("Observation").include("Observation", "subject").fetch_raw()
        assert {one.resource.id for one in with_patient.entry} == {"h1", "w1", "w2", "p1"}
        for type, id in (("Patient", "p2"), ("Observation", "w3")):
            with pytest.raises(ResourceNotFound):
                await fhir.reference(type, id).to_resource()
        with pytest.raises(ForbiddenError, match="scopes"):
            await fhir.resources("Coverage").search(beneficiary="Patient/p1").fetch()
        patient["gender"] = "female"
        with pytest.raises(ForbiddenError, match="write"):
            await patient.save()
        app.revoke_token(told["revocation_endpoint"], token=token["access_token"])
        with pytest.raises(AuthorizationError, match="revoked"):
            await fhir.resources("Patient").fetch()


def test_nothing_of_it_is_in_the_log(server: ServerProcess) -> None:
    log = (server.directory / "server.log").read_text()
    for secret in (PASSWORD, SECRET, FAMILY, "eyJ", "rt."):
        assert secret not in log
