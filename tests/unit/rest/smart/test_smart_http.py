"""The authorization server over HTTP: what apps are told, in the form that the standards want."""

from __future__ import annotations

import secrets
import time
from typing import Any

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.jwk import KeySet

from fhirserver.access.smart.assertions import TYPE
from tests.unit.access.smart.kit import EC, RSA, SECRET
from tests.unit.rest.smart.conftest import FHIR, HOST, INITIAL, ORIGIN, REDIRECT, Smart


def assertion(client: str, key: Any = RSA) -> str:
    algorithm = "RS384" if key is RSA else "ES384"
    claims = {
        "iss": client,
        "sub": client,
        "aud": f"{HOST}/auth/token",
        "exp": int(time.time()) + 200,
        "jti": secrets.token_hex(16),
    }
    return jwt.encode({"alg": algorithm, "kid": key.kid}, claims, key, algorithms=[algorithm])


async def service_token(smart: Smart, client: str = "service", key: Any = RSA) -> str:
    form = {
        "grant_type": "client_credentials",
        "scope": "system/Patient.rs",
        "client_assertion_type": TYPE,
        "client_assertion": assertion(client, key),
    }
    answer = await smart.browser.post("/auth/token", data=form)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


# what the server says of itself


async def test_the_smart_configuration_is_open_to_pages_of_all_places(smart: Smart) -> None:
    answer = await smart.browser.get("/fhir/.well-known/smart-configuration", headers={"origin": ORIGIN})
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"
    told = answer.json()
    assert told["issuer"] == HOST and told["token_endpoint"] == f"{HOST}/auth/token"
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert {"launch-ehr", "launch-standalone", "sso-openid-connect", "permission-v1", "permission-v2"} <= {
        *told["capabilities"]
    }
    assert told["user_access_brand_bundle"] == f"{HOST}/auth/brands"
    assert told["user_access_brand_identifier"] == {"value": "clinic"}
    brands = await smart.browser.get("/auth/brands")
    assert brands.headers["content-type"] == "application/fhir+json"
    assert brands.headers["access-control-allow-origin"] == "*" and brands.json()["type"] == "collection"


async def test_every_endpoint_that_is_named_is_there(smart: Smart) -> None:
    told = (await smart.browser.get("/.well-known/openid-configuration")).json()
    named = {name: url for name, url in told.items() if name.endswith("_endpoint") or name == "jwks_uri"}
    assert set(named) == {
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "introspection_endpoint",
        "revocation_endpoint",
        "registration_endpoint",
        "userinfo_endpoint",
    }
    for url in named.values():
        assert (await smart.browser.get(url)).status_code in (200, 400, 401, 405), url


async def test_the_metadata_are_what_the_standards_ask_for(smart: Smart) -> None:
    told = (await smart.browser.get("/.well-known/openid-configuration")).json()
    https = {name: _https(value) for name, value in told.items()}
    OpenIDProviderMetadata(https).validate()
    other = (await smart.browser.get("/.well-known/oauth-authorization-server")).json()
    AuthorizationServerMetadata({name: _https(value) for name, value in other.items()}).validate()


def _https(value: Any) -> Any:
    return value.replace("http://", "https://") if isinstance(value, str) else value


