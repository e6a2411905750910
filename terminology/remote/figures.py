"""What is counted about the other server."""

from __future__ import annotations

import threading
from typing import Final

from fhirserver.kernel.measures import Counter, Histogram

OPERATIONS: Final = ("validate-code", "lookup", "expand", "subsumes", "translate", "capabilities")
OUTCOMES: Final = ("answered", "kept", "unknown", "timeout", "failed", "paused")

ASKED: Final = Counter(
    "credence_terminology_remote_total",
    "Questions for the other terminology server, by operation and what came of them",
    ("operation", "outcome"),
)
DURATION: Final = Histogram(
    "credence_terminology_remote_seconds",
    "How long the other terminology server took to answer",
    ("operation",),
)
_lock = threading.Lock()


def begin() -> None:
    """Have all series in place: afterwards they are counted from other threads."""
    for operation in OPERATIONS:
        DURATION.at((operation,))
        for outcome in OUTCOMES:
            ASKED.at((operation, outcome))


def count(operation: str, outcome: str) -> None:
    with _lock:
        ASKED.add(operation, outcome)


def took(operation: str, seconds: float) -> None:
    with _lock:
        DURATION.observe(seconds, operation)
