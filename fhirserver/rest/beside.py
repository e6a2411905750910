"""What the audit notes of requests beside FHIR: live calls, recordings."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from fhirserver.access.audit.event import Event
from fhirserver.access.principals import Principal
from fhirserver.kernel.outcomes import Refusal


def beside(what: str, asked: HTTPConnection, principal: Principal | None, done: int | Refusal = 200) -> Event:
    """The event of a request that was answered with a status, or refused."""
    method = asked.scope.get("method", "")
    query = f"?{asked.url.query}" if asked.url.query else ""
    event = Event(
        what,
        query=f"{method} {asked.url.path}{query}".strip()[:2000],
        status=done.category.value if isinstance(done, Refusal) else done,
        issue=done.issues[0].code if isinstance(done, Refusal) else "",
        address=asked.client.host if asked.client else "",
        request=asked.headers.get("x-request-id", "")[:128],
    )
    return event.by(principal) if principal is not None else event
