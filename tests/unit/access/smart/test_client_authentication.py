"""Who a client is: by a secret, by a key, and in no other way than it is registered for."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from fhirserver.access.smart import assertions
from fhirserver.access.smart.client_jwks import InvalidJwks, check_jwks
from fhirserver.access.smart.client_keys import (
    AGAIN_SECONDS,
    FRESH_SECONDS,
    STALE_SECONDS,
    ClientKeys,
    kept_seconds,
)
from fhirserver.access.smart.errors import OAuthError
from fhirserver.access.smart.jwts import unverified
from fhirserver.kernel.json import dumps
from tests.unit.access.smart.kit import EC, FHIR, ISSUER, RSA, SECRET, SERVICE, Kit, Publisher, basic, by_hmac

OTHER: RSAKey = RSAKey.generate_key(2048, {"kid": "rsa-1"})


async def refused(work: Any, code: str = "invalid_client", status: int = 401) -> str:
    with pytest.raises(OAuthError) as told:
        await work
    assert (told.value.code, told.value.status) == (code, status), told.value
    return told.value.description


async def test_a_secret_in_either_place(kit: Kit) -> None:
    assert await kit.redeem(await kit.code("web"), authorization=basic("web", SECRET.replace(" ", "+")))
    assert await kit.redeem(await kit.code("web"), "web", client_secret=SECRET)


@pytest.mark.parametrize(
    ("authorization", "more"),
    [
        (basic("web", "wrong"), {}),
        (basic("web", ""), {}),
        (basic("nobody", SECRET), {}),
        (basic("app", ""), {}),
        (basic("service", SECRET), {}),
        ("Basic !!!", {}),
        ("Basic " + "d2Vi", {}),
        ("Bearer x", {}),
        ("", {"client_id": "web"}),
        ("", {"client_id": "web", "client_secret": "wrong"}),
        ("", {"client_id": "app", "client_secret": "any"}),
        ("", {"client_id": "signed"}),
        ("", {"client_id": "nobody"}),
    ],
)
async def test_who_does_not_prove_it_is_nobody(kit: Kit, authorization: str, more: dict[str, str]) -> None:
    form = {"grant_type": "authorization_code", "code": "x", "redirect_uri": "x", **more}
    await refused(kit.server.endpoint.issue(authorization, form))


async def test_one_way_at_a_time(kit: Kit) -> None:
    form = {"grant_type": "authorization_code", "client_id": "web", "client_secret": SECRET}
    await refused(kit.server.endpoint.issue(basic("web", SECRET), form), "invalid_request", 400)
    other = {"grant_type": "authorization_code", "client_id": "app"}
    await refused(kit.server.endpoint.issue(basic("web", SECRET), other), "invalid_request", 400)


@pytest.mark.parametrize("key", [RSA, EC], ids=["RS384", "ES384"])
async def test_a_signed_assertion_by_either_algorithm(kit: Kit, key: Any) -> None:
    told = await kit.service(kit.assertion(key=key), "system/Patient.rs system/Condition.rs")
    assert told["scope"] == "system/Patient.rs" and "refresh_token" not in told and told["expires_in"] == 300
    found = kit.principals.authenticate(f"Bearer {told['access_token']}")
    assert found.client == found.name == "service" and found.user == ""
    assert found.permissions is not None and found.permissions.may_all("rs", "Patient")
    assert not found.permissions.may("r", "Condition")


@pytest.mark.parametrize("key", [RSA, EC], ids=["RS384", "ES384"])
async def test_an_app_with_keys(kit: Kit, key: Any) -> None:
    told = await kit.redeem(
        await kit.code("signed"),
        "",
        client_assertion=kit.assertion("signed", key),
        client_assertion_type=assertions.TYPE,
    )
    assert told["patient"] == "p1"


async def test_an_assertion_is_used_once_by_whichever_process(kit: Kit) -> None:
    other, assertion = Kit(other=kit), kit.assertion()
    await kit.service(assertion)
    for again in (kit, other):
        assert "jti" in await refused(again.service(assertion))
    twice = kit.assertion()
    answers = await asyncio.gather(kit.service(twice), other.service(twice), return_exceptions=True)
    assert [isinstance(one, dict) for one in answers].count(True) == 1


async def test_a_jti_of_one_client_is_not_used_by_anothers(kit: Kit) -> None:
    await kit.service(kit.assertion(jti="one"))
    told = await kit.redeem(
        await kit.code("signed"),
        "",
        client_assertion=kit.assertion("signed", jti="one"),
        client_assertion_type=assertions.TYPE,
    )
    assert told["access_token"]


NOW = 1_000_000


@pytest.mark.parametrize(
    ("claims", "named"),
    [
        ({"aud": FHIR}, "aud"),
        ({"aud": ISSUER}, "aud"),
        ({"aud": f"{ISSUER}/auth/token/"}, "aud"),
        ({"aud": [f"{ISSUER}/auth/token", FHIR]}, "aud"),
        ({"aud": None}, "aud"),
        ({"sub": "app"}, "sub"),
        ({"sub": None}, "sub"),
        ({"iss": "signed", "sub": "signed"}, "signature"),
        ({"iss": "nobody", "sub": "nobody"}, "issuer"),
        ({"iss": "web", "sub": "web"}, "issuer"),
        ({"exp": NOW - 60}, "exp"),
        ({"exp": NOW + 3600}, "exp"),
        ({"exp": None}, "exp"),
        ({"exp": "never"}, "exp"),
        ({"exp": True}, "exp"),
        ({"iat": NOW + 3600}, "iat"),
        ({"nbf": NOW + 3600}, "nbf"),
        ({"jti": None}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": 7}, "jti"),
        ({"jti": "x" * 1000}, "jti"),
    ],
)
async def test_a_claim_that_is_wrong_is_named(kit: Kit, claims: dict[str, Any], named: str) -> None:
    key = OTHER if claims.get("iss") == "signed" else RSA
    assert named in await refused(kit.service(kit.assertion(key=key, **claims)))


async def test_the_client_of_an_assertion_is_the_one_that_asks(kit: Kit) -> None:
    await refused(kit.service(kit.assertion(), client_id="app"), "invalid_request", 400)
    await refused(kit.service(kit.assertion(), client_assertion_type="saml"), "invalid_request", 400)


async def forged(kit: Kit, header: dict[str, Any], key: Any = None, algorithm: str = "RS384") -> str:
    """The description of the refusal of an assertion with another header or key."""
    good = kit.assertion()
    stated = unverified(good)
    assert stated is not None
    head = {**stated.header, **header}
    if key is None:
        packed = urlsafe_b64encode(dumps(head)).decode().rstrip("=")
        return await refused(kit.service(".".join([packed, *good.split(".")[1:]])))
    payload = dumps(stated.claims)
    return await refused(kit.service(jws.serialize_compact(head, payload, key, algorithms=[algorithm])))


async def test_a_forged_assertion_is_found_out(kit: Kit) -> None:
    for alg in ("none", "None", "NONE", "", "HS256", "HS384", "RS256", "ES256", "PS384"):
        assert "alg" in await forged(kit, {"alg": alg})
    assert "signature" in await forged(kit, {"kid": "rsa-1"}, OTHER), "the same kid, another key"
    assert "signature" in await forged(kit, {"kid": "unknown"})
    assert "signature" in await forged(kit, {"kid": "ec-1"}), "the key of another algorithm"
    assert "kid" in await forged(kit, {"kid": None})
    assert "jku" in await forged(kit, {"jku": "https://evil.example/jwks.json"})
    assert "signature" in await forged(kit, {"jwk": OTHER.as_dict(private=False)}, OTHER), (
        "a key that it brings itself"
    )
    assert "signature" in await forged(kit, {"crit": ["exp"], "exp": 1})
    good = unverified(kit.assertion())
    assert good is not None
    for alg in ("HS256", "HS384", "RS384"):
        confused = by_hmac({**good.header, "alg": alg}, good.claims, RSA.as_pem(private=False))
        assert await refused(kit.service(confused)), "HMAC with the public key"


@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda raw: raw.hex()))
def test_what_is_no_token_is_none(text: str) -> None:
    assert unverified(text) is None
    assert unverified(f"eyJ{text}.e30.x") is None or "." not in text


async def test_a_backend_service_gets_what_it_is_registered_for_and_asks_for(kit: Kit) -> None:
    told = await kit.service(kit.assertion(), "system/*.cruds")
    assert set(told["scope"].split()) == {"system/Observation.cruds", "system/Patient.rs"}
    for scope in ("system/Condition.rs", "user/*.rs", "patient/*.rs", "openid", "nonsense"):
        await refused(kit.service(kit.assertion(), scope), "invalid_scope", 400)
    await refused(kit.service(kit.assertion(), ""), "invalid_request", 400)


# keys by URL


class Clock:
    """Monotonic seconds, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