async def test_the_capability_statement_says_where_tokens_come_from(smart: Smart) -> None:
    security = (await smart.browser.get("/fhir/metadata")).json()["rest"][0]["security"]
    assert security["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"
    told = {one["url"]: one["valueUri"] for one in security["extension"][0]["extension"]}
    assert told["authorize"] == f"{HOST}/auth/authorize" and told["token"] == f"{HOST}/auth/token"


async def test_keys_are_published(smart: Smart) -> None:
    answer = await smart.browser.get("/auth/jwks", headers={"origin": ORIGIN})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert {key["alg"] for key in answer.json()["keys"]} == {"ES256", "RS256"}


# an app


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_app_reads_what_it_was_allowed(smart: Smart, method: str) -> None:
    answer = await smart.redeem(await smart.code(method=method))
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told["patient"] == "p1" and told["scope"] == "launch/patient patient/*.rs"
    assert (await smart.fhir(told["access_token"], "Patient/p1")).status_code == 200


async def test_who_signed_in_is_verified_with_the_published_key(smart: Smart) -> None:
    told = await smart.token(scope="openid fhirUser launch/patient", nonce="n")
    keys = KeySet.import_key_set((await smart.browser.get("/auth/jwks")).json())
    claims = jwt.decode(told["id_token"], keys, algorithms=["RS256"]).claims
    assert claims["iss"] == HOST and claims["aud"] == "app" and claims["nonce"] == "n"
    assert claims["fhirUser"] == f"{FHIR}/Practitioner/d"


async def test_a_page_of_another_place_asks_for_tokens_and_reads(smart: Smart) -> None:
    asked = {
        "origin": ORIGIN,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, content-type",
    }
    preflight = await smart.browser.options("/auth/token", headers=asked)
    assert preflight.status_code == 204 and preflight.headers["access-control-allow-origin"] == "*"
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
    assert "POST" in preflight.headers["access-control-allow-methods"]
    code = await smart.code()
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "client_id": "app"}
    answer = await smart.browser.post(
        "/auth/token", data={**form, "code_verifier": "v" * 64}, headers={"origin": ORIGIN}
    )
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    token = answer.json()["access_token"]
    read = await smart.browser.get(
        "/fhir/Patient/p1", headers={"origin": ORIGIN, "authorization": f"Bearer {token}"}
    )
    assert read.headers["access-control-allow-origin"] == ORIGIN, "the origin of a registered app"
    other = await smart.browser.get("/fhir/Patient/p1", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


async def test_an_error_is_told_as_oauth_says(smart: Smart) -> None:
    answer = await smart.redeem("nothing")
    assert answer.status_code == 400 and answer.headers["cache-control"] == "no-store"
    assert answer.json()["error"] == "invalid_grant" and answer.json()["error_description"]
    unknown = await smart.redeem("nothing", client_id="nobody")
    assert unknown.status_code == 401 and unknown.json()["error"] == "invalid_client"
    assert unknown.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"grant_type": "authorization_code"}', "application/json"),
        (
            b"grant_type=authorization_code&grant_type=refresh_token&client_id=app",
            "application/x-www-form-urlencoded",
        ),
        (b"grant_type=%ff%fe", "application/x-www-form-urlencoded"),
        (b"grant_type=a%00b", "application/x-www-form-urlencoded"),
        (b"a=1&" * 500, "application/x-www-form-urlencoded"),
        (b"", "application/x-www-form-urlencoded"),
        (b"grant_type=x", ""),
    ],
)
async def test_a_body_that_is_no_form_is_refused(smart: Smart, body: bytes, kind: str) -> None:
    answer = await smart.browser.post("/auth/token", content=body, headers={"content-type": kind})
    assert answer.status_code == 400 and answer.json()["error"] == "invalid_request"


async def test_a_body_that_is_too_large_is_refused(smart: Smart) -> None:
    answer = await smart.browser.post("/auth/token", data={"code": "x" * 70_000})
    assert answer.status_code == 413


async def test_parameters_of_the_url_are_no_form(smart: Smart) -> None:
    """Codes and secrets in URLs end up in logs."""
    answer = await smart.browser.post(f"/auth/token?grant_type=authorization_code&code={await smart.code()}")
    assert answer.status_code == 400


@pytest.mark.parametrize("path", ["token", "revoke", "introspect"])
async def test_they_are_asked_by_post(smart: Smart, path: str) -> None:
    assert (await smart.browser.get(f"/auth/{path}")).status_code == 405


# who the user is


async def userinfo(smart: Smart, token: str, method: str = "GET", **headers: str) -> Any:
    bearer = {"authorization": f"Bearer {token}"} if token else {}
    return await smart.browser.request(method, "/auth/userinfo", headers={**bearer, **headers})


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_app_asks_who_its_user_is(smart: Smart, method: str) -> None:
    told = await smart.token(scope="openid fhirUser profile launch/patient patient/*.rs")
    answer = await userinfo(smart, told["access_token"], method, origin=ORIGIN)
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"
    keys = KeySet.import_key_set((await smart.browser.get("/auth/jwks")).json())
    claims = jwt.decode(told["id_token"], keys, algorithms=["RS256"]).claims
    assert answer.json() == {name: claims[name] for name in ("sub", "fhirUser", "name", "profile")}


async def test_it_is_told_no_more_than_the_scopes_say(smart: Smart) -> None:
    told = await smart.token(scope="openid launch/patient patient/*.rs")
    assert [*(await userinfo(smart, told["access_token"])).json()] == ["sub"]
    without = await smart.token(scope="launch/patient patient/*.rs")
    refused = await userinfo(smart, without["access_token"])
    assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
    assert refused.headers["www-authenticate"] == 'Bearer realm="credence", error="insufficient_scope"'
    service = await userinfo(smart, await service_token(smart))
    assert service.status_code == 403


