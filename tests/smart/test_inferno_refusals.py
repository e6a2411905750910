"""What Inferno tries that must fail, and that nothing more than was granted is given: (g)(10), backend services."""

from __future__ import annotations

import re
import secrets
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from fhirserver.access.smart.settings import Lifetimes
from tests.smart.inferno import FULL, Inferno, challenge_of

pytestmark = pytest.mark.xdist_group("inferno")
TYPES = (
    *("AllergyIntolerance", "CarePlan", "CareTeam", "Condition", "Coverage", "Device", "DiagnosticReport"),
    *("DocumentReference", "Encounter", "Goal", "Immunization", "MedicationDispense", "MedicationRequest"),
    *("Observation", "Procedure", "ServiceRequest"),
)
"""Those of US Core 6.1.0 that (g)(10) searches by patient."""
SHARED = (
    "Location",
    "Medication",
    "Organization",
    "Practitioner",
    "PractitionerRole",
    "Provenance",
    "Specimen",
)
NAMED = " ".join(f"patient/{type}.{{}}" for type in ("Patient", "RelatedPerson", *TYPES, *SHARED))
CONTEXT = "launch/patient openid fhirUser offline_access"


# backend services


@pytest.mark.parametrize(
    ("more", "statuses", "error"),
    [
        ({"grant_type": "not_a_grant_type"}, (400,), "unsupported_grant_type"),
        ({"client_assertion_type": "not_an_assertion_type"}, (400,), "invalid_request"),
        ({"client_assertion": "not.a.jwt"}, (400, 401), "invalid_client"),
        ({"scope": "patient/*.rs"}, (400,), "invalid_scope"),
        ({"scope": ""}, (400,), "invalid_request"),
    ],
)
def test_a_service_that_asks_wrongly(
    inferno: Inferno, more: dict[str, str], statuses: tuple[int, ...], error: str
) -> None:
    """smart_backend_services_invalid_grant_type, …_invalid_client_assertion"""
    answer = inferno.service(**more)
    assert answer.status_code in statuses and answer.json()["error"] == error


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "not_a_valid_iss"},
        {"sub": "another"},
        {"aud": "https://elsewhere.example"},
        {"exp": 1},
        {"jti": ""},
    ],
)
def test_a_service_with_a_wrong_assertion(inferno: Inferno, claims: dict[str, Any]) -> None:
    """smart_backend_services_invalid_jwt"""
    answer = inferno.service(client_assertion=inferno.assertion("service", **claims))
    assert answer.status_code in (400, 401) and answer.json()["error"] == "invalid_client"


# launches


@pytest.mark.parametrize(
    "more", [{"aud": "https://inferno.healthit.gov/invalid_aud"}, {"launch": "INVALID_LAUNCH_PARAM"}]
)
def test_a_launch_for_another_server_or_nobody(inferno: Inferno, more: dict[str, str]) -> None:
    """g10_smart_invalid_aud, g10_smart_invalid_launch_param: the app is told of an error and has no code"""
    scope = f"launch {FULL}" if "launch" in more else FULL
    told = inferno.redirected(inferno.asked(scope, "secret", secrets.token_urlsafe(48), **more))
    assert "code" not in told and told["error"] == "invalid_request"


@pytest.mark.parametrize("case", ["none", "blank", "another", "the challenge"])
def test_a_code_without_its_verifier(inferno: Inferno, case: str) -> None:
    """g10_smart_invalid_pkce_code_verifier_group"""
    code = inferno.code()
    right = code.pop("code_verifier")
    sent = {"blank": "", "another": secrets.token_urlsafe(48), "the challenge": challenge_of(right)}
    more = {} if case == "none" else {"code_verifier": sent[case]}
    answer = inferno.exchanged(code, **more)
    assert answer.status_code in (400, 401) and "access_token" not in answer.text


def test_a_wrong_code_or_client(inferno: Inferno) -> None:
    """g10_smart_invalid_token_request_stu2"""
    code = inferno.code()
    assert inferno.exchanged({**code, "code": "BAD_CODE"}).status_code == 400
    bad = inferno.post(
        inferno.told["token_endpoint"], {"grant_type": "authorization_code", **code, "client_id": "BAD"}
    )
    assert bad.status_code in (400, 401) and bad.json()["error"] == "invalid_client"