async def test_keys_are_fetched_once_and_again_when_they_are_old() -> None:
    clock, publisher = Clock(), Publisher()
    keys = ClientKeys(publisher, clock)
    for _ in range(5):
        assert await keys.find(SERVICE, "rsa-1", "RS384")
    assert publisher.asked == 1
    clock.seconds += FRESH_SECONDS + 1
    assert await keys.find(SERVICE, "rsa-1", "RS384") and publisher.asked == 2


async def test_a_rotated_key_is_found_and_invented_ones_do_not_make_us_knock() -> None:
    clock, publisher = Clock(), Publisher([EC])
    keys = ClientKeys(publisher, clock)
    assert await keys.find(SERVICE, "ec-1", "ES384")
    publisher.keys = [RSA]
    clock.seconds += AGAIN_SECONDS
    assert await keys.find(SERVICE, "rsa-1", "RS384") and publisher.asked == 2
    assert not await keys.find(SERVICE, "ec-1", "ES384"), "the old one is gone"
    for number in range(20):
        assert not await keys.find(SERVICE, f"invented-{number}", "RS384")
    assert publisher.asked == 2
    clock.seconds += AGAIN_SECONDS
    assert not await keys.find(SERVICE, "invented", "RS384") and publisher.asked == 3


async def test_keys_are_used_for_a_while_when_their_address_is_down() -> None:
    clock, publisher = Clock(), Publisher()
    keys = ClientKeys(publisher, clock)
    assert await keys.find(SERVICE, "rsa-1", "RS384")
    publisher.down = True
    clock.seconds += FRESH_SECONDS + 1
    assert await keys.find(SERVICE, "rsa-1", "RS384")
    clock.seconds += STALE_SECONDS
    with pytest.raises(Exception, match="nobody answers"):
        await keys.find(SERVICE, "rsa-1", "RS384")
    with pytest.raises(Exception, match="a moment ago"):
        await keys.find(SERVICE, "rsa-1", "RS384")


