"""Users: who may sign in, and what they are to this server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from fhirserver.access.passwords import PasswordDigests, PasswordRules, UnfitPassword
from fhirserver.access.throttle import TooManyTries
from fhirserver.access.users import (
    InvalidUser,
    SignInRefused,
    UnknownUser,
    User,
    UserExists,
    Users,
    checked,
)
from fhirserver.kernel.instants import FixedClock
from fhirserver.storage.memory.access_records import MemoryAccessRecords
from fhirserver.world.sources import Source

SECRET = "heron lamp quarry 7"
OTHER = "other lamp quarry 8"
ANA = User("ana", "Ana Ruiz", frozenset({"operator"}), "Practitioner/2", "operator")
PAT = User("pat@example.org", "Pat Okafor", fhir_user="Patient/1")
HERE = "192.0.2.1"


@pytest.fixture
def clock():
    return FixedClock(datetime(2026, 11, 28, 12, tzinfo=UTC))


@pytest.fixture
def records(clock):
    return MemoryAccessRecords(lambda: clock.now().timestamp())


@pytest.fixture
def users(records, clock):
    return Users(records, PasswordRules(), PasswordDigests(1, 64, 1), clock)


async def test_a_user_signs_in_with_login_and_password(users):
    added = await users.add(ANA, SECRET)
    found = await users.sign_in("Ana", SECRET, HERE)
    assert found == added == await users.find("ANA")
    assert found.subject and found.epoch and found.created == "2026-11-28T12:00:00.000Z"


async def test_of_a_password_only_its_digest_is_kept(users, records):
    await users.add(ANA, SECRET)
    kept = (await records.read("user/ana")).value
    assert kept["digest"].startswith("$argon2id$") and SECRET not in str(kept)


@pytest.mark.parametrize(
    ("login", "password"), [("ana", OTHER), ("nobody", SECRET), ("", SECRET), ("a/b c", SECRET)]
)
async def test_what_is_wrong_is_not_said(users, login, password):
    await users.add(ANA, SECRET)
    with pytest.raises(SignInRefused) as refused:
        await users.sign_in(login, password, HERE)
    assert not str(refused.value)


async def test_a_login_that_nobody_has_costs_as_much_as_one_that_somebody_has(users, monkeypatch):
    await users.add(ANA, SECRET)
    asked = []
    real = PasswordDigests.verify

    async def verify(self, digest, password):
        asked.append(bool(digest))
        return await real(self, digest, password)

    monkeypatch.setattr(PasswordDigests, "verify", verify)
    for login in ("ana", "nobody", "///"):
        with pytest.raises(SignInRefused):
            await users.sign_in(login, OTHER, HERE)
    assert asked == [True, False, False]


async def test_without_a_password_nobody_signs_in(users):
    await users.add(ANA)
    for password in ("", "the password of nobody at all"):
        with pytest.raises(SignInRefused):
            await users.sign_in("ana", password, HERE)


async def test_a_login_is_given_once(users):
    await users.add(ANA, SECRET)
    with pytest.raises(UserExists):
        await users.add(replace(ANA, login="ANA"), OTHER)
    assert await users.sign_in("ana", SECRET, HERE)


async def test_a_password_that_others_would_guess_is_refused(users):
    with pytest.raises(UnfitPassword):
        await users.add(ANA, "passwordpassword")
    assert await users.find("ana") is None


async def test_a_new_password_ends_what_began_with_the_old_one(users):
    added = await users.add(ANA, SECRET)
    assert await users.active("ana", added.epoch) == added
    changed = await users.change_password("ana", OTHER)
    assert await users.active("ana", added.epoch) is None
    assert await users.active("ana", changed.epoch) == changed
    assert changed.subject == added.subject
    with pytest.raises(SignInRefused):
        await users.sign_in("ana", SECRET, HERE)
    assert await users.sign_in("ana", OTHER, HERE)


async def test_other_rights_end_what_began_with_the_old_ones(users):
    added = await users.add(ANA, SECRET)
    changed = await users.change("ana", roles=frozenset({"privacy"}), name="Ana R.")
    assert (changed.roles, changed.name, changed.subject) == ({"privacy"}, "Ana R.", added.subject)
    assert await users.active("ana", added.epoch) is None
    assert await users.sign_in("ana", SECRET, HERE) == changed
    with pytest.raises(InvalidUser):
        await users.change("ana", roles=frozenset({"root"}))


async def test_the_disabled_are_out_at_once_and_cannot_come_back(users):
    added = await users.add(ANA, SECRET)
    disabled = await users.disable("ana")
    assert await users.active("ana", added.epoch) is None
    assert await users.active("ana", disabled.epoch) is None
    with pytest.raises(SignInRefused):
        await users.sign_in("ana", SECRET, HERE)
    enabled = await users.disable("ana", False)
    assert await users.active("ana", added.epoch) is None, "what ended stays ended"
    assert await users.sign_in("ana", SECRET, HERE) == enabled


async def test_who_is_removed_is_no_more_and_a_new_one_of_the_name_is_another(users):
    added = await users.add(ANA, SECRET)
    await users.remove("ana")
    assert await users.find("ana") is None
    again = await users.add(ANA, SECRET)
    assert again.subject != added.subject and await users.active("ana", added.epoch) is None


async def test_nothing_can_be_done_to_nobody(users):
    for doing in (users.remove("x"), users.disable("x"), users.change_password("x", OTHER)):
        with pytest.raises(UnknownUser):
            await doing


async def test_wrong_passwords_are_slowed_down_for_the_login_wherever_they_come_from(users, clock):
    await users.add(ANA, SECRET)
    for number in range(10):
        with pytest.raises(SignInRefused):
            await users.sign_in("ana", OTHER, f"192.0.2.{number}")
    with pytest.raises(TooManyTries) as refused:
        await users.sign_in("ana", SECRET, "192.0.2.200")
    clock.at += timedelta(seconds=refused.value.seconds)
    assert await users.sign_in("ana", SECRET, "192.0.2.200")


async def test_wrong_passwords_are_slowed_down_for_the_address_whatever_login(users):
    await users.add(ANA, SECRET)
    for number in range(30):
        with pytest.raises(SignInRefused):
            await users.sign_in(f"guess{number}", OTHER, HERE)
    with pytest.raises(TooManyTries):
        await users.sign_in("ana", SECRET, HERE)
    assert await users.sign_in("ana", SECRET, "192.0.2.2"), "others are not kept out"


async def test_logins_that_nobody_has_are_slowed_down_in_the_same_way(users):
    for number in range(10):
        with pytest.raises(SignInRefused):
            await users.sign_in("nobody", OTHER, f"192.0.2.{number}")
    with pytest.raises(TooManyTries):
        await users.sign_in("nobody", OTHER, HERE)


async def test_right_passwords_are_never_too_many(users):
    await users.add(ANA, SECRET)
    for _ in range(40):
        await users.sign_in("ana", SECRET, HERE)


async def test_a_digest_of_old_parameters_is_made_anew_at_the_next_sign_in(users, records, clock):
    added = await users.add(ANA, SECRET)
    stronger = Users(records, PasswordRules(), PasswordDigests(2, 64, 1), clock)
    assert await stronger.sign_in("ana", SECRET, HERE) == added
    assert "t=2" in (await records.read("user/ana")).value["digest"]
    assert await stronger.sign_in("ana", SECRET, HERE) == added


async def test_what_a_provider_says_is_kept_and_renewed(users):
    login = "openid:" + "0" * 32
    first = await users.signed_in_upstream(replace(ANA, login=login, upstream="https://id.example"))
    again = await users.signed_in_upstream(replace(ANA, login=login, upstream="https://id.example"))
    assert first == again
    demoted = await users.signed_in_upstream(
        replace(ANA, login=login, roles=frozenset({"read"}), upstream="https://id.example")
    )
    assert demoted.subject == first.subject and demoted.epoch != first.epoch
    with pytest.raises(InvalidUser, match=r"id\.example"):
        await users.change_password(login, OTHER)
    await users.disable(login)
    with pytest.raises(SignInRefused):
        await users.signed_in_upstream(replace(ANA, login=login, upstream="https://id.example"))


async def test_nobody_gives_themselves_the_login_of_somebody_at_a_provider(users):
    with pytest.raises(InvalidUser):
        checked(replace(ANA, login="openid:ana"))


@pytest.mark.parametrize(
    ("members", "word"),
    [
        ({"login": "a b"}, "login"),
        ({"login": ""}, "login"),
        ({"name": " "}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"roles": frozenset({"root"})}, "role 'root'"),
        ({"fhir_user": "Practitioner"}, "fhirUser"),
        ({"fhir_user": "Device/1"}, "fhirUser"),
        ({"patients": ("Observation/1",)}, "patients"),
        ({"source": ""}, "source"),
    ],
)
def test_what_is_wrong_about_a_user_is_named(members, word):
    with pytest.raises(InvalidUser, match=word):
        checked(replace(ANA, **members))


def test_only_privacy_officers_by_name_are_privacy_officers():
    admin = replace(ANA, roles=frozenset({"admin"}))
    assert admin.may("operator") and not admin.may("privacy")
    assert replace(ANA, roles=frozenset({"privacy"})).may("privacy")


def test_who_treats_people_may_choose_any_patient():
    assert ANA.sees_any_patient and not PAT.sees_any_patient
    assert replace(PAT, patients=("*",)).sees_any_patient


def test_a_user_speaks_as_a_source_of_the_settings():
    source = Source("operator", "operator")
    principal = ANA.principal({"operator": source})
    assert principal is not None and principal.source is source and principal.may("operator")
    assert ANA.principal({}) is None
    assert PAT.principal({"operator": source}) is None
