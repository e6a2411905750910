"""Inferno's suite "SMART App Launch STU2.2": discovery, launches, OpenID Connect, refresh, introspection.

The names of its tests stand in the comments; docs/conformance-smart.md lists them all.
"""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from joserfc import jws, jwt
from joserfc.jwk import KeySet

from tests.smart.inferno import APPS, EC, FULL, ORIGIN, RSA, Inferno, Json

pytestmark = pytest.mark.xdist_group("inferno")
ELSEWHERE = "https://inferno.example"
CAPABILITIES = {
    *("launch-ehr", "launch-standalone", "authorize-post"),
    *(
        "client-public",
        "client-confidential-symmetric",
        "client-confidential-asymmetric",
        "sso-openid-connect",
    ),
    *("context-banner", "context-style", "context-ehr-patient", "context-ehr-encounter"),
    *("context-standalone-patient", "permission-offline", "permission-patient", "permission-user"),
    *("permission-v1", "permission-v2"),
}
"""What the scenarios of (g)(10) ask for, all together: g10_smart_well_known_capabilities."""


# discovery


@pytest.mark.parametrize("accept", ["application/json", "application/fhir+xml", "text/html", "*/*"])
def test_the_configuration_is_json_whatever_is_accepted(inferno: Inferno, accept: str) -> None:
    """well_known_endpoint"""
    answer = inferno.get(".well-known/smart-configuration", accept=accept)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("application/json")
    assert answer.json() == inferno.told


def test_the_configuration_says_what_it_has_to(inferno: Inferno) -> None:
    """well_known_capabilities_stu2, g10_smart_well_known_capabilities, us_core_smart_well_known_capabilities"""
    told = inferno.told
    for name in ("authorization_endpoint", "token_endpoint", "issuer", "jwks_uri", "introspection_endpoint"):
        assert told[name].startswith(inferno.server.root), f"{name} is an absolute URL"
    assert {"authorization_code", "client_credentials"} <= {*told["grant_types_supported"]}
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert {*told["capabilities"]} >= CAPABILITIES and all(
        isinstance(one, str) for one in told["capabilities"]
    )
    assert {"openid", "fhirUser", "patient/*.cruds"} <= {*told["scopes_supported"]}


@pytest.mark.parametrize("path", [".well-known/smart-configuration", "metadata"])
def test_pages_of_all_places_may_discover(inferno: Inferno, path: str) -> None:
    """smart_cors_well_known_endpoint, smart_cors_metadata_request"""
    answer = inferno.get(path, origin=ELSEWHERE)
    assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] in ("*", ELSEWHERE)


# launches


def check_token(answer: httpx.Response, scope: str) -> Json:
    """smart_token_response_body_stu2_2, smart_token_response_headers, smart_cors_token_exchange"""
    assert answer.status_code == 200, answer.text
    assert "no-store" in answer.headers["cache-control"] and "no-cache" in answer.headers["pragma"]
    assert answer.headers["access-control-allow-origin"] in ("*", ORIGIN)
    told: Json = answer.json()
    assert told["token_type"].lower() == "bearer" and isinstance(told["expires_in"], int)
    assert all(
        isinstance(told[name], str) and told[name] for name in ("access_token", "refresh_token", "id_token")
    )
    assert {*told["scope"].split()} == {*scope.split()}, "all that was asked for was granted"
    return told


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("client", APPS)
def test_a_standalone_launch(inferno: Inferno, client: str, method: str) -> None:
    """smart_standalone_launch_stu2_2; g10_smart_scopes, g10_unauthorized_access, g10_patient_context"""
    code = inferno.code(FULL, client, method=method)  # smart_app_redirect_stu2, smart_code_received
    told = check_token(inferno.exchanged(code, client), FULL)  # smart_token_exchange_stu2_2
    assert told["patient"] == "p1"
    assert inferno.get("Patient/p1", told["access_token"]).json()["id"] == "p1"
    assert inferno.get("Patient/p1").status_code == 401
    assert inferno.get("Patient/p2", told["access_token"]).status_code in (403, 404)


@pytest.mark.parametrize("level", ["user/*.rs", "patient/Patient.rs patient/Encounter.rs"])
def test_an_ehr_launch(inferno: Inferno, level: str) -> None:
    """smart_ehr_launch_stu2_2; g10_encounter_context, g10_smart_style_url, g10_smart_need_patient_banner;
    g10_ehr_patient_launch_stu2_2 with patient/ scopes"""
    opened = inferno.launched(encounter="e1", need_patient_banner=False, intent="reconcile")
    assert opened["iss"] == inferno.fhir and opened["launch"]  # smart_app_launch, smart_launch_received
    scope = f"launch openid fhirUser offline_access {level}"
    code = inferno.code(scope, "secret", launch=opened["launch"], method="POST")
    told = check_token(inferno.exchanged(code, "secret"), scope)
    assert told["patient"] == "p1" and told["encounter"] == "e1" and told["intent"] == "reconcile"
    assert told["need_patient_banner"] is False
    for path in ("Patient/p1", "Encounter/e1", "Practitioner/d1"):  # the last is the fhirUser
        assert inferno.get(path, told["access_token"]).status_code == 200
    style = inferno.get(told["smart_style_url"])
    assert style.status_code == 200 and style.json()["color_background"]


def test_a_launch_may_tell_more_of_what_is_open(inferno: Inferno) -> None:
    """smart_token_response_body_stu2_2: ``fhirContext`` is a list of objects with a reference."""
    context = [{"reference": "Encounter/e1", "role": "https://example.org/role"}]
    opened = inferno.launched(patient="p1", fhirContext=context)
    told = inferno.tokens("launch patient/Patient.rs", launch=opened["launch"])
    assert told["fhirContext"] == context