async def test_it_is_for_access_tokens_that_hold(smart: Smart) -> None:
    scope = "openid launch/patient patient/*.rs offline_access"
    told = await smart.token(scope=scope)
    for wrong in (told["id_token"], told["refresh_token"], "token-admin", "x"):
        answer = await userinfo(smart, wrong)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token"), wrong
        assert answer.headers["www-authenticate"] == 'Bearer realm="credence", error="invalid_token"'
    nobody = await userinfo(smart, "")
    assert nobody.status_code == 401 and nobody.headers["www-authenticate"] == 'Bearer realm="credence"'
    by_url = await smart.browser.get(f"/auth/userinfo?access_token={told['access_token']}")
    assert by_url.status_code == 401, "URLs end up in logs"
    form = {"token": told["access_token"], "client_id": "app"}
    assert (await smart.browser.post("/auth/revoke", data=form)).status_code == 200
    assert (await userinfo(smart, told["access_token"])).status_code == 401


# the browser


async def test_an_app_that_is_not_known_gets_nobody_back(smart: Smart) -> None:
    for more in ({"client_id": "nobody"}, {"redirect_uri": "https://evil.example/cb"}, {"redirect_uri": ""}):
        answer = await smart.authorize(**more)
        assert answer.status_code == 400 and "location" not in answer.headers
        assert answer.headers["cache-control"] == "no-store" and answer.headers["x-frame-options"] == "DENY"


async def test_an_error_goes_back_to_the_app(smart: Smart) -> None:
    answer = await smart.authorize(code_challenge_method="plain")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{REDIRECT}?error=invalid_request&")


async def test_what_a_state_holds_is_no_header_and_no_other_parameter(smart: Smart) -> None:
    state = 'a\r\nSet-Cookie: x=1&code=evil#"<script>'
    answer = await smart.authorize(code_challenge_method="plain", state=state)
    location = answer.headers["location"]
    assert "set-cookie" not in answer.headers and "code=evil" not in location.replace("%3D", "")
    assert "state=a%0D%0ASet-Cookie%3A+x%3D1%26code%3Devil%23%22%3Cscript%3E" in location


async def test_the_browsers_cookie_is_out_of_reach_of_scripts(smart: Smart) -> None:
    cookie = (await smart.authorize()).headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie


async def test_another_browser_cannot_go_on(smart: Smart) -> None:
    here = (await smart.authorize()).headers["location"]
    smart.browser.cookies.clear()
    assert (await smart.browser.get(here, headers={"x-user": "pat"})).status_code == 400


async def test_a_form_of_another_site_is_refused(smart: Smart) -> None:
    here = (await smart.authorize()).headers["location"]
    flow = here.partition("flow=")[2]
    for path, more in (("consent", {"decision": "allow"}), ("patient", {"patient": "p1"}), ("cancel", {})):
        answer = await smart.browser.post(
            f"/auth/{path}", data={"flow": flow, "form_token": "guessed", **more}, headers={"x-user": "pat"}
        )
        assert answer.status_code == 400 and "location" not in answer.headers


async def test_who_gives_up_goes_back_to_the_app(smart: Smart) -> None:
    here = (await smart.authorize()).headers["location"]
    page = (await smart.browser.get(here)).json()
    form = {"flow": here.partition("flow=")[2], "form_token": page["form_token"]}
    answer = await smart.browser.post("/auth/cancel", data=form)
    assert answer.status_code == 303 and "error=access_denied" in answer.headers["location"]


# ending


async def test_a_revoked_token_is_refused_at_once(smart: Smart) -> None:
    told = await smart.token(scope="launch/patient patient/*.rs offline_access")
    assert (await smart.fhir(told["access_token"], "Patient/p1")).status_code == 200
    answer = await smart.browser.post(
        "/auth/revoke", data={"token": told["refresh_token"], "client_id": "app"}, headers={"origin": ORIGIN}
    )
    assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] == "*"
    refused = await smart.fhir(told["access_token"], "Patient/p1")
    assert refused.status_code == 401 and refused.json()["resourceType"] == "OperationOutcome"
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    again = await smart.browser.post("/auth/revoke", data={"token": "anything", "client_id": "app"})
    assert again.status_code == 200


async def test_introspection_is_for_those_who_prove_who_they_are(smart: Smart) -> None:
    told = await smart.token()
    form = {"token": told["access_token"]}

    async def asked(headers: dict[str, str], **more: str) -> Any:
        return await smart.browser.post("/auth/introspect", data={**form, **more}, headers=headers)

    assert (await asked({"authorization": "Bearer token-admin"})).json()["patient"] == "p1"
    assert (await asked({"authorization": "Bearer token-ehr"})).status_code == 403
    assert (await asked({"authorization": "Bearer nobody"})).status_code == 401
    assert (await asked({}, client_id="app")).status_code == 401
    assert (await asked({}, client_id="web", client_secret=SECRET)).json() == {"active": False}
    by_token = await asked({"authorization": f"Bearer {await service_token(smart, 'launcher')}"})
    assert by_token.json()["active"] is True
    not_for = await asked({"authorization": f"Bearer {await service_token(smart)}"})
    assert not_for.status_code == 403


