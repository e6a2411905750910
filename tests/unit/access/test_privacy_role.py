"""The role of those who read the audit is the one that admin does not include."""

from __future__ import annotations

import pytest

from fhirserver.access.principals import PRIVACY, ROLES, Principal, require
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.world.sources import Source


def principal(*roles: str) -> Principal:
    return Principal("somebody", Source("office"), frozenset(roles))


def test_admin_may_all_but_read_the_audit() -> None:
    assert all(principal("admin").may(role) for role in ROLES - {PRIVACY})
    with pytest.raises(Refusal) as refused:
        require(principal("admin"), PRIVACY)
    assert refused.value.category is Category.FORBIDDEN


def test_the_audit_is_read_by_who_has_the_role_and_he_may_nothing_else() -> None:
    officer = principal(PRIVACY)
    assert [role for role in sorted(ROLES) if officer.may(role)] == [PRIVACY]
    assert principal("admin", PRIVACY).may(PRIVACY)
