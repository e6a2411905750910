"""Assertions by which clients say who they are: forged, replayed, for others, or in the wrong way."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from fhirserver.kernel.json import loads
from tests.attacks.people import Person, as_bytes, as_service, as_text, assertion
from tests.attacks.trail import Trail
from tests.attacks.wire import Wire
from tests.attacks.world import EC, OTHERS_KEY, RSA
from tests.server_process import ServerProcess
from tests.unit.access.smart.kit import by_hmac

pytestmark = pytest.mark.xdist_group("attacks")


def assertions(server: ServerProcess) -> Iterator[tuple[str, str]]:
    """Name and assertion of each that must be refused."""
    now, url = int(time.time()), f"{server.root}/auth/token"
    for algorithm, key in (("ES384", EC), ("RS384", RSA)):
        good = assertion(server, key=key)
        header, payload, _ = good.split(".")
        head = loads(as_bytes(header))
        yield f"{algorithm}: no signature", f"{header}.{payload}."
        yield f"{algorithm}: alg none", f"{as_text({**head, 'alg': 'none'})}.{payload}."
        public: Any = key.as_pem(private=False)
        yield f"{algorithm}: HMAC", by_hmac({**head, "alg": "HS256"}, loads(as_bytes(payload)), public)
        yield f"{algorithm}: HMAC of 384", by_hmac({**head, "alg": "HS384"}, loads(as_bytes(payload)), public)
    other: RSAKey = RSAKey.generate_key(2048, {"kid": RSA.kid})
    yield "other client's key", assertion(server, key=OTHERS_KEY)
    yield "another RSA key", assertion(server, key=other)
    yield (
        "key in the header",
        assertion(server, key=OTHERS_KEY, header={"jwk": OTHERS_KEY.as_dict(private=False)}),
    )
    yield "jku elsewhere", assertion(server, header={"jku": "https://evil.example/jwks"})
    yield "PS384", jwt.encode({"alg": "PS384", "kid": RSA.kid}, _claims(url), RSA, algorithms=["PS384"])
    yield "RS256", jwt.encode({"alg": "RS256", "kid": RSA.kid}, _claims(url), RSA, algorithms=["RS256"])
    yield "no kid", assertion(server, header={"kid": ""})
    yield "unknown kid", assertion(server, header={"kid": "rsa-2"})
    yield "for the FHIR base", assertion(server, aud=server.base)
    yield "for the issuer", assertion(server, aud=server.root)
    yield "for another server", assertion(server, aud="https://elsewhere.example/auth/token")
    yield "for us and another", assertion(server, aud=[url, "https://elsewhere.example"])
    yield "for nobody", assertion(server, aud=None)
    yield "of somebody else", assertion(server, sub="launcher")
    yield "in the name of another", assertion(server, iss="app", sub="app")
    yield "in the name of a client without keys", assertion(server, iss="web", sub="web")
    yield "in nobody's name", assertion(server, iss="nobody", sub="nobody")
    yield "expired", assertion(server, exp=now - 60)
    yield "living too long", assertion(server, exp=now + 3600)
    yield "living for ever", assertion(server, exp=None)
    yield "issued in the future", assertion(server, iat=now + 3600)
    yield "not yet valid", assertion(server, nbf=now + 3600)
    yield "without jti", assertion(server, jti=None)
    yield "with an empty jti", assertion(server, jti="")
    yield "with a jti that is a number", assertion(server, jti=7)
    yield "an access token", Person(server, "pat").token()["access_token"]


def _claims(url: str) -> dict[str, Any]:
    jti = secrets.token_hex(16)
    return {"iss": "service", "sub": "service", "aud": url, "exp": int(time.time()) + 200, "jti": jti}


def test_no_forged_assertion_makes_a_client(server: ServerProcess, trail: Trail) -> None:
    for name, made in assertions(server):
        answer = as_service(server, made)
        assert (answer.status, answer.error) == (401, "invalid_client"), f"{name}: {answer}"
        trail.refused(answer, 401, "invalid_client")


def test_an_assertion_is_used_once(server: ServerProcess, trail: Trail) -> None:
    made = assertion(server)
    first = as_service(server, made)
    assert first.status == 200, first
    trail.noted(first, "", "service")
    trail.refused(as_service(server, made), 401, "invalid_client")
    same = secrets.token_hex(16)
    assert as_service(server, assertion(server, jti=same)).status == 200
    trail.refused(as_service(server, assertion(server, jti=same, key=RSA)), 401, "invalid_client")


def test_a_client_proves_itself_in_the_way_it_is_registered_for(server: ServerProcess, trail: Trail) -> None:
    nobody = Wire(server.port)
    form = {"grant_type": "client_credentials", "scope": "system/Patient.rs"}
    for fields in (
        {**form, "client_id": "service"},
        {**form, "client_id": "service", "client_secret": ""},
        {**form, "client_id": "service", "client_secret": "x"},
        {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "web"},
        {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "web", "client_secret": "wrong"},
        {"grant_type": "refresh_token", "refresh_token": "x", "client_id": "nobody"},
    ):
        trail.refused(nobody.form("/auth/token", fields), 401, "invalid_client")
    unnamed = {"grant_type": "refresh_token", "refresh_token": "x"}
    trail.refused(nobody.form("/auth/token", unnamed), 400, "invalid_grant")
    twice = {
        **form,
        "client_assertion_type": "x",
        "client_assertion": assertion(server),
        "client_secret": "x",
    }
    trail.refused(nobody.form("/auth/token", twice), 400, "invalid_request")
    wrong = {**form, "client_assertion_type": "urn:x", "client_assertion": assertion(server)}
    trail.refused(nobody.form("/auth/token", wrong), 400, "invalid_request")
    trail.refused(as_service(server, assertion(server), "user/*.rs"), 400, "invalid_scope")
