"""An OpenID provider as a client of it sees it: against one that runs as a process, and fails in every way."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import pytest

from adapters.openid.provider import OpenIdProvider, ProviderSettings
from fhirserver.kernel.instants import FixedClock
from fhirserver.ports.identity_provider import Answer, Ask, ProviderRefused, ProviderUnavailable
from tests.openid_process import CLIENT, SECRET, OpenIdProcess, back_from

BACK = "https://fhir.example/auth/provider/back"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
ASK = Ask(BACK, "state-1", "nonce-1", CHALLENGE)


@pytest.fixture(scope="module")
def process() -> Iterator[OpenIdProcess]:
    with OpenIdProcess() as running:
        yield running


@pytest.fixture
def upstream(process: OpenIdProcess) -> OpenIdProcess:
    process.heal()
    process.person(sub="u-1", name="Ana Ruiz", groups=["desk"])
    return process


class Ticking:
    """A monotonic clock that the test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def client(upstream: OpenIdProcess, *, secret: str = SECRET, seconds: float = 10.0, **more) -> OpenIdProvider:
    return OpenIdProvider(ProviderSettings(upstream.url, CLIENT, secret, seconds=seconds), **more)


@contextlib.asynccontextmanager
async def closing(provider: OpenIdProvider) -> AsyncIterator[OpenIdProvider]:
    try:
        yield provider
    finally:
        await provider.close()


async def claims(provider: OpenIdProvider, **changes: str):
    came = back_from(await provider.address(ASK))
    assert came["state"] == "state-1"
    answer = {"code": came["code"], "issuer": came["iss"], "redirect_uri": BACK, "nonce": "nonce-1"}
    return await provider.claims(Answer(**{"verifier": VERIFIER, **answer, **changes}))


async def test_a_person_comes_back_with_verified_claims(upstream):
    async with closing(client(upstream)) as provider:
        found = await claims(provider)
    assert found["sub"] == "u-1" and found["name"] == "Ana Ruiz" and found["groups"] == ["desk"]


async def test_metadata_and_keys_are_asked_for_once(upstream):
    async with closing(client(upstream)) as provider:
        for _ in range(3):
            await claims(provider)
    asked = upstream.asked()
    assert asked.count("/jwks") == asked.count("/.well-known/openid-configuration") == 1
    assert asked.count("/token") == 3


async def test_a_new_key_is_found_but_not_looked_for_at_every_token(upstream):
    ticking = Ticking()
    async with closing(client(upstream, monotonic=ticking)) as provider:
        await claims(provider)
        upstream.rotate()
        with pytest.raises(ProviderRefused, match="key"):
            await claims(provider)
        ticking.now += 31
        assert (await claims(provider))["sub"] == "u-1"
    assert upstream.asked().count("/jwks") == 2


async def test_what_is_known_serves_when_the_provider_does_not_answer_for_it(upstream):
    ticking = Ticking()
    async with closing(client(upstream, monotonic=ticking)) as provider:
        await provider.address(ASK)
        ticking.now += 4000
        upstream.fault("down")
        assert (await provider.address(ASK)).startswith(upstream.url)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("wrong_nonce", "nonce"),
        ("wrong_aud", "another client"),
        ("wrong_azp", "another client"),
        ("wrong_iss", "another issuer"),
        ("wrong_response_iss", "another issuer"),
        ("wrong_configuration", "another issuer"),
        ("expired", "expired"),
        ("old", "not made now"),
        ("no_sub", "whom"),
        ("alg_none", "not signed"),
        ("hmac", "not signed"),
        ("forged", "signature"),
        ("no_id_token", "no ID token"),
    ],
)
async def test_what_cannot_be_believed_is_refused(upstream, fault, words):
    upstream.fault(fault)
    async with closing(client(upstream)) as provider:
        with pytest.raises(ProviderRefused, match=words) as refused:
            await claims(provider)
    assert "u-1" not in str(refused.value) and "Ana" not in str(refused.value)


@pytest.mark.parametrize(
    "changes", [{"verifier": "w" * 43}, {"code": "guessed"}, {"redirect_uri": BACK + "x"}]
)
async def test_what_the_provider_refuses_is_refused(upstream, changes):
    async with closing(client(upstream)) as provider:
        with pytest.raises(ProviderRefused, match=r"refuses \(400\)"):
            await claims(provider, **changes)


async def test_a_code_is_good_once(upstream):
    async with closing(client(upstream)) as provider:
        came = back_from(await provider.address(ASK))
        answer = Answer(came["code"], came["iss"], BACK, "nonce-1", VERIFIER)
        await provider.claims(answer)
        with pytest.raises(ProviderRefused):
            await provider.claims(answer)


async def test_an_answer_without_its_issuer_is_refused_where_the_provider_names_it(upstream):
    async with closing(client(upstream)) as provider:
        with pytest.raises(ProviderRefused, match="another issuer"):
            await claims(provider, issuer="")


async def test_a_wrong_secret_is_told_without_the_secret(upstream):
    async with closing(client(upstream, secret="wrong-secret")) as provider:
        with pytest.raises(ProviderRefused, match=r"refuses \(401\)") as refused:
            await claims(provider)
    assert "wrong-secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("fault", "words"), [("down", "answers 503"), ("token_down", "answers 503"), ("garbage", "JSON")]
)
async def test_a_provider_that_cannot_do_it_is_unavailable(upstream, fault, words):
    upstream.fault(fault)
    async with closing(client(upstream)) as provider:
        with pytest.raises(ProviderUnavailable, match=words):
            await claims(provider)


async def test_a_provider_that_is_slow_is_not_waited_for(upstream):
    upstream.fault("slow", seconds=30)
    async with closing(client(upstream, seconds=0.2)) as provider:
        with pytest.raises(ProviderUnavailable, match="does not answer"):
            await provider.address(ASK)


async def test_a_provider_that_is_not_there_is_unavailable():
    provider = OpenIdProvider(ProviderSettings("http://127.0.0.1:9", CLIENT, SECRET))
    async with closing(provider):
        with pytest.raises(ProviderUnavailable, match="cannot be reached"):
            await provider.address(ASK)


async def test_by_a_clock_that_differs_by_hours_nothing_is_believed(upstream):
    clock = FixedClock(datetime.fromtimestamp(time.time() + 7200, UTC))
    async with closing(client(upstream, clock=clock)) as provider:
        with pytest.raises(ProviderRefused, match="expired"):
            await claims(provider)


async def test_a_client_without_a_secret_proves_itself_by_the_verifier_alone():
    with OpenIdProcess(public=True) as process:
        async with closing(client(process, secret="")) as provider:
            assert (await claims(provider))["sub"] == "u-1"
