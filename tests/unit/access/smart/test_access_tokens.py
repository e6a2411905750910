"""Access tokens that are forged, old, somebody else's or for somebody else open nothing."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from fhirserver.access.principals import Principal, Principals, token_digest
from fhirserver.access.rules import AccessRules
from fhirserver.access.smart.jwts import unverified
from fhirserver.access.smart.keys import ES256, LONGEST_TOKEN_SECONDS
from fhirserver.access.smart.token_principals import MOST_REMEMBERED, TokenPrincipals
from fhirserver.kernel.outcomes import Refusal
from fhirserver.world.sources import Source
from tests.unit.access.smart.kit import CLINICIAN, FHIR, ISSUER, Kit, by_hmac


def refused(kit: Kit, token: str) -> str:
    with pytest.raises(Refusal) as told:
        kit.principals.authenticate(f"Bearer {token}")
    assert told.value.category.value == 401
    assert 'error="invalid_token"' in told.value.headers["WWW-Authenticate"]
    assert token not in str(told.value)
    return told.value.issues[0].diagnostics


def b64(value: Any) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


async def parts(kit: Kit) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """A good token, its header and its claims."""
    token = (await kit.tokens())["access_token"]
    stated = unverified(token)
    assert stated is not None
    return token, stated.header, stated.claims


def by_server(kit: Kit, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """Signed with the server's own key: what only a fault of ours could make."""
    _, key = kit.server.ring.signing(ES256)
    return jws.serialize_compact(header, json.dumps(claims).encode(), key, algorithms=[ES256])


async def test_a_good_one_opens(kit: Kit) -> None:
    token, _, _ = await parts(kit)
    assert kit.principals.authenticate(f"Bearer {token}").client == "app"
    assert kit.principals.authenticate(f"bearer  {token}").client == "app"


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "HS256", "RS256", "ES384", "", None, 5])
async def test_without_a_signature_of_ours_it_opens_nothing(kit: Kit, alg: Any) -> None:
    token, header, claims = await parts(kit)
    head = b64({**header, "alg": alg})
    for signature in ("", token.split(".")[2], "AAAA"):
        refused(kit, f"{head}.{b64(claims)}.{signature}")


async def test_hmac_with_the_public_key_opens_nothing(kit: Kit) -> None:
    _, header, claims = await parts(kit)
    published = kit.server.ring.jwks()["keys"]
    for one in published:
        public = ECKey.import_key(one) if one["kty"] == "EC" else None
        secrets = [json.dumps(one).encode(), *([public.as_pem(private=False)] if public else [])]
        for secret in secrets:
            refused(kit, by_hmac({**header, "alg": "HS256"}, claims, secret))


async def test_another_key_with_our_kid_opens_nothing(kit: Kit) -> None:
    _, header, claims = await parts(kit)
    key = ECKey.generate_key("P-256")
    for head in (
        header,
        {**header, "kid": "unknown"},
        {**header, "kid": None},
        {**header, "jwk": key.as_dict(private=False)},
        {**header, "jku": "https://evil.example"},
        {**header, "kid": "../../etc/passwd"},
    ):
        forged = f"{b64(head)}.{b64(claims)}"
        signature = jws.serialize_compact(
            {"alg": ES256}, json.dumps(claims).encode(), key, algorithms=[ES256]
        )
        refused(kit, f"{forged}.{signature.split('.')[2]}")


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://other.example"},
        {"iss": f"{ISSUER}/"},
        {"iss": None},
        {"aud": "https://other.example/fhir"},
        {"aud": "app"},
        {"aud": [FHIR]},
        {"aud": None},
        {"exp": 1},
        {"exp": None},
        {"exp": "later"},
        {"exp": True},
        {"iat": None},
        {"iat": 2_000_000_000},
        {"client_id": None},
        {"sub": 1},
        {"sid": None},
        {"jti": None},
        {"scope": None},
        {"scope": "patient/Nothing.rs"},
        {"rights": None},
        {"rights": {}},
        {"rights": {"letters": "rs"}},
        {"rights": {"letters": "rs", "patients": 5}},
        {"source": "nobody"},
    ],
    ids=str,
)
async def test_a_claim_that_is_wrong_opens_nothing_even_signed_by_us(
    kit: Kit, change: dict[str, Any]
) -> None:
    _, header, claims = await parts(kit)
    if "source" in change:
        claims["client_id"] = "web"
    refused(kit, by_server(kit, header, {**claims, **change}))


@pytest.mark.parametrize("typ", ["JWT", "", "id+jwt"])
async def test_another_kind_of_token_of_ours_opens_nothing(kit: Kit, typ: Any) -> None:
    _, header, claims = await parts(kit)
    refused(kit, by_server(kit, {**header, "typ": typ}, claims))


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t[:-4] + "AAAA",
        lambda t: t.rpartition(".")[0] + ".",
        lambda t: t + ".x",
        lambda t: t.replace(".", "..", 1),
        lambda t: t + "=",
        lambda t: "eyJ" + t,
        lambda t: t[:60] + "\x00" + t[60:],
        lambda t: "eyJhbGciOiJub25lIn0.e30.",
        lambda t: "eyJ." + "A" * 20_000 + ".A",
    ],
)
async def test_a_broken_one_opens_nothing(kit: Kit, change: Callable[[str], str]) -> None:
    token, _, _ = await parts(kit)
    with pytest.raises(Refusal) as told:
        kit.principals.authenticate(f"Bearer {change(token)}")
    assert told.value.category.value == 401


