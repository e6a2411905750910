"""Signing in at an OpenID provider that runs as a process."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from adapters.openid.provider import OpenIdProvider, ProviderSettings
from fhirserver.access.passwords import PasswordDigests, PasswordRules
from fhirserver.access.upstream import ClaimRules, Return, RoleRule, Upstream, upstream_login
from fhirserver.access.users import InvalidUser, SignInRefused, Users
from fhirserver.kernel.instants import FixedClock
from fhirserver.ports.identity_provider import ProviderRefused
from fhirserver.storage.memory.access_records import MemoryAccessRecords
from tests.openid_process import CLIENT, SECRET, OpenIdProcess, back_from

BACK = "https://fhir.example/console/provider/back"
RULES = ClaimRules(
    "https://fhir.example/fhir",
    rules=(
        RoleRule("desk", frozenset({"operator"}), "operator"),
        RoleRule("audit", frozenset({"privacy"})),
    ),
    fhir_user="fhir_user",
)


@pytest.fixture(scope="module")
def process() -> Iterator[OpenIdProcess]:
    with OpenIdProcess() as running:
        yield running


@pytest.fixture
def provider(process: OpenIdProcess) -> OpenIdProcess:
    process.heal()
    process.person(sub="u-1", name="Ana Ruiz", groups=["desk", "other"])
    return process


@pytest.fixture
def clock():
    return FixedClock(datetime.fromtimestamp(time.time(), UTC))


@pytest.fixture
def records(clock):
    return MemoryAccessRecords(lambda: clock.now().timestamp())


@pytest.fixture
def users(records, clock):
    return Users(records, PasswordRules(), PasswordDigests(1, 64, 1), clock)


@pytest.fixture
async def upstream(provider, users, records, clock) -> AsyncIterator[Upstream]:
    settings = ProviderSettings(provider.url, CLIENT, SECRET)
    made = Upstream(OpenIdProvider(settings), RULES, users, records, clock, "Clinic")
    yield made
    await made.close()


async def came_back(upstream, next="/console/queue"):
    left = await upstream.depart(BACK, next)
    came = back_from(left.address)
    return Return(left.secret, came["state"], came.get("code", ""), came["iss"], came.get("error", ""))


async def test_who_comes_back_is_a_user_from_then_on(upstream, provider, users):
    user, next = await upstream.arrive(BACK, await came_back(upstream))
    assert (user.name, user.roles, user.source, user.fhir_user) == ("Ana Ruiz", {"operator"}, "operator", "")
    assert next == "/console/queue" and user.upstream == provider.url
    assert user.login == upstream_login(provider.url, "u-1") and await users.find(user.login) == user
    again, _ = await upstream.arrive(BACK, await came_back(upstream))
    assert again == user


async def test_nothing_that_proves_anything_is_kept_meanwhile(upstream, records):
    left = await upstream.depart(BACK, "/console")
    came = back_from(left.address)
    kept = str(await records.find(""))
    assert left.secret not in kept and came["state"] not in kept and "nonce" not in kept


async def test_a_state_is_good_once(upstream):
    came = await came_back(upstream)
    await upstream.arrive(BACK, came)
    with pytest.raises(ProviderRefused, match="state"):
        await upstream.arrive(BACK, came)


async def test_another_browser_is_not_let_in_with_what_somebody_brought_back(upstream):
    came = await came_back(upstream)
    with pytest.raises(ProviderRefused, match="another browser"):
        await upstream.arrive(BACK, Return("another secret", came.state, came.code, came.issuer))


async def test_a_state_of_the_one_page_is_none_of_the_other(upstream):
    with pytest.raises(ProviderRefused, match="another page"):
        await upstream.arrive("https://fhir.example/auth/provider/back", await came_back(upstream))


async def test_who_stays_away_too_long_begins_anew(upstream, clock):
    came = await came_back(upstream)
    clock.at += timedelta(seconds=601)
    with pytest.raises(ProviderRefused, match="long ago"):
        await upstream.arrive(BACK, came)


async def test_a_code_of_somebody_else_is_refused(upstream, provider):
    """A thief who has another's code brings it back with a state of their own: the nonce is not theirs."""
    stolen, own = await came_back(upstream), await came_back(upstream)
    with pytest.raises(ProviderRefused):
        await upstream.arrive(BACK, Return(own.secret, own.state, stolen.code, own.issuer))


async def test_whom_the_provider_does_not_let_in_is_not_let_in(upstream, provider):
    provider.fault("denied")
    with pytest.raises(ProviderRefused, match="did not let"):
        await upstream.arrive(BACK, await came_back(upstream))


@pytest.mark.parametrize("claims", [{"groups": ["other"]}, {}, {"groups": {"desk": 1}}, {"groups": "desks"}])
async def test_who_is_nobody_here_is_not_let_in(upstream, provider, users, claims):
    provider.person(sub="u-2", **claims)
    with pytest.raises(SignInRefused):
        await upstream.arrive(BACK, await came_back(upstream))
    assert not await users.all()


async def test_roles_of_all_rules_that_hold_and_the_reference_of_the_claim(upstream, provider):
    provider.person(sub="u-3", groups="desk audit", fhir_user="https://fhir.example/fhir/Practitioner/2")
    user, _ = await upstream.arrive(BACK, await came_back(upstream))
    assert user.roles == {"operator", "privacy"} and user.fhir_user == "Practitioner/2"
    assert user.name == user.login


async def test_a_reference_to_elsewhere_is_refused(upstream, provider):
    provider.person(sub="u-4", groups=["desk"], fhir_user="https://elsewhere.example/fhir/Patient/1")
    with pytest.raises(InvalidUser, match="fhirUser"):
        await upstream.arrive(BACK, await came_back(upstream))


async def test_who_is_disabled_here_stays_out_whatever_the_provider_says(upstream, users):
    user, _ = await upstream.arrive(BACK, await came_back(upstream))
    await users.disable(user.login)
    with pytest.raises(SignInRefused):
        await upstream.arrive(BACK, await came_back(upstream))


async def test_who_loses_a_role_at_the_provider_loses_it_and_the_sessions_here(upstream, provider, users):
    user, _ = await upstream.arrive(BACK, await came_back(upstream))
    provider.person(sub="u-1", groups=["audit"])
    changed, _ = await upstream.arrive(BACK, await came_back(upstream))
    assert changed.roles == {"privacy"} and await users.active(user.login, user.epoch) is None
