"""Forged, foreign, old and mistaken tokens, and assertions of clients: none opens anything."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from fhirserver.access.smart.jwts import verified
from fhirserver.kernel.json import dumps, loads
from tests.attacks.people import Person, as_bytes, as_text, assertion, reads
from tests.attacks.trail import Trail
from tests.attacks.wire import Wire
from tests.server_process import ServerProcess
from tests.unit.access.smart.kit import by_hmac

pytestmark = pytest.mark.xdist_group("attacks")

ALGORITHMS = ["ES256", "RS256", "HS256", "HS384", "HS512", "ES384", "RS384", "PS256"]


class Real:
    """A real token, and the key that signed it: what an attacker would have to have."""

    def __init__(self, server: ServerProcess):
        self.server = server
        person = Person(server, "pat")
        self.told = person.token(scope="openid fhirUser launch/patient patient/*.rs offline_access")
        self.token: str = self.told["access_token"]
        self.header, self.claims = (loads(as_bytes(part)) for part in self.token.split(".")[:2])
        published = Wire(server.port).get("/auth/jwks").json()["keys"]
        self.public = {one["alg"]: one for one in published}
        files = (loads(path.read_bytes()) for path in (server.data / "keys").glob("*.json"))
        jwks = [one.get("jwk", one) for one in files]
        self.key: ECKey = ECKey.import_key(next(one for one in jwks if one["kid"] == self.header["kid"]))
        self.rsa: RSAKey = RSAKey.import_key(next(one for one in jwks if one["kty"] == "RSA"))

    def signed(self, key: Any = None, header: Any = None, **claims: Any) -> str:
        """A token like the real one but for what is given; a claim or member of None is left out."""
        head = {**self.header, **(header or {})}
        stated = {name: value for name, value in {**self.claims, **claims}.items() if value is not None}
        head = {name: value for name, value in head.items() if value is not None}
        algorithms = [head["alg"]] if head["alg"] in ALGORITHMS else ALGORITHMS
        return jwt.encode(head, stated, key or self.key, algorithms=algorithms)


@pytest.fixture(scope="module")
def real(server: ServerProcess) -> Real:
    return Real(server)


def test_the_real_one_opens_something(real: Real, trail: Trail) -> None:
    for token in (real.token, real.signed()):
        answer = reads(real.server, token)
        assert answer.status in (200, 404), answer
        trail.noted(answer, "" if answer.status == 200 else "404 not-found", "app")


def forged(real: Real) -> Iterator[tuple[str, str]]:
    """Name and token of each that must be refused."""
    header, payload, signature = real.token.split(".")
    now = int(time.time())
    for name in ("none", "None", "NONE", "nOnE", ""):
        yield f"alg {name!r}", f"{as_text({**real.header, 'alg': name})}.{payload}."
        yield f"alg {name!r}, signed", f"{as_text({**real.header, 'alg': name})}.{payload}.{signature}"
    yield "no signature", f"{header}.{payload}."
    yield "no third part", f"{header}.{payload}"
    yield "signature of zeros", f"{header}.{payload}.{as_text(bytes(64))}"
    yield "empty signature of 64 A", f"{header}.{payload}.{'A' * 86}"
    yield "payload changed", f"{header}.{as_text({**real.claims, 'patient': 'qzbob-patient'})}.{signature}"
    yield "scope changed", f"{header}.{as_text({**real.claims, 'scope': 'system/*.cruds'})}.{signature}"
    yield "header changed", f"{as_text({**real.header, 'x': 1})}.{payload}.{signature}"
    twice = dumps(real.claims)[:-1] + b',"patient":"qzbob-patient"}'
    yield "claims twice", f"{header}.{as_text(twice)}.{signature}"
    yield "for another server", real.signed(aud="https://elsewhere.example/fhir")
    yield "for a server that begins so", real.signed(aud=f"{real.server.base}/x")
    yield "for several servers", real.signed(aud=[real.server.base])
    yield "for nobody", real.signed(aud=None)
    yield "for the token endpoint", real.signed(aud=f"{real.server.root}/auth/token")
    yield "of another issuer", real.signed(iss="https://elsewhere.example")
    yield "of no issuer", real.signed(iss=None)
    yield "expired", real.signed(iat=now - 700, exp=now - 1)
    yield "expiring never", real.signed(exp=None)
    yield "expiring in words", real.signed(exp=str(now + 600))
    yield "issued in the future", real.signed(iat=now + 3600, exp=now + 7200)
    yield "not yet valid", real.signed(nbf=now + 3600)
    yield "issued never", real.signed(iat=None)
    yield "unknown kid", real.signed(header={"kid": "unknown"})
    yield "no kid", real.signed(header={"kid": None})
    yield "kid of the other key", real.signed(header={"kid": real.public["RS256"]["kid"]})
    yield "kid that is a path", real.signed(header={"kid": "../../../../dev/null"})
    yield "kid that is a query", real.signed(header={"kid": "' OR 1=1 --"})
    yield (
        "kid that is a list",
        f"{as_text({**real.header, 'kid': [real.header['kid']]})}.{payload}.{signature}",
    )
    yield "no type", real.signed(header={"typ": None})
    yield "of the type of ID tokens", real.signed(header={"typ": "JWT"})
    yield (
        "signed RS256 by our other key",
        real.signed(real.rsa, {"alg": "RS256", "kid": real.public["RS256"]["kid"]}),
    )
    yield from _of_other_keys(real)
    yield from _confused(real)
    yield "the refresh token", real.told["refresh_token"]
    yield "the ID token", real.told["id_token"]
    yield "an assertion of a client", assertion(real.server)
    yield (
        "an encrypted one",
        ".".join(("eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0", "", "AAAA", "AAAA", "AAAA")),
    )
    yield "critical extension", _resigned(real.key, {**real.header, "crit": ["exp"], "exp": 1}, real)
    yield "compressed", _resigned(real.key, {**real.header, "zip": "DEF"}, real)
    yield "unencoded payload", _resigned(real.key, {**real.header, "b64": False, "crit": ["b64"]}, real)
    yield "a long one", real.signed(note="x" * 40_000)
    yield "no scopes", real.signed(scope=None)
    yield "scopes that are none", real.signed(scope="patient/Nothing.rs")
    yield "a source that is no more", real.signed(client_id="nobody", source="gone")
    yield "rights in words", real.signed(rights="all")


def _of_other_keys(real: Real) -> Iterator[tuple[str, str]]:
    """Signed well, by keys that are not ours, which the token itself brings along or names."""
    other: ECKey = ECKey.generate_key("P-256", {"kid": real.header["kid"]})
    public = other.as_dict(private=False)
    certificate = (
        "MIIBszCCARygAwIBAgIBATANBgkqhkiG9w0BAQsFADAAMB4XDTI2MDEwMTAwMDAwMFoXDTM2MDEwMTAwMDAwMFowADA="
    )
    yield "by another key under our kid", real.signed(other)
    for name, value in (
        ("jwk", public),
        ("jku", "https://evil.example/jwks.json"),
        ("jku", f"{real.server.root}/auth/jwks"),
        ("x5u", "https://evil.example/cert.pem"),
        ("x5c", [certificate]),
        ("x5t", "AAAA"),
    ):
        head = {**real.header, name: value}
        text = f"{as_text(head)}.{real.token.split('.')[1]}"
        yield f"key in {name}: {value!s:.30}", f"{text}.{_ecdsa(other, text)}"
        yield f"key in {name} without kid: {value!s:.30}", _resigned(other, {**head, "kid": None}, real)


def _ecdsa(key: ECKey, text: str) -> str:
    from joserfc.jws import JWSRegistry

    made = JWSRegistry.algorithms["ES256"].sign(text.encode(), key)  # type: ignore[index]
    return as_text(made)


def _resigned(key: ECKey, head: dict[str, Any], real: Real) -> str:
    text = f"{as_text({name: value for name, value in head.items() if value is not None})}.{real.token.split('.')[1]}"
    return f"{text}.{_ecdsa(key, text)}"


def _confused(real: Real) -> Iterator[tuple[str, str]]:
    """Signed by HMAC with what everybody has: our public keys, in the forms in which a program may keep them."""
    for algorithm, jwk in real.public.items():
        kind: Any = ECKey if algorithm == "ES256" else RSAKey
        key = kind.import_key(jwk)
        forms = {
            "PEM": key.as_pem(private=False),
            "PEM without its end": key.as_pem(private=False).strip(),
            "DER": key.as_der(private=False),
            "JSON": dumps(jwk),
            "x": jwk.get("x", jwk.get("n", "")).encode(),
            "nothing": b"",
        }
        for name, secret in forms.items():
            head = {**real.header, "alg": "HS256", "kid": jwk["kid"]}
            yield f"HS256 with {algorithm} key as {name}", by_hmac(head, real.claims, secret)


def test_no_forged_token_opens_anything(real: Real, trail: Trail) -> None:
    wrong = []
    for name, token in forged(real):
        answer = reads(real.server, token)
        if (answer.status, answer.error) != (401, "login"):
            wrong.append(f"{name}: {answer}")
            continue
        trail.refused(answer, 401, "login")
        scheme = answer.header("www-authenticate")
        assert scheme.startswith("Bearer "), name
        assert "qzbob" not in answer.text and token[:20] not in answer.text, name
    assert not wrong, "\n".join(wrong)


def test_nor_is_it_said_to_be_worth_anything(real: Real, trail: Trail) -> None:
    """Other servers ask by introspection, and go by the answer."""
    operator = Wire(real.server.port, real.server.tokens["admin"])
    assert operator.form("/auth/introspect", {"token": real.token}).json()["active"] is True
    for name, token in forged(real):
        answer = operator.form("/auth/introspect", {"token": token})
        if name == "the refresh token":  # it is worth something, though not as an access token
            assert answer.json()["token_type"] == "refresh_token"
        elif name != "a source that is no more":  # that is a matter of the settings, not of the token
            assert answer.json() == {"active": False}, (name, answer)
        trail.seen(answer, "admin")


@pytest.mark.parametrize(
    "path", ["/live/calls", "/recordings/x.wav", "/metrics", "/auth/launches", "/auth/introspect"]
)
def test_nor_at_the_other_doors(real: Real, trail: Trail, path: str) -> None:
    method = "POST" if path.startswith("/auth") else "GET"
    for token in (
        real.signed(ECKey.generate_key("P-256", {"kid": real.header["kid"]})),
        real.told["id_token"],
        "x",
    ):
        asking = Wire(real.server.port, token)
        answer = asking.form(path, {"token": real.token}) if method == "POST" else asking.get(path)
        assert answer.status == 401, answer
        trail.noted(answer, "401")


@pytest.mark.parametrize("path", ["/live/calls", "/metrics", "/auth/launches", "/auth/introspect"])
def test_an_app_is_no_operator(real: Real, trail: Trail, path: str) -> None:
    asking = Wire(real.server.port, real.token)
    answer = asking.form(path, {"token": real.token}) if path.startswith("/auth") else asking.get(path)
    assert answer.status == 403, answer
    trail.noted(answer, "403")


def test_a_token_in_the_address_or_a_form_is_none(real: Real, trail: Trail) -> None:
    nobody = Wire(real.server.port)
    for answer in (
        nobody.get(f"/fhir/Patient?access_token={real.token}"),
        nobody(
            "POST",
            "/fhir/Patient/_search",
            f"access_token={real.token}",
            content_type="application/x-www-form-urlencoded",
        ),
        nobody.get("/fhir/Patient", cookie=f"access_token={real.token}"),
        nobody.get("/fhir/Patient", authorization=f"Basic {real.token}"),
        nobody.get("/fhir/Patient", authorization=real.token),
        nobody.get("/fhir/Patient", authorization="Bearer "),
        nobody.get("/fhir/Patient", proxy_authorization=f"Bearer {real.token}"),
        nobody.get("/fhir/Patient", x_forwarded_user="admin", x_remote_user="admin"),
    ):
        trail.refused(answer, 401, "login")


def test_one_algorithm_counts_and_it_is_ours() -> None:
    """Whatever a token says, and whoever calls: the key verifies by the algorithm that is asked for, or not at all."""
    rsa: RSAKey = RSAKey.generate_key(2048)
    made = {
        name: jwt.encode({"alg": name}, {"a": 1}, rsa, algorithms=[name])
        for name in ("RS256", "RS384", "PS256")
    }
    for wanted in ("RS256", "RS384"):
        for said, token in made.items():
            assert (verified(token, rsa, wanted) is not None) is (said == wanted), (wanted, said)
    secret = OctKey.import_key(b"x" * 32)
    by_secret = jwt.encode({"alg": "HS256"}, {"a": 1}, secret, algorithms=["HS256"])
    assert verified(by_secret, secret, "HS512") is None  # type: ignore[arg-type]
    for algorithm in ("none", "HS256", "ES256"):
        assert verified(by_hmac({"alg": algorithm}, {"a": 1}, b"x" * 32), rsa, "RS256") is None
    for head in (
        {"alg": "RS256", "crit": ["x"], "x": 1},
        {"alg": "RS256", "b64": False},
        {"alg": "RS256", "zip": "DEF"},
    ):
        text = f"{as_text(head)}.{as_text({'a': 1})}"
        assert verified(f"{text}.{_rsa(rsa, text)}", rsa, "RS256") is None, head
    plain = f"{as_text({'alg': 'RS256'})}.{as_text({'a': 1})}"
    assert verified(f"{plain}.{_rsa(rsa, plain)}", rsa, "RS256") == {"a": 1}


def _rsa(key: RSAKey, text: str) -> str:
    from joserfc.jws import JWSRegistry

    made = JWSRegistry.algorithms["RS256"].sign(text.encode(), key)  # type: ignore[index]
    return as_text(made)
