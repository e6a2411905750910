"""The document of a chat service: read, and refused with the place of what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from fhirserver.world.chat_services import InvalidService, chat_service

KEY = {"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}
USERS: dict[str, Any] = {"issuer": "https://app.example", "audience": "credence", "jwks": {"keys": [KEY]}}


def test_what_is_left_out_has_a_meaning() -> None:
    service = chat_service("clinic", "Clinic", {})
    assert service.smart and service.languages == ("en",) and service.users is None and not service.origins


def test_it_is_read_whole() -> None:
    document = {
        "origins": ["https://app.example:8443"],
        "smart": False,
        "languages": ["en", "es-MX"],
        "users": USERS,
    }
    service = chat_service("clinic", "Clinic", document)
    assert service.origins == ("https://app.example:8443",) and service.languages == ("en", "es-MX")
    assert service.users is not None and not service.users.trusts_patient and not service.smart


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"colour": "red"}, "/colour"),
        ({"greeting": 1}, "/greeting"),
        ({"greeting": "x" * 501}, "/greeting"),
        ({"origins": ["app.example"]}, "/origins/0"),
        ({"origins": ["https://app.example/path"]}, "/origins/0"),
        ({"origins": "https://app.example"}, "/origins"),
        ({"languages": ["English"]}, "/languages/0"),
        ({"smart": "yes"}, "/smart"),
        ({"users": []}, "/users"),
        ({"users": {**USERS, "issuer": ""}}, "/users"),
        ({"users": {**USERS, "jwks_url": "https://x.example/k"}}, "/users"),
        ({"users": {"issuer": "a", "audience": "b", "jwks_url": "http://x.example/k"}}, "/users/jwks_url"),
        ({"users": {**USERS, "jwks": {"keys": []}}}, "/users/jwks"),
        ({"users": {**USERS, "jwks": {"keys": [{**KEY, "d": "secret"}]}}}, "/users/jwks/keys/0"),
        ({"users": {**USERS, "jwks": {"keys": [{"kty": "oct", "k": "secret"}]}}}, "/users/jwks/keys/0"),
        ({"users": {**USERS, "trusts_patient": 1}}, "/users/trusts_patient"),
    ],
)
def test_what_is_wrong_is_named(document: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidService) as raised:
        chat_service("clinic", "Clinic", document)
    assert raised.value.pointer == pointer and "secret" not in str(raised.value)
