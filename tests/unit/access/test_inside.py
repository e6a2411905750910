"""Principals of the server's own process."""

from __future__ import annotations

import pytest

from fhirserver.access.inside import InsidePrincipals
from fhirserver.access.principals import Principal, Principals, token_digest
from fhirserver.kernel.outcomes import Refusal
from fhirserver.world.sources import Source

CHAT = Principal("chat", Source("voice-agent", "agent"), frozenset({"read"}))
EHR = Principal("ehr", Source("ehr", "ehr"), frozenset({"write"}))


def test_who_was_let_in_is_known_by_the_token_and_so_are_those_around() -> None:
    principals = InsidePrincipals(Principals([(token_digest("theirs"), EHR)]))
    token = principals.admit(CHAT)
    assert principals.authenticate(f"Bearer {token}") is CHAT
    assert principals.authenticate("Bearer theirs") is EHR
    assert principals.of_digest(token_digest(token)) is CHAT
    assert principals.of_digest(token_digest("theirs")) is EHR


def test_each_token_is_fresh_and_of_no_use_elsewhere() -> None:
    here, there = InsidePrincipals(Principals(())), InsidePrincipals(Principals(()))
    token = here.admit(CHAT)
    assert here.admit(CHAT) != token
    with pytest.raises(Refusal):
        there.authenticate(f"Bearer {token}")
