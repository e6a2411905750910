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


def console(context: Context, registry: Registry, principals: Principals) -> APIRouter:
    """The router of all console pages."""
    router = APIRouter(prefix="/console")
    sessions = Sessions(principals)
    templates = Jinja2Templates(directory=_HERE / "templates")

    def page(
        request: Request, name: str, session: Session | None, status: int = 200, **values: object
    ) -> Response:
        values = {"session": session, **values}
        return templates.TemplateResponse(request, name, values, status, headers=HEADERS)

    @router.get("", response_class=HTMLResponse)
    async def review_queue(request: Request) -> Response:
        session = sessions.of(request)
        if session is None:
            return page(request, "sign_in.html", None)
        return page(request, "queue.html", session, items=await queue(context))

    @router.post("/sign-in")
    async def sign_in(request: Request, token: Annotated[str, Form()]) -> Response:
        id = sessions.sign_in(token)
        if id is None:
            wrong = "This token is not known, or lacks the operator role."
            return page(request, "sign_in.html", None, 403, wrong=wrong)
        answer = RedirectResponse("/console", 303)
        secure = request.url.scheme == "https"
        answer.set_cookie(
            COOKIE, id, SECONDS, httponly=True, samesite="strict", secure=secure, path="/console"
        )
        return answer

    @router.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        sessions.sign_out(request)
        return RedirectResponse("/console", 303)

    @router.get("/review/{id}", response_class=HTMLResponse)
    async def review_item(request: Request, id: str) -> Response:
        session = sessions.of(request)
        if session is None:
            return RedirectResponse("/console", 303)
        item = await shown(context, id)
        if item is None:
            return page(request, "nothing.html", session, 404)
        return page(request, "item.html", session, item=item, wrong="")

    @router.post("/review/{id}/{decision}")
    async def decide(request: Request, id: str, decision: str) -> Response:
        session = sessions.of(request)
        if session is None:
            return RedirectResponse("/console", 303)
        form = await request.form()
        if decision not in DECISIONS or not form_is_ours(session, str(form.get("form_token", ""))):
            return page(request, "nothing.html", session, 403)
        given = {name: [str(v) for v in form.getlist(name) if str(v)] for name in ("unit", "reason", "value")}
        try:
            await registry.dispatch(context, _operation(session, id, decision, given))
        except Refusal as refusal:
            item = await shown(context, id)
            wrong = "; ".join(issue.diagnostics for issue in refusal.issues)
            if item is None:
                return page(request, "nothing.html", session, 404)
            return page(request, "item.html", session, refusal.category.value, item=item, wrong=wrong)
        stays = decision in ("claim", "release")
        return RedirectResponse(f"/console/review/{id}" if stays else "/console", 303)

    return router


def _operation(session: Session, id: str, name: str, given: dict[str, list[str]]) -> FhirRequest:
    parameters = [{"name": key, "valueString": value} for key, values in given.items() for value in values]
    body: JsonObject = {"resourceType": "Parameters", "parameter": parameters}
    if not parameters:
        body = {"resourceType": "Parameters"}
    return FhirRequest(session.principal, "POST", "Task", id, operation=f"${name}", body=body)
