"""A refusal as a problem: https://www.rfc-editor.org/rfc/rfc9457"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fhirserver.kernel.json import JsonObject, dumps
from fhirserver.kernel.outcomes import Refusal

PROBLEM: Final = "application/problem+json"
TYPES: Final = "https://credence.health/problems/"
"""Before the code of a problem that has one of its own, in its ``type``."""


def problem_body(refusal: Refusal) -> bytes:
    """Its first issue as the title; what has a place, with it."""
    errors = [{"pointer": where, "detail": i.diagnostics} for i in refusal.issues for where in i.expression]
    return described(refusal.category.value, refusal.issues[0].diagnostics, errors, refusal.problem)


def described(status: int, title: str, errors: Sequence[JsonObject] = (), code: str = "") -> bytes:
    """``errors``: each with ``pointer`` (where, as a JSON Pointer or a parameter's name) and ``detail``; ``code`` tells
    it from others of the same status."""
    kind = f"{TYPES}{code}" if code else "about:blank"
    body: JsonObject = {"type": kind, "status": status, "title": title}
    if errors:
        body["errors"] = list(errors)
    return dumps(body)
