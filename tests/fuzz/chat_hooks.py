"""What schemathesis does at ``/chat`` beside its own: most requests name conversations that exist.

They are the user's own, those of others, and those that requests begin meanwhile. What is another user's must look
like what is not there.
"""

from __future__ import annotations

import json
import os
import random
from typing import Any

import schemathesis

from tests.fuzz.existing import Existing

_existing = Existing()
_chance = random.Random(1)
_over = json.loads(os.environ.get("CREDENCE_FUZZ_OVER", '["none"]'))
_foreign = frozenset(json.loads(os.environ.get("CREDENCE_FUZZ_FOREIGN", "[]")))


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Name what exists; what is streamed for as long as it goes on is one that is over."""
    _existing.put_into(case)
    streams = "stream" in str((case.headers or {}).get("Accept", "")) or "ndjson" in str(case.headers)
    if case.path.endswith("/events") and streams and case.path_parameters:
        case.path_parameters = {**case.path_parameters, "conversation": _chance.choice(_over)}


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Learn what exists by now."""
    _existing.learn(case, response)


@schemathesis.check
def others_are_not_there(context: Any, response: Any, case: Any) -> None:
    """A conversation of another user is answered as one that is none."""
    if (case.path_parameters or {}).get("conversation") in _foreign and response.status_code < 400:
        raise AssertionError(f"another user's conversation was answered {response.status_code}")
