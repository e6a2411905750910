"""``[smart]`` and ``[[client]]``: what they come to, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from fhirserver.access.principals import token_digest
from fhirserver.access.smart.clients import BASIC, CODE, CREDENTIALS, KEYS, PUBLIC, REFRESH
from fhirserver.app.securing import authorization_settings
from fhirserver.app.settings import InvalidSettings, Settings, parse_settings

DIGEST = token_digest("a secret")
APP = {"id": "app", "source": "ehr", "scopes": "patient/*.rs", "redirect_uris": ["https://app.example/cb"]}
BRANDS = {
    "resourceType": "Bundle",
    "type": "collection",
    "timestamp": "2026-11-29T00:00:00Z",
    "entry": [{"resource": {"resourceType": "Organization", "name": "Clinic"}}],
}


def parsed(folder: Path, smart: Any = None, *clients: Any) -> Settings:
    document = {"source": [{"id": "ehr", "kind": "ehr"}], "smart": smart or {}, "client": [*clients]}
    return parse_settings(document, folder)


def test_without_settings_there_is_an_authorization_server_all_the_same(tmp_path: Path) -> None:
    settings = authorization_settings(
        parse_settings({"server": {"base_url": "https://ehr.example/fhir/"}}, tmp_path)
    )
    assert settings.addresses.issuer == "https://ehr.example"
    assert settings.addresses.fhir == "https://ehr.example/fhir"
    assert settings.registration.mode == "closed" and settings.lifetimes.access == 600


def test_what_is_set_counts(tmp_path: Path) -> None:
    (tmp_path / "brands.json").write_text(json.dumps(BRANDS))
    smart = {
        "issuer": "https://id.example/",
        "access_seconds": 300,
        "refresh_days": 7,
        "registration": "token",
        "registration_token_sha256": DIGEST.upper(),
        "registration_source": "ehr",
        "brands_file": "brands.json",
        "brand_value": "clinic",
    }
    found = authorization_settings(parsed(tmp_path, smart))
    assert found.addresses.issuer == "https://id.example" and found.lifetimes.access == 300
    assert found.lifetimes.refresh_idle == 7 * 86400 and found.registration.tokens == {DIGEST}
    assert found.brands == BRANDS and found.brand == {"value": "clinic"}


def test_what_a_client_has_says_how_it_proves_who_it_is(tmp_path: Path) -> None:
    key = ECKey.generate_key("P-384", {"kid": "k"})
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    (tmp_path / "secret").write_text("a secret\n")
    settings = parsed(
        tmp_path,
        {},
        APP,
        {**APP, "id": "web", "secret_file": "secret"},
        {**APP, "id": "signed", "jwks_file": "keys.json"},
        {"id": "service", "source": "ehr", "scopes": "system/*.rs", "jwks_url": "https://s.example/jwks"},
    )
    app, web, signed, service = settings.clients
    assert (app.method, web.method, signed.method, service.method) == (PUBLIC, BASIC, KEYS, KEYS)
    assert app.grant_types == {CODE, REFRESH} and service.grant_types == {CREDENTIALS}
    assert web.secret_digest == DIGEST and app.name == "app" and app.consent


@pytest.mark.parametrize(
    ("smart", "words"),
    [
        ({"isuer": "x"}, "unknown setting 'isuer'"),
        ({"issuer": "ehr.example"}, "issuer is a URL"),
        ({"issuer": "https://ehr.example?x=1"}, "issuer is a URL"),
        ({"access_seconds": 60}, "access_seconds is a whole number from 300 to 3600"),
        ({"access_seconds": 7200}, "access_seconds is a whole number from 300 to 3600"),
        ({"access_seconds": True}, "access_seconds is a whole number"),
        ({"refresh_days": 0}, "refresh_days"),
        ({"offline_days": -1}, "offline_days"),
        ({"launch_seconds": 5}, "launch_seconds"),
        ({"registration": "yes"}, "registration is one of closed, token, open"),
        ({"registration": "open"}, "registration_source"),
        ({"registration": "open", "registration_source": "nobody"}, "registration_source"),
        ({"registration": "token", "registration_source": "ehr"}, "registration_token_sha256"),
        (
            {"registration": "open", "registration_source": "ehr", "registration_token_sha256": DIGEST},
            "registration 'token' goes with",
        ),
        ({"registration_token_sha256": "x"}, "is a SHA-256 in hex"),
        ({"registration_token_sha256": DIGEST, "registration_token_file": "f"}, "exclude each other"),
        ({"registration_token_file": "none"}, "none cannot be read"),
        ({"registration_scopes": "patient/Nothing.rs"}, "registration_scopes"),
        (
            {"registration": "open", "registration_source": "ehr", "registration_scopes": "system/*.rs"},
            "system/ needs registration 'token'",
        ),
        ({"brands_file": "none.json"}, "none.json cannot be read"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, smart: Any, words: str) -> None:
    with pytest.raises(InvalidSettings) as told:
        parsed(tmp_path, smart)
    assert words in str(told.value) and "[smart]" in str(told.value)


@pytest.mark.parametrize(
    ("bundle", "words"),
    [
        ("{", "brands_file"),
        ("[]", "no JSON object"),
        (json.dumps({**BRANDS, "type": "searchset"}), "no Bundle of type collection"),
        (json.dumps({**BRANDS, "timestamp": ""}), "no timestamp"),
        (json.dumps({**BRANDS, "entry": []}), "no Organization"),
        (
            json.dumps({**BRANDS, "entry": [{"resource": {"resourceType": "Patient"}}]}),
            "Organization and Endpoint",
        ),
    ],
)
def test_what_is_wrong_with_a_brand_bundle_is_named(tmp_path: Path, bundle: str, words: str) -> None:
    (tmp_path / "brands.json").write_text(bundle)
    with pytest.raises(InvalidSettings, match=words):
        parsed(tmp_path, {"brands_file": "brands.json"})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": ""}, "'id' is needed"),
        ({"source": "nobody"}, r"no \[\[source\]\] with id 'nobody'"),
        ({"scopes": ""}, "'scopes' is needed"),
        ({"scopes": "patient/Nothing.rs"}, "no resource type Nothing"),
        ({"scopes": "system/*.rs"}, "client_credentials"),
        ({"redirect_uris": ["http://app.example/cb"]}, "loopback"),
        ({"redirect_uris": "https://app.example/cb"}, "a list of texts"),
        ({"redirect_uris": []}, "grant_types"),
        ({"secret_sha256": "x"}, "SHA-256"),
        ({"secret_sha256": DIGEST, "jwks_url": "https://a.example/k"}, "a secret or keys, not both"),
        ({"jwks_file": "none"}, "none cannot be read"),
        ({"id_token_algorithm": "none"}, "ES256, RS256"),
        ({"logo_url": "javascript:alert(1)"}, "logo_uri is an https URL"),
        ({"id": "a b"}, "client_id"),
        ({"colour": "red"}, "unknown setting 'colour'"),
    ],
)
def test_what_is_wrong_with_a_client_is_named_with_its_number(
    tmp_path: Path, change: Any, words: str
) -> None:
    with pytest.raises(InvalidSettings, match=words) as told:
        parsed(tmp_path, {}, {**APP, "id": "first"}, {**APP, **change})
    assert str(told.value).startswith("[[client]] 2")


def test_two_clients_have_two_ids(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="another one with the id 'app'"):
        parsed(tmp_path, {}, APP, APP)
