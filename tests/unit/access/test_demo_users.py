"""Visitors of the demo: the same one by the same token, and nobody in particular."""

from __future__ import annotations

import pytest

from fhirserver.access.app_users import AppUserTokens
from fhirserver.access.demo_users import DemoUsers
from fhirserver.kernel.outcomes import Refusal

VISITOR = "0123456789abcdef" * 2


async def test_a_visitor_is_known_again_and_is_nobody() -> None:
    demo = DemoUsers()
    users = demo.service().users
    assert users is not None and not users.trusts_patient
    user = await AppUserTokens().user(demo.token(VISITOR), users)
    assert (user.subject, user.patient, user.phone) == (VISITOR, "", "")


async def test_another_process_takes_no_such_token() -> None:
    users = DemoUsers().service().users
    assert users is not None
    with pytest.raises(Refusal):
        await AppUserTokens().user(DemoUsers().token(VISITOR), users)


@pytest.mark.parametrize("name", ["", "eve", VISITOR.upper(), VISITOR + "0", "../" + VISITOR[3:]])
def test_a_visitor_has_a_random_name(name: str) -> None:
    with pytest.raises(Refusal):
        DemoUsers().token(name)
