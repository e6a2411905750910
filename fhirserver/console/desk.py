"""What all pages of the console share: templates, headers, the session's guard, and the way to the operations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from fastapi.templating import Jinja2Templates

from fhirserver.console.queue import ReviewQueue
from fhirserver.console.queue_filter import Reviewer
from fhirserver.console.sessions import Session, Sessions, form_is_ours
from fhirserver.interactions.exchange import Context, Result
from fhirserver.interactions.exchange import Request as FhirRequest
from fhirserver.interactions.registry import Registry
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Refusal
from fhirserver.world.vocabulary import verification_status

HERE = Path(str(files("fhirserver.console")))
HOME = "/console"
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
Page = Callable[[Request, Session], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


class Desk:
    """The operators' desk: what the handlers of all pages work with."""

    def __init__(self, context: Context, registry: Registry, sessions: Sessions):
        self.context, self.registry, self.sessions = context, registry, sessions
        self.queue = ReviewQueue(context.store)
        self._templates = Jinja2Templates(directory=HERE / "templates")
        self._templates.env.filters.update(when=when, status=verification_status)
        self._templates.env.trim_blocks = self._templates.env.lstrip_blocks = True

    def page(
        self, request: Request, name: str, session: Session | None, status: int = 200, **values: object
    ) -> Response:
        """A page or a fragment of one."""
        messages = self.context.messages
        shared = {
            "session": session,
            "position": self.context.store.head,
            "here": request.url.path,
            "listening": messages is not None and messages.present,
        }
        return self._templates.TemplateResponse(request, name, {**shared, **values}, status, headers=HEADERS)

    def signed_in(self, page: Page) -> Endpoint:
        """A handler that only operators reach."""

        async def guarded(request: Request) -> Response:
            session = self.sessions.of(request)
            return await page(request, session) if session else self._to_sign_in(request)

        return guarded

    def sent_from_here(self, page: Page) -> Endpoint:
        """A handler that only operators reach, by a form that a page of their session had."""

        async def guarded(request: Request, session: Session) -> Response:
            form = await request.form()
            if not form_is_ours(session, str(form.get("form_token", ""))):
                return self.page(request, "nothing.html", session, 403)
            return await page(request, session)

        return self.signed_in(guarded)

    def _to_sign_in(self, request: Request) -> Response:
        wanted = request.url.path if request.method == "GET" and not from_htmx(request) else HOME
        place = f"{HOME}?{'ended=1&' if self.sessions.ended(request) else ''}next={quote(wanted, safe='')}"
        if from_htmx(request):
            return Response(status_code=204, headers={**HEADERS, "HX-Redirect": place})
        return RedirectResponse(place, 303, HEADERS)

    def reviewer(self, session: Session) -> Reviewer:
        """Who looks at the queue now."""
        return Reviewer(session.principal.name, instant(self.context.clock.now()))

    async def read(self, session: Session, type: str, id: str) -> Result:
        """A resource as the operator may read it."""
        return await self.registry.dispatch(self.context, FhirRequest(session.principal, "GET", type, id))

    async def invoke(
        self, session: Session, type: str, id: str, name: str, *parameters: JsonObject, seen: str = ""
    ) -> Result:
        """An operation of the registry, asked for by the operator. Raises what it refuses.

        With ``seen`` it is refused where the resource has another version than this by now.
        """
        body: JsonObject = {"resourceType": "Parameters"}
        if parameters:
            body["parameter"] = list(parameters)
        headers = {"if-match": f'W/"{seen}"'} if seen else {}
        request = FhirRequest(
            session.principal, "POST", type, id, operation=f"${name}", headers=headers, body=body
        )
        return await self.registry.dispatch(self.context, request)


def from_htmx(request: Request) -> bool:
    """Whether a script of ours asks for a fragment, rather than the browser for a page."""
    return request.headers.get("hx-request") == "true"


def strings(name: str, values: Sequence[str]) -> list[JsonObject]:
    """Parameters of an operation, one for each text."""
    return [{"name": name, "valueString": value} for value in values]


def words_of(refusal: Refusal) -> str:
    """What a refusal says, for an operator."""
    return "; ".join(issue.diagnostics for issue in refusal.issues)


def when(instant: str, seconds: bool = False) -> str:
    """An instant as the pages write it, in UTC."""
    return f"{instant[: 19 if seconds else 16].replace('T', ' ')}{' UTC' if len(instant) > 10 else ''}"


async def given(request: Request, *names: str) -> Mapping[str, list[str]]:
    """The texts of a form under some names, without empty ones."""
    form = await request.form()
    return {name: [str(v) for v in form.getlist(name) if str(v).strip()] for name in names}


async def fields(request: Request) -> dict[str, str]:
    """All single texts of a form."""
    form: Any = await request.form()
    return {str(name): str(value) for name, value in form.items()}