# OpenID Connect


@pytest.mark.parametrize(
    ("login", "user"), [("dana", "Practitioner/d1"), ("pat", "Patient/p1"), ("rel", "RelatedPerson/r1")]
)
def test_who_signed_in_is_proved(inferno: Inferno, login: str, user: str) -> None:
    """smart_openid_connect_stu2_2"""
    told = inferno.tokens(FULL, "public", login)
    token = told["id_token"]
    read = jwt.decode(token, keys_of(inferno, token), algorithms=["RS256"])  # smart_openid_decode_id_token
    found = httpx.get(f"{read.claims['iss']}/.well-known/openid-configuration")
    assert found.status_code == 200 and found.headers["content-type"].startswith("application/json")
    configuration = (
        found.json()
    )  # smart_openid_retrieve_configuration, smart_openid_required_configuration_fields
    assert (
        configuration["issuer"] == read.claims["iss"]
        and configuration["jwks_uri"] == inferno.told["jwks_uri"]
    )
    for name in (
        "authorization_endpoint",
        "token_endpoint",
        "response_types_supported",
        "subject_types_supported",
    ):
        assert configuration[name]
    assert "RS256" in configuration["id_token_signing_alg_values_supported"]
    claims = read.claims  # smart_openid_token_payload
    assert claims["aud"] == "public" and claims["iat"] <= time.time() + 1 < claims["exp"]
    assert 0 < len(claims["sub"]) < 256
    assert claims["fhirUser"] == f"{inferno.fhir}/{user}"  # smart_openid_fhir_user_claim
    answer = inferno.get(claims["fhirUser"], told["access_token"], origin=ORIGIN)
    assert answer.status_code == 200 and answer.json()["resourceType"] == user.partition("/")[0]
    assert answer.headers["access-control-allow-origin"] in ("*", ORIGIN)  # smart_cors_openid_fhir_user_claim


def keys_of(inferno: Inferno, token: str) -> KeySet:
    """smart_openid_retrieve_jwks, smart_openid_token_header"""
    published = inferno.get(inferno.told["jwks_uri"]).json()
    rsa = {key["kid"]: key for key in published["keys"] if key["kty"] == "RSA"}
    assert rsa and all(key["n"] and key["e"] for key in rsa.values()), "bare keys"
    header = jws.extract_compact(token.encode()).protected
    assert header["alg"] == "RS256" and header["kid"] in rsa
    return KeySet.import_key_set(published)


# refresh


@pytest.mark.parametrize("client", APPS)
def test_a_refresh(inferno: Inferno, client: str) -> None:
    """smart_token_refresh_stu2 with and without scopes, smart_token_refresh_body, smart_token_response_headers"""
    fresh = inferno.tokens(FULL, client)
    for asked in ({}, {"scope": FULL}, {"scope": "patient/Patient.rs"}, {}):
        answer = inferno.refreshed(fresh["refresh_token"], client, **asked)
        assert answer.status_code == 200, answer.text
        assert "no-store" in answer.headers["cache-control"] and "no-cache" in answer.headers["pragma"]
        fresh = answer.json()
        assert fresh["token_type"] == "Bearer" and fresh["expires_in"] > 0 and fresh["refresh_token"]
        assert {*fresh["scope"].split()} == {*asked.get("scope", FULL).split()}
        assert fresh["patient"] == "p1"  # g10_patient_context
        assert inferno.get("Patient/p1", fresh["access_token"]).status_code == 200
    more = inferno.refreshed(fresh["refresh_token"], client, scope=f"{FULL} user/*.rs")
    assert more.status_code == 400 and more.json()["error"] == "invalid_scope"


# introspection


@pytest.mark.parametrize("scope", [FULL, "launch/patient openid fhirUser offline_access patient/*.read"])
def test_a_token_is_told_of(inferno: Inferno, scope: str) -> None:
    """smart_token_introspection_stu2_2: required and conditional fields, for scopes of both versions"""
    told = inferno.tokens(scope)
    claims = jwt.decode(told["id_token"], keys_of(inferno, told["id_token"]), algorithms=["RS256"]).claims
    found = inferno.introspected(told["access_token"])
    assert found["active"] is True and found["client_id"] == "secret"
    assert {*found["scope"].split()} == {*told["scope"].split()}, "as in the answer with the token"
    assert abs(found["exp"] - time.time() - told["expires_in"]) < 30
    for name in ("patient", "need_patient_banner", "smart_style_url"):
        assert found[name] == told[name], "a launch context parameter of the answer"
    for name in ("iss", "sub", "fhirUser"):
        assert found[name] == claims[name]


def test_of_what_is_no_token_nothing_is_told(inferno: Inferno) -> None:
    assert inferno.introspected("invalid_token_value") == {"active": False}


def test_a_service_s_token_is_told_of(inferno: Inferno) -> None:
    told = inferno.service(scope="system/*.read").json()
    found = inferno.introspected(told["access_token"])
    assert found["client_id"] == "service" and found["scope"] == told["scope"] == "system/*.read"


# backend services


@pytest.mark.parametrize("key", [EC, RSA], ids=["ES384", "RS384"])
def test_a_backend_service(inferno: Inferno, key: Any) -> None:
    """smart_backend_services_auth_request_success, smart_backend_services_auth_response_body"""
    answer = inferno.service(key)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["token_type"].lower() == "bearer" and told["scope"] == "system/*.rs"
    assert 0 < told["expires_in"] <= 300 and "refresh_token" not in told
    assert inferno.get("Patient", told["access_token"]).json()["resourceType"] == "Bundle"
