"""What schemathesis checks of ``/platform`` beside its own: nothing is done for a role without the right.

Most requests name what exists, so that a role that may not is refused for its right alone.
"""

from __future__ import annotations

import os
from typing import Any

import schemathesis

from tests.fuzz.existing import Existing

_existing = Existing()
_NOT_HEARD = frozenset({400, 401, 403, 404, 405, 408, 413, 429})
"""Refused before anything is done, whatever was asked."""


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Name what exists."""
    _existing.put_into(case)


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Learn what exists by now."""
    _existing.learn(case, response)


@schemathesis.check
def right_is_enforced(context: Any, response: Any, case: Any) -> None:
    """An operation whose right the role has not is refused."""
    role = os.environ["CREDENCE_FUZZ_ROLE"]
    raw = case.operation.schema.raw_schema
    right = case.operation.definition.raw.get("x-credence-right")
    if right is None or case.method.upper() != case.operation.method.upper():
        return
    if right not in raw["x-credence-roles"][role] and response.status_code not in _NOT_HEARD:
        raise AssertionError(
            f"the role {role} was answered {response.status_code}: it has no right '{right}'"
        )
