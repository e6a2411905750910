"""What all pages of the console share: templates, headers, the session's guard, and the way to the operations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.templating import Jinja2Templates

from fhirserver.access.audit.event import PAGE, Event
from fhirserver.access.browser_sessions import form_is_ours
from fhirserver.access.cookies import is_from_elsewhere
from fhirserver.console.beneath import HOME as HOME
from fhirserver.console.beneath import TemplatesBeneath
from fhirserver.console.queue import ReviewQueue
from fhirserver.console.queue_filter import Reviewer
from fhirserver.console.sessions import Session, Sessions
from fhirserver.interactions.exchange import Context, Result
from fhirserver.interactions.exchange import Request as FhirRequest
from fhirserver.interactions.noting import ORIGIN, Origin, dispatch_noted
from fhirserver.interactions.registry import Registry
from fhirserver.kernel.correlation import REQUEST
from fhirserver.kernel.ids import new_id
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Refusal
from fhirserver.search.expression import And, Query, ReferenceIs, SortKey, TokenIs
from fhirserver.world.vocabulary import OPERATOR_ACTION, verification_status

HERE = Path(str(files("fhirserver.console")))
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",
}
_ACTS = 1000
Page = Callable[[Request, Session], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


class Desk:
    """The operators' desk: what the handlers of all pages work with. ``prefix``: see ``beneath``."""

    def __init__(self, context: Context, registry: Registry, sessions: Sessions, prefix: str = ""):
        self.context, self.registry, self.sessions, self.prefix = context, registry, sessions, prefix
        self.queue = ReviewQueue(context.store)
        self._templates = Jinja2Templates(directory=HERE / "templates")
        self._templates.env.loader = TemplatesBeneath(HERE / "templates", prefix)
        self._templates.env.filters.update(when=when, status=verification_status, beneath=self.beneath)
        self._templates.env.trim_blocks = self._templates.env.lstrip_blocks = True

    def beneath(self, address: str) -> str:
        """An address of the console as others find it; an empty one stays empty."""
        return f"{self.prefix}{address}" if address else ""

    def page(
        self, request: Request, name: str, session: Session | None, status: int = 200, **values: object
    ) -> Response:
        """A page or a fragment of one."""
        messages = self.context.messages
        shared = {
            "session": session,
            "position": self.context.store.head,
            "here": self.beneath(request.url.path),
            "workspace": self.prefix.rpartition("/")[2],
            "calling": self.context.live is not None,
            "directing": self.context.agents is not None,
            "browsing": self.context.browsing is not None,
            "listening": messages is not None and messages.present,
        }
        return self._templates.TemplateResponse(request, name, {**shared, **values}, status, headers=HEADERS)

    def signed_in(self, page: Page) -> Endpoint:
        """A handler that only operators reach."""

        async def guarded(request: Request) -> Response:
            session = await self.sessions.of(request)
            origin = Origin(request.client.host if request.client else "", REQUEST.get() or new_id())
            ORIGIN.set(origin)
            asked = f"{request.method} {request.url.path}?{request.url.query}".rstrip("?")
            event = Event(PAGE, query=asked[:2000], address=origin.address)
            event = event._replace(request=origin.number)
            if session is None:
                self.context.audit.note(event._replace(status=401, issue="login"))
                return await self._to_sign_in(request)
            answer = await page(request, session)
            self.context.audit.note(event._replace(status=answer.status_code).by(session.principal))
            return answer

        return guarded

    def sent_from_here(self, page: Page) -> Endpoint:
        """A handler that only operators reach, by a form that a page of their session had."""

        async def guarded(request: Request, session: Session) -> Response:
            form = await request.form()
            if is_from_elsewhere(request.headers) or not form_is_ours(
                session.form_token, str(form.get("form_token", ""))
            ):
                return self.page(request, "nothing.html", session, 403)
            return await page(request, session)

        return self.signed_in(guarded)

    async def _to_sign_in(self, request: Request) -> Response:
        wanted = request.url.path if request.method == "GET" and not from_htmx(request) else HOME
        ended = "ended=1&" if await self.sessions.ended(request) else ""
        place = f"{HOME}?{ended}next={quote(wanted, safe='')}"
        if from_htmx(request):
            return Response(status_code=204, headers={**HEADERS, "HX-Redirect": place})
        return RedirectResponse(place, 303, HEADERS)

    def reviewer(self, session: Session) -> Reviewer:
        """Who looks at the queue now."""
        return Reviewer(session.principal.name, instant(self.context.clock.now()))

    async def read(self, session: Session, type: str, id: str) -> Result:
        """A resource as the operator may read it."""
        request = FhirRequest(session.principal, "GET", type, id)
        return await dispatch_noted(self.context, self.registry, request)

    async def search(self, session: Session, type: str, *params: tuple[str, str]) -> list[JsonObject]:
        """The first page of a search as the operator may make it. Raises what it refuses."""
        request = FhirRequest(session.principal, "GET", type, params=params)
        bundle = loads((await dispatch_noted(self.context, self.registry, request)).body)
        found = (entry["resource"] for entry in bundle.get("entry", ()))
        return [one for one in found if one["resourceType"] == type]

    async def acts(self, type: str, id: str) -> list[JsonObject]:
        """The AuditEvents of what operators did with a resource, the oldest first: no others, and of no other audit.

        Whoever may read the resource may know this of it; all else is for those who read the audit.
        """
        about = And((ReferenceIs("entity", type, id), TokenIs("subtype", OPERATOR_ACTION, None)))
        asked = Query("AuditEvent", about, (SortKey("date", "date"),), count=_ACTS)
        page = await self.context.whole.store.search(asked)
        return [loads(version.content) for version in page.versions]

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
        return await dispatch_noted(self.context, self.registry, request)


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