@pytest.mark.parametrize(
    ("cache_control", "age", "seconds"),
    [
        ("", "", None),
        ("public", "", None),
        ("public, max-age=60", "", 60),
        ('max-age="60"', "20", 40),
        ("max-age=60", "90", 0),
        ("No-Store", "", 0),
        ("max-age=60, no-cache", "", 0),
        ("max-age=-1", "", None),
        ("max-age=9999999999999", "", None),
    ],
)
def test_how_long_keys_may_be_kept(cache_control: str, age: str, seconds: float | None) -> None:
    assert kept_seconds(cache_control, age) == seconds


async def test_keys_are_kept_no_longer_than_their_owner_says() -> None:
    clock, publisher = Clock(), Publisher(seconds=30.0)
    keys = ClientKeys(publisher, clock)
    for _ in range(3):
        assert await keys.find(SERVICE, "rsa-1", "RS384") and publisher.asked == 1
    clock.seconds += 30
    assert await keys.find(SERVICE, "rsa-1", "RS384") and publisher.asked == 2
    clock.seconds += 30
    publisher.down = True
    with pytest.raises(Exception, match="nobody answers"):
        await keys.find(SERVICE, "rsa-1", "RS384")


async def test_keys_that_may_not_be_kept_are_fetched_each_time() -> None:
    publisher = Publisher(seconds=0.0)
    keys = ClientKeys(publisher, Clock())
    for number in range(1, 4):
        assert await keys.find(SERVICE, "rsa-1", "RS384") and publisher.asked == number
    assert not await keys.find(SERVICE, "invented", "RS384") and publisher.asked == 4


async def test_a_kid_that_two_keys_have_is_nobodys(kit: Kit) -> None:
    kit.publisher.keys = [RSA, RSAKey.generate_key(2048, {"kid": "rsa-1"})]
    assert "several keys" in await refused(kit.service(kit.assertion()))


async def test_a_client_whose_keys_cannot_be_fetched_is_nobody(kit: Kit) -> None:
    kit.publisher.down = True
    assert "fetched" in await refused(kit.service(kit.assertion()))


def test_only_public_keys_are_registered() -> None:
    public = {**RSA.as_dict(private=False)}
    for jwks, why in (
        ({"keys": [RSA.as_dict(private=True)]}, "private"),
        ({"keys": [{"kty": "oct", "k": "AAAA", "kid": "a"}]}, "private"),
        ({"keys": []}, "no key"),
        ({"keys": [{**public, "kid": None}]}, "no key"),
        ({"keys": [{**public, "use": "enc"}]}, "no key"),
        ({"keys": [{**public, "alg": "RS256"}]}, "no key"),
        ({"keys": [{**public, "n": public["n"][:100]}]}, "no key"),
        ({"keys": [ECKey.generate_key("P-256", {"kid": "p256"}).as_dict(private=False)]}, "no key"),
        ({"keys": "x"}, "JWK Set"),
        ([], "JWK Set"),
        ({"keys": [1]}, "JWK Set"),
    ):
        with pytest.raises(InvalidJwks, match=why):
            check_jwks(jwks)  # type: ignore[arg-type]
    check_jwks({"keys": [public]})
    check_jwks(
        {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "A", "kid": "other"}, EC.as_dict(private=False)]}
    )
