"""Users of an app by the word of its backend: which tokens are believed, and which are not."""

from __future__ import annotations

import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from fhirserver.access.app_users import AppUserTokens
from fhirserver.access.smart.client_keys import Fetched, FetchFailed
from fhirserver.kernel.json import dumps
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.chats import AppUsers

NOW = 1_800_000_000.0
KEYS: dict[str, Any] = {
    "ES256": ECKey.generate_key("P-256"),
    "RS256": RSAKey.generate_key(2048),
    "EdDSA": OKPKey.generate_key("Ed25519"),
}
JWKS = {"keys": [{**key.as_dict(private=False), "kid": name} for name, key in KEYS.items()]}
USERS = AppUsers("https://app.example", "credence", JWKS)
TRUSTED = AppUsers("https://app.example", "credence", JWKS, trusts_patient=True)


def token(algorithm: str = "ES256", key: Any = None, kid: str = "", **claims: Any) -> str:
    stated = {"iss": USERS.issuer, "aud": "credence", "sub": "ann", "exp": int(NOW) + 600} | claims
    header = {"alg": algorithm, "kid": kid or algorithm}
    stated = {name: value for name, value in stated.items() if value is not None}
    return jwt.encode(header, stated, key or KEYS[algorithm], algorithms=[algorithm])


def tokens(now: float = NOW) -> AppUserTokens:
    return AppUserTokens(now=lambda: now)


@pytest.mark.filterwarnings("ignore:EdDSA")
@pytest.mark.parametrize("algorithm", KEYS)
async def test_tokens_of_each_algorithm_are_believed(algorithm: str) -> None:
    user = await tokens().user(token(algorithm, phone="+14125550142", name="Ann"), USERS)
    assert (user.subject, user.phone, user.name) == ("ann", "+14125550142", "Ann")


async def test_a_patient_is_believed_only_where_the_service_says_so() -> None:
    for patient in ("ada", "Patient/ada"):
        told = token(patient=patient)
        assert (await tokens().user(told, USERS)).patient == ""
        assert (await tokens().user(told, TRUSTED)).patient == "Patient/ada"


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"iss": "https://evil.example"}, "iss"),
        ({"aud": "other"}, "aud"),
        ({"aud": None}, "aud"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"exp": None}, "exp"),
        ({"exp": int(NOW) - 31}, "expired"),
        ({"exp": int(NOW) + 3700}, "3600"),
        ({"exp": "tomorrow"}, "exp"),
        ({"nbf": int(NOW) + 100}, "not hold yet"),
        ({"name": 7}, "name"),
        ({"phone": "1" * 500}, "phone"),
    ],
)
async def test_claims_that_are_not_right(claims: dict[str, Any], words: str) -> None:
    with pytest.raises(Refusal, match=words):
        await tokens().user(token(**claims), USERS)


async def test_signatures_that_are_not_right() -> None:
    other = ECKey.generate_key("P-256")
    head, body, signature = token().split(".")
    for wrong in (
        token(key=other),
        f"{head}.{body}.",
        f"{head}.{body}x.{signature}",
        token(kid="another"),
        token("RS256", kid="ES256"),
        "no.jwt.atall",
    ):
        with pytest.raises(Refusal, match="not accepted"):
            await tokens().user(wrong, USERS)


async def test_what_was_believed_ends_with_its_time_and_with_its_key() -> None:
    now = [NOW]
    kept = AppUserTokens(now=lambda: now[0])
    told = token()
    await kept.user(told, USERS)
    renewed = AppUsers(
        USERS.issuer, USERS.audience, {"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}
    )
    with pytest.raises(Refusal):
        await kept.user(told, renewed)
    now[0] += 700
    with pytest.raises(Refusal, match="expired"):
        await kept.user(told, USERS)


class Fetching:
    """Somebody's JWK Set, which changes and fails by hand."""

    def __init__(self) -> None:
        self.jwks: Any = JWKS
        self.times = 0

    async def __call__(self, url: str) -> Fetched:
        self.times += 1
        if self.jwks is None:
            raise FetchFailed("down")
        return Fetched(dumps(self.jwks))

    def objection(self, url: str) -> str | None:
        return None


async def test_keys_by_url_are_fetched_seldom_and_again_when_one_is_missing() -> None:
    now, fetch = [NOW], Fetching()
    users = AppUsers(USERS.issuer, USERS.audience, None, "https://app.example/jwks")
    kept = AppUserTokens(fetch, lambda: now[0])
    for n in range(5):
        await kept.user(token(name=str(n)), users)
    assert fetch.times == 1
    fresh = ECKey.generate_key("P-256")
    fetch.jwks = {"keys": [{**fresh.as_dict(private=False), "kid": "new"}]}
    with pytest.raises(Refusal):
        await kept.user(token(key=fresh, kid="new"), users)
    now[0] += 11
    assert (await kept.user(token(key=fresh, kid="new"), users)).subject == "ann"
    fetch.jwks = None
    now[0] += 100
    assert (await kept.user(token(key=fresh, kid="new", name="x"), users)).name == "x", "as it was known"
    with pytest.raises(Refusal, match="cannot be fetched"):
        await AppUserTokens(fetch, lambda: now[0]).user(token(key=fresh, kid="new"), users)


def test_the_time_is_the_machines() -> None:
    assert abs(AppUserTokens()._now() - time.time()) < 5


@pytest.mark.parametrize("patient", ["ada/../../Group/1", "ada?_id=eve", "ada,Patient/eve", "x" * 65])
async def test_what_is_no_id_is_no_patient(patient: str) -> None:
    """It goes into searches as it is."""
    with pytest.raises(Refusal, match="patient"):
        await tokens().user(token(patient=patient), TRUSTED)
