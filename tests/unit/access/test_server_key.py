"""Secrets that are derived from the server's key, and the tokens that open sockets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fhirserver.access.binding_tokens import Binding, BindingTokens, InvalidToken
from fhirserver.access.server_key import ServerKey, signing_secret
from fhirserver.kernel.instants import FixedClock

KEY = ServerKey(b"k" * 32)


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
        signing_secret(KEY, "s1", "ana"),
        signing_secret(KEY, "s2", "ana"),
        signing_secret(KEY, "s1", "ben"),
    ]
    assert len(set(secrets)) == 3 and all(one.startswith("whsec_") for one in secrets)


@pytest.fixture
def clock():
    return FixedClock(datetime(2026, 11, 28, 12, tzinfo=UTC))


def test_a_token_says_whose_it_is_and_what_for_until_it_expires(clock):
    token, expires = BindingTokens(KEY, clock).issue("ana", ("s1", "s2"), seconds=60)
    other_process = BindingTokens(ServerKey(b"k" * 32), clock)
    assert other_process.read(token) == Binding("ana", ("s1", "s2"), expires)
    assert expires == clock.at.timestamp() + 60
    clock.at += timedelta(seconds=60)
    with pytest.raises(InvalidToken, match="expired"):
        other_process.read(token)


def test_nothing_else_is_a_token(clock):
    tokens = BindingTokens(KEY, clock)
    token, _ = tokens.issue("ana", ("s1",))
    said, _, seal = token.partition(".")
    other, _ = tokens.issue("ben", ("s2",))
    foreign, _ = BindingTokens(ServerKey.random(), clock).issue("ana", ("s1",))
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
        BindingTokens(KEY, clock).issue("ana", ())
    with pytest.raises(ValueError, match="100"):
        BindingTokens(KEY, clock).issue("ana", ["s"] * 101)
