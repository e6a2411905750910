"""The console's pages: sign in, the review queue, one item with its provenance diff and decisions."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

from fhirserver.access.principals import Principals
from fhirserver.console.review import queue, shown
from fhirserver.console.sessions import COOKIE, SECONDS, Session, Sessions, form_is_ours
from fhirserver.interactions.exchange import Context
from fhirserver.interactions.exchange import Request as FhirRequest
from fhirserver.interactions.registry import Registry
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Refusal
from fhirserver.world.review import PENDING

_HERE = Path(str(files("fhirserver.console")))
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
DECISIONS = ("approve", "reject", "correct", "claim", "release")


def static_files() -> StaticFiles:
    """Style sheet and pictures."""
    return StaticFiles(directory=_HERE / "static")


def console(
    context: Context, registry: Registry, principals: Principals, folder: Path | None = None
) -> APIRouter:
    """The router of all console pages. ``folder`` keeps the sessions, for several processes."""
    pages = Pages(context, registry, Sessions(principals, folder))
    router = APIRouter(prefix="/console")
    router.get("", response_class=HTMLResponse)(pages.review_queue)
    router.post("/sign-in")(pages.sign_in)
    router.post("/sign-out")(pages.sign_out)
    router.get("/review/{id}", response_class=HTMLResponse)(pages.review_item)
    router.post("/review/{id}/{decision}")(pages.decide)
    return router


class Pages:
    """The pages, each a handler of one route."""

    def __init__(self, context: Context, registry: Registry, sessions: Sessions):
        self._context, self._registry, self._sessions = context, registry, sessions
        self._templates = Jinja2Templates(directory=_HERE / "templates")

    def _page(
        self, request: Request, name: str, session: Session | None, status: int = 200, **values: object
    ) -> Response:
        return self._templates.TemplateResponse(
            request, name, {"session": session, **values}, status, headers=HEADERS
        )

    async def review_queue(self, request: Request) -> Response:
        """What waits for a decision; the sign-in page for a stranger."""
        session = self._sessions.of(request)
        if session is None:
            return self._page(request, "sign_in.html", None)
        return self._page(request, "queue.html", session, items=await queue(self._context))

    async def sign_in(self, request: Request, token: Annotated[str, Form()] = "") -> Response:
        """A cookie for a token with the operator role."""
        id = self._sessions.sign_in(token)
        if id is None:
            wrong = "This token is not known, or lacks the operator role."
            return self._page(request, "sign_in.html", None, 403, wrong=wrong)
        answer = RedirectResponse("/console", 303)
        secure = request.url.scheme == "https"
        answer.set_cookie(
            COOKIE, id, SECONDS, httponly=True, samesite="strict", secure=secure, path="/console"
        )
        return answer

    async def sign_out(self, request: Request) -> Response:
        session = self._sessions.of(request)
        if session is not None and not await _is_ours(session, request):
            return self._page(request, "nothing.html", session, 403)
        self._sessions.sign_out(request)
        answer = RedirectResponse("/console", 303)
        answer.delete_cookie(COOKIE, path="/console")
        return answer

    async def review_item(self, request: Request, id: str) -> Response:
        """One item with its provenance diff."""
        session = self._sessions.of(request)
        if session is None:
            return RedirectResponse("/console", 303)
        return await self._item(request, session, id)

    async def decide(self, request: Request, id: str, decision: str) -> Response:
        """What a form on the item's page asks for, done by the operation of that name."""
        session = self._sessions.of(request)
        if session is None:
            return RedirectResponse("/console", 303)
        if decision not in DECISIONS or not await _is_ours(session, request):
            return self._page(request, "nothing.html", session, 403)
        operation = _operation(session, id, decision, await _given(request))
        try:
            await self._registry.dispatch(self._context, operation)
        except Refusal as refusal:
            wrong = "; ".join(issue.diagnostics for issue in refusal.issues)
            return await self._item(request, session, id, refusal.category.value, wrong)
        done = await shown(self._context, id)
        open = done is not None and done.item.status in PENDING
        return RedirectResponse(f"/console/review/{id}" if open else "/console", 303)

    async def _item(
        self, request: Request, session: Session, id: str, status: int = 200, wrong: str = ""
    ) -> Response:
        item = await shown(self._context, id)
        if item is None:
            return self._page(request, "nothing.html", session, 404)
        return self._page(request, "item.html", session, status, item=item, wrong=wrong)


async def _is_ours(session: Session, request: Request) -> bool:
    """Whether the form was made for this session, not by another site."""
    form = await request.form()
    return form_is_ours(session, str(form.get("form_token", "")))


async def _given(request: Request) -> dict[str, list[str]]:
    form = await request.form()
    return {name: [str(v) for v in form.getlist(name) if str(v)] for name in ("unit", "reason", "value")}


def _operation(session: Session, id: str, name: str, given: dict[str, list[str]]) -> FhirRequest:
    parameters = [{"name": key, "valueString": value} for key, values in given.items() for value in values]
    body: JsonObject = {"resourceType": "Parameters", "parameter": parameters}
    if not parameters:
        body = {"resourceType": "Parameters"}
    return FhirRequest(session.principal, "POST", "Task", id, operation=f"${name}", body=body)