async def test_it_holds_until_it_expires_and_what_is_remembered_does_too(kit: Kit) -> None:
    token, _, _ = await parts(kit)
    assert kit.principals.authenticate(f"Bearer {token}")
    kit.now.pass_(599)
    assert kit.principals.authenticate(f"Bearer {token}")
    kit.now.pass_(1)
    assert "expired" in refused(kit, token)
    assert "expired" in refused(kit, token), "also when it is verified anew"


async def test_too_many_are_not_remembered(kit: Kit) -> None:
    token, _, _ = await parts(kit)
    found = kit.principals._verified(f"Bearer {token}")
    assert found is not None
    for number in range(MOST_REMEMBERED + 10):
        kit.principals._remember(f"Bearer {number}", found)
    assert len(kit.principals._remembered) == MOST_REMEMBERED
    assert kit.principals.authenticate(f"Bearer {token}")


async def test_tokens_of_the_settings_stay_what_they_are(kit: Kit) -> None:
    odd = "eyJ.looks-like.one"
    plain = Principals(
        (token_digest(text), Principal("ehr", Source("ehr"), frozenset({"read"}))) for text in ("plain", odd)
    )
    principals = TokenPrincipals(plain, kit.server.tokens, kit.server.revocations, {}, {}, now=kit.now)
    for text in ("plain", odd):
        assert principals.authenticate(f"Bearer {text}").name == "ehr"
    with pytest.raises(Refusal):
        principals.authenticate("Bearer other")
    with pytest.raises(Refusal):
        principals.authenticate(None)
    assert principals.of_digest(token_digest("plain")) is not None


async def test_the_source_of_the_settings_counts_now(kit: Kit) -> None:
    """A client of the settings whose source was changed writes as the new one, with its old tokens too."""
    token, _, _ = await parts(kit)
    changed = TokenPrincipals(
        Principals(()),
        kit.server.tokens,
        kit.server.revocations,
        {"apps": Source("apps"), "lesser": Source("lesser")},
        {"app": "lesser"},
        now=kit.now,
    )
    assert changed.authenticate(f"Bearer {token}").source.id == "lesser"


async def test_what_is_confidential_is_confidential_to_apps(kit: Kit) -> None:
    """An app sees no more for being let in by an administrator."""
    rules = AccessRules(frozenset({"R"}), frozenset({"admin"}), frozenset({"read"}))
    principals = TokenPrincipals(
        Principals(()),
        kit.server.tokens,
        kit.server.revocations,
        {"apps": Source("apps")},
        {},
        rules,
        kit.now,
    )
    told = await kit.tokens(user=replace(CLINICIAN, roles=frozenset({"admin"})), scope="user/*.rs")
    found = principals.authenticate(f"Bearer {told['access_token']}")
    assert found.roles == {"read"} and found.permissions is not None
    assert found.permissions.hidden == {"R"} and found.permissions.opens


@pytest.mark.parametrize(("kind", "id"), [("client", "app"), ("user", "sub-dana")])
async def test_all_tokens_of_a_client_or_user_end_and_later_ones_hold(kit: Kit, kind: str, id: str) -> None:
    token, _, _ = await parts(kit)
    assert kit.principals.authenticate(f"Bearer {token}")
    await kit.server.revocations.revoke(kind, id)
    assert "revoked" in refused(kit, token)
    kit.now.pass_(1)
    later, _, _ = await parts(kit)
    assert kit.principals.authenticate(f"Bearer {later}")


async def test_rotated_keys_end_no_token_before_its_time(kit: Kit) -> None:
    token, header, _ = await parts(kit)
    ring = kit.server.ring
    kit.now.pass_(10)
    ring.rotate()
    fresh, fresh_header, _ = await parts(kit)
    assert fresh_header["kid"] != header["kid"]
    assert kit.principals.authenticate(f"Bearer {token}") and kit.principals.authenticate(f"Bearer {fresh}")
    assert {one["kid"] for one in ring.jwks()["keys"]} >= {header["kid"], fresh_header["kid"]}
    kit.now.pass_(LONGEST_TOKEN_SECONDS + 120)
    assert header["kid"] not in {one["kid"] for one in ring.jwks()["keys"]}
    assert ring.verifying(header["kid"], ES256) is None
    ring.rotate()
    assert header["kid"] not in {one.kid for one in ring.all()}


def test_what_is_published_is_public(kit: Kit) -> None:
    keys = kit.server.ring.jwks()["keys"]
    assert {one["alg"] for one in keys} == {"ES256", "RS256"} and all(one["kid"] for one in keys)
    assert not any(set(one) & {"d", "p", "q", "dp", "dq", "qi", "k"} for one in keys)
