"""Which passwords may be chosen, and how they are kept."""

from __future__ import annotations

import pytest

from fhirserver.access.passwords import PasswordDigests, PasswordRules, UnfitPassword

GOOD = "heron lamp quarry 7"


@pytest.fixture
def digests():
    return PasswordDigests(time_cost=1, memory_kib=64, parallelism=1)


@pytest.mark.parametrize(
    "password",
    [GOOD, "ᚠᚢᚦᚨᚱᚲ ᚷᚹᚺᚾᛁᛃ ᛇ", "x9$Lw0!pQz72mVt", "correct horse battery staple"],
)
def test_a_long_one_of_ones_own_may_be_chosen(password):
    PasswordRules().check(password, ("ana", "Ana Ruiz"))


@pytest.mark.parametrize(
    ("password", "word"),
    [
        ("heron lamp 7", "at least 15"),
        ("h" * 257, "at most 256"),
        ("aaaaaaaaaaaaaaaaaaaa", "repeats"),
        ("1q2w3e4r5t6y7u8i9o0p", "many people"),
        ("passwordpassword", "many people"),
        ("Password1234567", "many people"),
        ("qwertyuiopasdfgh", "many people"),
        ("987654321098765", "many people"),
        ("abc123abc123abc1", "many people"),
        ("sunshineprincess", "many people"),
        ("ana.ruiz.credence7", "your own name"),
    ],
)
def test_what_others_would_guess_is_refused(password, word):
    with pytest.raises(UnfitPassword, match=word) as refused:
        PasswordRules().check(password, ("ana.ruiz", "Ana Ruiz"))
    assert password not in str(refused.value)


def test_the_settings_may_ask_for_less_but_not_for_less_than_eight():
    PasswordRules(8).check("k3!wq9zL")
    with pytest.raises(UnfitPassword, match="many people"):
        PasswordRules(8).check("password1")
    with pytest.raises(ValueError, match="8"):
        PasswordRules(7)


async def test_only_the_password_of_a_digest_is_right(digests):
    digest = await digests.make(GOOD)
    assert digest.startswith("$argon2id$") and GOOD not in digest
    assert await digests.verify(digest, GOOD)
    assert not await digests.verify(digest, GOOD + " ")
    assert not await digests.verify(digest, "")
    assert await digests.make(GOOD) != digest


async def test_the_same_characters_written_otherwise_are_the_same_password(digests):
    digest = await digests.make("pass\u00e9 compos\u00e9 7 lamps")
    assert await digests.verify(digest, "passe\u0301 compose\u0301 7 lamps")


async def test_an_empty_digest_is_nobodys_and_costs_as_much(digests, monkeypatch):
    tried = []
    real = digests._hasher.verify
    monkeypatch.setattr(
        type(digests._hasher), "verify", lambda _, *given: tried.append(given[0]) or real(*given)
    )
    assert not await digests.verify("", GOOD)
    assert not await digests.verify("", "the password of nobody at all")
    assert len(tried) == 2 and all(one.startswith("$argon2id$v=19$m=64,t=1,p=1$") for one in tried)


async def test_a_digest_of_other_parameters_is_outdated(digests):
    digest = await digests.make(GOOD)
    assert not digests.is_outdated(digest)
    assert PasswordDigests(time_cost=2, memory_kib=64, parallelism=1).is_outdated(digest)


async def test_a_digest_that_is_none_lets_nobody_in(digests):
    assert not await digests.verify("not a digest", GOOD)


def test_the_parameters_are_those_of_the_rfc():
    hasher = PasswordDigests()._hasher
    assert (hasher.time_cost, hasher.memory_cost, hasher.parallelism) == (3, 65536, 4)
    assert hasher.type.name == "ID"