# a backend service


@pytest.mark.parametrize("key", [RSA, EC], ids=["RS384", "ES384"])
async def test_a_backend_service_reads(smart: Smart, key: Any) -> None:
    token = await service_token(smart, key=key)
    assert (await smart.fhir(token, "Patient/p2")).status_code == 200


# launches


async def test_an_ehr_launches_an_app(smart: Smart) -> None:
    headers = {"authorization": "Bearer token-ehr"}
    sent = {"patient": "p2", "client_id": "app", "need_patient_banner": False}
    answer = await smart.browser.post("/auth/launches", json=sent, headers=headers)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert told["url"].startswith("https://app.example/launch?iss=http%3A%2F%2Ffacade.test%2Ffhir&launch=")
    token = await smart.token(scope="launch patient/*.rs", launch=told["launch"])
    assert token["patient"] == "p2" and token["need_patient_banner"] is False


@pytest.mark.parametrize(
    ("token", "status"),
    [("token-admin", 201), ("token-ana", 201), ("token-agent", 403), ("nobody", 401), ("", 401)],
)
async def test_launches_are_made_by_ehrs_and_operators(smart: Smart, token: str, status: int) -> None:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    answer = await smart.browser.post("/auth/launches", json={"patient": "p1"}, headers=headers)
    assert answer.status_code == status


async def test_a_registered_system_launches_with_its_own_token(smart: Smart) -> None:
    for client, status in (("launcher", 201), ("service", 403)):
        headers = {"authorization": f"Bearer {await service_token(smart, client)}"}
        answer = await smart.browser.post("/auth/launches", json={"patient": "p1"}, headers=headers)
        assert answer.status_code == status
        assert "access-control-allow-origin" not in answer.headers, "no page of another place launches"


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        ({"patient": "nobody"}, "patient"),
        ({"patient": "a b"}, "patient"),
        ({"patient": 1}, "patient"),
        ({"encounter": "none"}, "encounter"),
        ({"user": "dana"}, "user"),
        ({"client_id": "nobody"}, "client_id"),
        ({"need_patient_banner": "yes"}, "need_patient_banner"),
        ({"fhirContext": [{"reference": "Patient/p1"}]}, "fhirContext"),
        ({"fhirContext": [{}]}, "fhirContext"),
        ({"fhirContext": [{"reference": "https://evil.example/x"}]}, "fhirContext"),
        ({"surprise": 1}, "surprise"),
        ([], "object"),
    ],
)
async def test_what_is_wrong_with_a_launch_is_named(smart: Smart, sent: Any, named: str) -> None:
    answer = await smart.browser.post(
        "/auth/launches", json=sent, headers={"authorization": "Bearer token-admin"}
    )
    assert answer.status_code == 400 and named in answer.json()["error_description"]


# registration


async def test_an_app_registers_itself_and_looks_after_its_registration(smart: Smart) -> None:
    sent = {"client_name": "Mine", "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"}
    assert (await smart.browser.post("/auth/register", json=sent)).status_code == 401
    headers = {"authorization": f"Bearer {INITIAL}", "origin": ORIGIN}
    answer = await smart.browser.post("/auth/register", json=sent, headers=headers)
    assert answer.status_code == 201 and answer.headers["access-control-allow-origin"] == "*"
    told = answer.json()
    own = {"authorization": f"Bearer {told['registration_access_token']}"}
    where = told["registration_client_uri"]
    assert (await smart.browser.get(where, headers=own)).json()["client_name"] == "Mine"
    assert (await smart.browser.get(where)).status_code == 401
    changed = await smart.browser.put(where, json={**sent, "client_name": "Ours"}, headers=own)
    assert changed.json()["client_name"] == "Ours"
    code = await smart.code(client_id=told["client_id"])
    assert (await smart.redeem(code, client_id=told["client_id"])).status_code == 200
    assert (await smart.browser.delete(where, headers=own)).status_code == 204
    assert (await smart.browser.get(where, headers=own)).status_code == 401
    assert (await smart.authorize(client_id=told["client_id"])).status_code == 400


async def test_nothing_of_a_request_is_in_the_log(smart: Smart, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "credence")
    code = await smart.code()
    told = (await smart.redeem(code)).json()
    await smart.redeem(code)
    await smart.browser.post(
        "/auth/token", data={"grant_type": "refresh_token", "refresh_token": "gu3ss", "client_id": "app"}
    )
    for secret in (code, told["access_token"], "gu3ss", "st4te", "p1"):
        assert secret not in caplog.text
    assert "invalid_grant" in caplog.text
