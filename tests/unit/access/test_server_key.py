"""Secrets that are derived from the server's key, and the tokens that open sockets."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from fhirserver.access.binding_tokens import Binding, BindingTokens, InvalidToken
from fhirserver.access.desk_passes import CallPasses, DeskPasses
from fhirserver.access.owners import Owner
from fhirserver.access.server_key import FormerKey, ServerKey, signing_secret, signing_secrets
from fhirserver.kernel.instants import FixedClock
from subscriptions.channels.signing import signature

KEY = ServerKey(b"k" * 32)
ANA, BEN = Owner("ana"), Owner("ben")


def test_a_key_of_less_than_32_bytes_is_none():
    with pytest.raises(ValueError, match="32"):
        ServerKey(b"short")


def test_every_purpose_and_name_has_a_secret_of_its_own():
    names = [("a", "b"), ("ab",), ("a", "", "b"), ("a",), ("b", "a"), ("a", "b", "")]
    assert len({KEY.derive(*name) for name in names}) == len(names)
    assert KEY.derive("a", "b") == ServerKey(b"k" * 32).derive("a", "b")
    assert KEY.derive("a") != ServerKey.random().derive("a")


def test_the_key_is_not_shown():
    assert "k" * 8 not in repr(KEY)
    secrets = [
        signing_secret(KEY, "s1", ANA),
        signing_secret(KEY, "s2", ANA),
        signing_secret(KEY, "s1", BEN),
        signing_secret(KEY, "s1", Owner("ana", "ana")),
        signing_secret(KEY, "s1", Owner("ana", "app", "g1")),
        signing_secret(KEY, "s1", Owner("ana", "app", "g2")),
    ]
    assert len(set(secrets)) == 6 and all(one.startswith("whsec_") for one in secrets)


@pytest.fixture
def clock():
    return FixedClock(datetime(2026, 11, 28, 12, tzinfo=UTC))


def test_a_token_says_whose_it_is_and_what_for_until_it_expires(clock):
    token, expires = BindingTokens(KEY, clock).issue(ANA, ("s1", "s2"), seconds=60)
    other_process = BindingTokens(ServerKey(b"k" * 32), clock)
    assert other_process.read(token) == Binding(ANA, ("s1", "s2"), expires)
    assert expires == clock.at.timestamp() + 60
    clock.at += timedelta(seconds=60)
    with pytest.raises(InvalidToken, match="expired"):
        other_process.read(token)


def test_nothing_else_is_a_token(clock):
    tokens = BindingTokens(KEY, clock)
    token, _ = tokens.issue(ANA, ("s1",))
    said, _, seal = token.partition(".")
    other, _ = tokens.issue(BEN, ("s2",))
    foreign, _ = BindingTokens(ServerKey.random(), clock).issue(ANA, ("s1",))
    broken = [
        "",
        ".",
        "a.b",
        "ä.ö",
        said,
        f"{said}.",
        f"{other.partition('.')[0]}.{seal}",
        foreign,
        token[:-2],
    ]
    for wrong in (*broken, "x" * 100_000, f"{said}.{seal}.{seal}"):
        with pytest.raises(InvalidToken, match="not a token"):
            tokens.read(wrong)


def test_a_token_is_for_some_subscriptions_and_not_for_any_number(clock):
    with pytest.raises(ValueError, match="100"):
        BindingTokens(KEY, clock).issue(ANA, ())
    with pytest.raises(ValueError, match="100"):
        BindingTokens(KEY, clock).issue(ANA, ["s"] * 101)


OLD, NEW = b"o" * 32, b"n" * 32


def test_what_a_former_key_made_is_taken_until_its_time_is_over(clock):
    at = clock.at.timestamp()
    now = [at]
    rotated = ServerKey(NEW, [FormerKey(OLD, at + 60)], lambda: now[0])
    old, new = ServerKey(OLD), ServerKey(NEW)

    token, _ = BindingTokens(old, clock).issue(ANA, ("s1",))
    desk = DeskPasses(old, lambda: now[0]).issue("ana")
    call = CallPasses(old, lambda: now[0]).issue("ana", "c1")
    assert BindingTokens(rotated, clock).read(token).owner == ANA
    assert DeskPasses(rotated, lambda: now[0]).operator(desk) == "ana"
    assert CallPasses(rotated, lambda: now[0]).redeem(call, "ana", "c1")
    assert BindingTokens(new, clock).read(BindingTokens(rotated, clock).issue(ANA, ("s1",))[0])
    assert signing_secrets(rotated, "s", ANA) == (
        signing_secret(new, "s", ANA),
        signing_secret(old, "s", ANA),
    )

    now[0] = at + 60
    with pytest.raises(InvalidToken, match="not a token"):
        BindingTokens(rotated, clock).read(token)
    fresh = DeskPasses(old, lambda: now[0]).issue("ana")
    assert DeskPasses(rotated, lambda: now[0]).operator(fresh) == ""
    assert signing_secrets(rotated, "s", ANA) == (signing_secret(new, "s", ANA),)


def test_notifications_have_a_signature_by_each_key():
    secrets = [one.encode() for one in signing_secrets(ServerKey(NEW, [FormerKey(OLD, 2e10)]), "s", ANA)]
    parts = [part.split("=", 1) for part in signature(secrets, b"body", 1795867620).split(",")]
    assert [name for name, _ in parts] == ["t", "v1", "v1"]
    for secret, (_, value) in zip(secrets, parts[1:], strict=True):
        assert value == hmac.new(secret, b"1795867620.body", hashlib.sha256).hexdigest()
    assert "nnnn" not in repr(FormerKey(NEW, 1)) and "oooo" not in repr(ServerKey(OLD))
