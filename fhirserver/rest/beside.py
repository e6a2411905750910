"""What the audit notes of requests beside FHIR: live calls and recordings, and of all else what is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import HTTPConnection

from fhirserver.access.audit.event import ANSWERING, BESIDE, Audit, Event, Noted
from fhirserver.access.principals import Principal
from fhirserver.kernel.correlation import REQUEST, is_well_formed
from fhirserver.kernel.outcomes import Refusal
from fhirserver.rest.front import WHY

_MOST_TEXT = 2000


def beside(what: str, asked: HTTPConnection, principal: Principal | None, done: int | Refusal = 200) -> Event:
    """The event of a request that was answered with a status, or refused."""
    status = done.category.value if isinstance(done, Refusal) else done
    event = _event(what, asked.scope, status)
    if isinstance(done, Refusal):
        event = event._replace(issue=done.issues[0].code)
    return event.by(principal) if principal is not None else event


def number_of(asked: HTTPConnection) -> str:
    """Under which number a request stands in the answer, in the log and in the audit: its own where that may be."""
    given = asked.headers.get("x-request-id", "")
    return REQUEST.get() or (given if is_well_formed(given) else "")


def _event(what: str, scope: Any, status: int) -> Event:
    asked = HTTPConnection(scope)
    query = f"?{asked.url.query}" if asked.url.query else ""
    return Event(
        what,
        query=f"{scope.get('method', '')} {asked.url.path}{query}".strip()[:_MOST_TEXT],
        status=status,
        address=asked.client.host if asked.client else "",
        request=number_of(asked),
    )


async def noting_refusals(
    application: Callable[[Any, Any, Any], Awaitable[None]], audit: Audit, scope: Any, receive: Any, send: Any
) -> None:
    """Serve a request. A refusal of which nothing was noted is noted, before it is told."""
    noted = Noted()
    ANSWERING.set(noted)

    async def sending(message: Any) -> None:
        status = message.get("status", 0) if message["type"] == "http.response.start" else 0
        if 400 <= status < 500 and not noted.any:
            audit.note(_event(BESIDE, scope, status)._replace(issue=scope.get(WHY, "")))
        await send(message)

    await application(scope, receive, sending)
