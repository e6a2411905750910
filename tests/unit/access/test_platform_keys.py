"""Platform keys: made once, rotated with an overlap, revoked in every process."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.access.key_principals import KeyOwners, KeyPrincipals
from fhirserver.access.owners import NamedOwners, OwnerGone, owner_of
from fhirserver.access.platform_keys import SHAPE, USE_SECONDS, PlatformKeys, UnknownKey
from fhirserver.access.platform_roles import FHIR_ROLES, PLATFORM_ROLES, is_within
from fhirserver.access.principals import Principals, token_digest
from fhirserver.access.rules import AccessRules
from fhirserver.kernel.outcomes import Refusal
from fhirserver.storage.memory.access_records import MemoryAccessRecords
from fhirserver.world.sources import Source

SOURCES = {"operator": Source("operator", "operator"), "app": Source("app", "app")}


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def records(clock: Clock) -> MemoryAccessRecords:
    return MemoryAccessRecords(clock)


@pytest.fixture
def keys(records: MemoryAccessRecords, clock: Clock) -> PlatformKeys:
    return PlatformKeys(records, clock)


def principals(keys: PlatformKeys, now: Callable[[], float] = time.time) -> KeyPrincipals:
    return KeyPrincipals(Principals(()), keys, SOURCES, AccessRules(), now)


async def test_a_key_is_known_by_its_secret_and_kept_without_it(
    keys: PlatformKeys, records: MemoryAccessRecords
) -> None:
    key, secret = await keys.make("Mine", "viewer", "app", "admin")
    assert SHAPE.match(secret) and keys.of_token(secret) == key
    kept = [one.value for one in await records.find("platform-key/")]
    assert secret not in str(kept) and secret[21:40] not in str(kept)
    assert token_digest(secret) in kept[0]["digests"]


async def test_another_process_learns_of_it_when_it_is_asked(
    keys: PlatformKeys, records: MemoryAccessRecords, clock: Clock
) -> None:
    key, secret = await keys.make("Mine", "member", "app", "admin")
    elsewhere = PlatformKeys(records, clock)
    there = principals(elsewhere)
    with pytest.raises(Refusal):
        there.authenticate(f"Bearer {secret}")
    who = await there.known(f"Bearer {secret}")
    assert (who.name, who.platform, who.source.id) == (key.principal, "member", "app")
    assert who.roles == FHIR_ROLES["member"]


async def test_what_is_no_whole_key_costs_no_look_into_the_storage(clock: Clock) -> None:
    class NoRecords(MemoryAccessRecords):
        async def read(self, key: str) -> None:  # type: ignore[override]
            raise AssertionError("it was looked for")

    elsewhere = PlatformKeys(NoRecords(clock), clock)
    for wrong in ("", "crd_key_", "crd_key_aaaaaaaaaaaa_" + "b" * 40, "x" * 60):
        assert not await elsewhere.learn(wrong)


async def test_a_rotated_secret_counts_until_the_overlap_is_over(keys: PlatformKeys, clock: Clock) -> None:
    key, first = await keys.make("Mine", "viewer", "app", "admin")
    again, second = await keys.rotate(key.id, 60)
    assert again.id == key.id and first != second
    assert keys.of_token(first) and keys.of_token(second)
    clock.now += 61
    assert keys.of_token(first) is None and keys.of_token(second)
    await keys.refresh()
    assert keys.of_token(first) is None and keys.of_token(second)


async def test_rotated_at_once_the_old_secret_is_over(keys: PlatformKeys) -> None:
    key, first = await keys.make("Mine", "viewer", "app", "admin")
    _, second = await keys.rotate(key.id, 0)
    assert keys.of_token(first) is None and keys.of_token(second)


async def test_a_revoked_key_opens_nothing_here_and_elsewhere(
    keys: PlatformKeys, records: MemoryAccessRecords, clock: Clock
) -> None:
    elsewhere = PlatformKeys(records, clock)
    key, secret = await keys.make("Mine", "viewer", "app", "admin")
    await elsewhere.refresh()
    assert elsewhere.of_token(secret)
    await keys.revoke(key.id)
    assert keys.of_token(secret) is None
    await elsewhere.refresh()
    assert elsewhere.of_token(secret) is None and not await elsewhere.learn(secret)
    with pytest.raises(UnknownKey):
        await keys.revoke(key.id)


async def test_what_was_heard_before_counts_only_as_long_as_it_holds(
    keys: PlatformKeys, clock: Clock
) -> None:
    around = principals(keys, clock)
    key, first = await keys.make("Mine", "viewer", "app", "admin")
    assert around.authenticate(f"Bearer {first}") is around.authenticate(f"bearer  {first}")
    _, second = await keys.rotate(key.id, 60)
    for secret in (first, second):
        assert around.authenticate(f"Bearer {secret}").name == key.principal
    clock.now += 61
    assert around.authenticate(f"Bearer {second}")
    with pytest.raises(Refusal):
        around.authenticate(f"Bearer {first}")
    await keys.revoke(key.id)
    with pytest.raises(Refusal):
        around.authenticate(f"Bearer {second}")


async def test_a_key_ends(keys: PlatformKeys, clock: Clock) -> None:
    _, secret = await keys.make("Mine", "viewer", "app", "admin", int(clock.now) + 10)
    assert keys.of_token(secret)
    clock.now += 11
    assert keys.of_token(secret) is None
    await keys.refresh()
    assert await keys.all() == [] and not await keys.learn(secret)


async def test_use_is_kept_to_the_hour(
    keys: PlatformKeys, records: MemoryAccessRecords, clock: Clock
) -> None:
    key, _ = await keys.make("Mine", "viewer", "app", "admin")
    for _ in range(3):
        keys.note_use(key)
        await keys.refresh()
        clock.now += 1
    assert (await keys.find(key.id)).used == 1_000_000
    assert [one.revision for one in await records.find("platform-key-used/")] == [1]
    clock.now += USE_SECONDS
    keys.note_use(key)
    await keys.refresh()
    assert (await PlatformKeys(records, clock).find(key.id)).used == 1_000_003 + USE_SECONDS


async def test_a_key_whose_source_is_gone_opens_nothing(keys: PlatformKeys) -> None:
    _, secret = await keys.make("Mine", "viewer", "no-more", "admin")
    with pytest.raises(Refusal):
        principals(keys).authenticate(f"Bearer {secret}")


async def test_what_a_key_made_works_on_as_long_as_the_key_holds(keys: PlatformKeys) -> None:
    around = principals(keys)
    owners = KeyOwners(NamedOwners(()), keys, around)
    key, secret = await keys.make("Mine", "operator", "app", "admin")
    owner = owner_of(around.authenticate(f"Bearer {secret}"))
    assert (await owners.principal(owner)).name == key.principal and owners.may_administrate(owner)
    await keys.revoke(key.id)
    assert not owners.may_administrate(owner)
    with pytest.raises(OwnerGone):
        await owners.principal(owner)


async def test_only_a_key_of_that_source_and_role_changes_how_the_server_is_set_up(
    keys: PlatformKeys,
) -> None:
    around = principals(keys)
    admin, _ = await keys.make("Mine", "admin", "app", "admin")
    member, _ = await keys.make("Mine", "member", "app", "admin")
    assert around.is_admin("app", admin.principal)
    assert not around.is_admin("operator", admin.principal)
    assert not around.is_admin("app", member.principal)
    assert not around.is_admin("app", "key:nothing") and not around.is_admin("app", "admin")


@given(st.sampled_from(PLATFORM_ROLES), st.sampled_from(PLATFORM_ROLES))
def test_a_role_within_another_may_do_no_more(one: str, other: str) -> None:
    if is_within(one, other):
        assert FHIR_ROLES[one] <= FHIR_ROLES[other]
    else:
        assert is_within(other, one)


@given(st.text(max_size=80))
def test_whatever_is_sent_as_a_token_is_refused(text: str) -> None:
    keys = PlatformKeys(MemoryAccessRecords())
    for header in (text, f"Bearer {text}", f"Bearer crd_key_{text}", None):
        with pytest.raises(Refusal):
            principals(keys).authenticate(header)


async def test_a_key_that_another_process_made_is_found_by_its_name_while_it_holds(
    keys: PlatformKeys, records: MemoryAccessRecords, clock: Clock
) -> None:
    elsewhere = PlatformKeys(records, clock)
    here = principals(elsewhere, clock)
    key, secret = await keys.make("Ana's desk", "operator", "operator", "admin")
    digest = token_digest(secret)
    assert here.of_digest(digest) is None
    assert await here.learn_name(key.principal)
    found = here.of_digest(digest)
    assert found is not None and found.name == key.principal
    await keys.revoke(key.id)
    await elsewhere.refresh()
    assert not await here.learn_name(key.principal) and here.of_digest(digest) is None
    for other in ("admin", "key:", ""):
        assert not await here.learn_name(other)