@pytest.mark.parametrize("token", ["a-random-uuid", "rt.nothing.of.ours"])
def test_a_wrong_refresh_token(inferno: Inferno, token: str) -> None:
    """g10_invalid_token_refresh"""
    answer = inferno.refreshed(token)
    assert answer.status_code in (400, 401) and answer.json()["error"] == "invalid_grant"


def test_a_patient_takes_access_back(inferno: Inferno) -> None:
    """g10_token_revocation: at the page that the SMART configuration names"""
    told = inferno.tokens(FULL, login="pat")
    assert inferno.get("Patient/p1", told["access_token"]).status_code == 200
    inferno.person("pat").take_back(inferno.told["management_endpoint"], "pat")
    assert inferno.get("Patient/p1", told["access_token"]).status_code == 401
    assert inferno.refreshed(told["refresh_token"]).status_code in (400, 401)


# what was granted, and no more


@pytest.mark.parametrize("spelling", ["rs", "read"])
def test_all_of_us_core_is_opened(inferno: Inferno, spelling: str) -> None:
    """g10_unrestricted_resource_type_access, g10_smart_v1_scopes"""
    told = inferno.tokens(f"{CONTEXT} {NAMED.format(*[spelling] * NAMED.count('{}'))}")
    assert inferno.get("Patient/p1", told["access_token"]).status_code == 200
    for type in TYPES:
        answer = inferno.get(f"{type}?patient=p1", told["access_token"])
        assert answer.status_code == 200, f"{type}: {answer.text}"


def test_what_the_user_leaves_out_is_refused(inferno: Inferno) -> None:
    """g10_smart_limited_app: g10_limited_scope_grant, g10_restricted_resource_type_access"""
    left = {"patient/Patient.rs", "patient/Condition.rs", "patient/Observation.rs"}
    scope = f"{CONTEXT} {NAMED.format(*['rs'] * NAMED.count('{}'))}"
    told = inferno.tokens(
        scope, keep=lambda one, ticked: ticked and (one in left or not one.startswith("patient/"))
    )
    assert {*told["scope"].split()} == left | {*CONTEXT.split()}
    assert inferno.get("Patient/p1", told["access_token"]).status_code == 200
    for type in TYPES:
        answer = inferno.get(f"{type}?patient=p1", told["access_token"])
        assert answer.status_code == (200 if f"patient/{type}.rs" in left else 403), f"{type}: {answer.text}"


def test_the_user_grants_parts_of_a_type(inferno: Inferno) -> None:
    """g10_smart_granular_scope_selection: the app asks for whole types, and the user gives it categories of them"""
    condition = "patient/Condition.rs?category=http://terminology.hl7.org/CodeSystem/condition-category|problem-list-item"
    labs = "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory"
    scope = f"{CONTEXT} patient/Condition.rs patient/Observation.rs patient/Patient.rs"
    told = inferno.tokens(scope, keep=lambda one, ticked: ticked or one in (condition, labs))
    assert {*told["scope"].split()} == {*CONTEXT.split(), condition, labs, "patient/Patient.rs"}
    assert inferno.get("Observation?patient=p1", told["access_token"]).status_code == 200
    assert {*inferno.introspected(told["access_token"])["scope"].split()} == {*told["scope"].split()}


# what testers look at


def test_the_user_is_told_of_what_is_granted(inferno: Inferno) -> None:
    """g10_visual_inspection_and_attestations: the page of consent, and that offline access is said"""
    asked = inferno.asked(FULL, "secret", "v" * 64)
    url = f"{inferno.told['authorization_endpoint']}?{urlencode(asked)}"
    page = inferno.person("pat").page(url, "pat", "/auth/consent")
    assert re.search(r'name="scope"[^>]*value="offline_access"', page) and "when you do not use it" in page
    assert re.search(r'type="checkbox" name="scope"[^>]*value="patient/\*\.rs"', page)
    assert "Inferno" in page


def test_a_native_app_has_a_refresh_token_for_three_months(inferno: Inferno) -> None:
    """g10_visual_inspection_and_attestations: refresh tokens, also of public apps, hold for three months and are
    renewed for another three"""
    assert inferno.tokens(FULL, "public")["refresh_token"]
    assert Lifetimes().refresh_idle >= 92 * 86400 and Lifetimes().offline == 0


def test_without_a_token_nothing_is_shown(inferno: Inferno) -> None:
    for path in ("Patient", "Patient/p1", "Observation?patient=p1", "Patient/p1/$everything", "_history"):
        answer = httpx.get(f"{inferno.fhir}/{path}")
        assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Bearer")
