"""Requests are counted by interaction, category of type and class of status, and may leave a line in the log.

Nothing of a request becomes a label: interactions and operations are those of the registry, types those of R4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fhirserver.interactions.exchange import Request
from fhirserver.kernel.measures import Histogram
from fhirserver.model.categories import category

REQUESTS: Final = Histogram(
    "credence_request_duration_seconds",
    "How long requests took, from their headers to the end of their answers",
    ("interaction", "category", "status"),
)
UNKNOWN: Final = "unknown"
"""No interaction: refused before one was found, or at a URL where there is nothing."""
_AREAS: Final = frozenset(
    {
        *("console", "auth", "live", "recordings", "notify", "webhooks", "metrics", "healthz", "readyz"),
        *("platform", "chat", "forms", "workspaces"),
    }
)
"""What is served beside FHIR, by the first part of the path."""
AccessLine = Callable[[str, str, int, float], None]


class Meter:
    """``line`` writes the line of a request; None where there is none."""

    def __init__(self, line: AccessLine | None = None):
        self._line = line
        self._places: dict[tuple[str, str, int], int] = {}

    def answered(self, method: str, request: Request | None, status: int, seconds: float) -> None:
        """A request of the FHIR edge. ``request``: as far as it was understood."""
        key = (request.code, request.type, status) if request is not None else ("", "", status)
        at = self._places.get(key)
        REQUESTS.note(at if at is not None else self._place(key), seconds)
        if self._line is not None:
            self._line(_known_method(method), template(request), status, seconds)

    def _place(self, key: tuple[str, str, int]) -> int:
        code, type, status = key
        kind = category(type)
        at = REQUESTS.at((code or UNKNOWN, kind or ("none" if not type else UNKNOWN), f"{status // 100}xx"))
        if kind or not type:  # types that R4 has not may be as many as somebody likes
            self._places[key] = at
        return at

    def beside(self, method: str, path: str, status: int, seconds: float) -> None:
        """A request to what is served beside FHIR."""
        area = path.split("/", 2)[1] if "/" in path else ""
        named = area if area in _AREAS else UNKNOWN
        REQUESTS.observe(seconds, f"/{named}", "none", f"{status // 100}xx")
        if self._line is not None:
            self._line(_known_method(method), f"/{named}", status, seconds)


def _known_method(method: str) -> str:
    """A method is what a client writes: only HTTP's own are told."""
    return method if method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "?"


def template(request: Request | None) -> str:
    """The path of a request without what a client chose in it: ``/fhir/Patient/{id}/_history/{version}``."""
    if request is None:
        return "/fhir/?"
    if request.code == "async-status":
        return "/fhir/_async/{id}"
    parts = ["/fhir"]
    if request.compartment is not None:
        parts += [_type(request.compartment.type), "{id}"]
    if request.type:
        parts.append("*" if request.type == "*" else _type(request.type))
    if request.id:
        parts.append("{id}")
    if request.version:
        parts += ["_history", "{version}"]
    if request.operation:
        named = request.operation.startswith("$") and request.code != request.operation
        parts.append("?" if named else _word(request.operation))
    return "/".join(parts)


def _type(type: str) -> str:
    return type if category(type) or type in ("metadata", "openapi.json") else "?"


def _word(operation: str) -> str:
    return operation if operation[:1] == "$" or operation in ("_search", "_history") else "?"
