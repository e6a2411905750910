"""What is refused because it would harm others stands in the log: too large, too slow, too costly."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fhirserver.kernel.outcomes import Category, Issue, Refusal

log = logging.getLogger("credence.defence")

_NOTED = frozenset({Category.TIMEOUT, Category.TOO_LARGE, Category.URI_TOO_LONG, Category.HEADERS_TOO_LARGE})


def note(refusal: Refusal, scope: Mapping[str, Any]) -> None:
    """Log a refusal that an operator may want to know of: who, how it was answered, why. Nothing of the request."""
    if refusal.category in _NOTED:
        note_issue(refusal.category, refusal.issues[0], scope.get("client"))


def note_issue(category: Category, issue: Issue, client: tuple[str, int] | None) -> None:
    """The same of what never became a request. ``client`` is its address and port."""
    log.warning(
        "refused %s: %d %s", client[0][:64] if client else "a client", category.value, issue.diagnostics
    )
