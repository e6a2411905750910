"""Signing in to let apps act for one: with a login and password, or at the OpenID provider; and out again."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fhirserver.access.audit.event import LOGOUT, Audit
from fhirserver.access.browser_sessions import form_is_ours
from fhirserver.access.cookies import is_from_elsewhere
from fhirserver.access.identity import Identity
from fhirserver.access.sign_in_notes import PASSWORD, PROVIDER, SignInNotes
from fhirserver.access.smart.errors import OAuthError
from fhirserver.access.throttle import TooManyTries
from fhirserver.access.upstream import Return
from fhirserver.access.users import InvalidUser, SignInRefused, User
from fhirserver.kernel.instants import span
from fhirserver.ports.identity_provider import ProviderError, ProviderUnavailable
from fhirserver.rest.smart.forms import fields_of
from fhirserver.rest.smart.look import Look
from fhirserver.rest.smart.pages import CONTINUE
from fhirserver.rest.smart.visitors import Visitors

log = logging.getLogger("credence.signin")
APPS: Final = "/auth/apps"
SIGN_IN, SIGN_OUT = "/auth/sign-in", "/auth/sign-out"
DEPART, BACK = "/auth/provider", "/auth/provider/back"
_FLOW: Final = re.compile(r"[A-Za-z0-9_-]{1,100}\Z")
WRONG: Final = {
    "password": "Login or password is wrong.",
    "form": "This form was too old, or came from another site. Try again.",
    "provider": "You could not be signed in there. Try again, or ask whoever runs it.",
    "provider-down": "The other sign-in does not answer properly now. Try again in a while.",
}
"""What is said on the page, by what the address says."""


class SigningIn:
    """Handlers. ``flow`` is the authorization in progress to go on with; empty: to the person's apps."""

    def __init__(self, identity: Identity, visitors: Visitors, look: Look, audit: Audit):
        self._identity, self._visitors, self._look = identity, visitors, look
        self._notes = SignInNotes(audit, identity.users, "apps")

    def routes(self) -> list[Route]:
        routes = [
            Route(SIGN_IN, self._form, methods=["GET"]),
            Route(SIGN_IN, self._posted(self._sign_in), methods=["POST"]),
            Route(SIGN_OUT, self._posted(self._sign_out), methods=["POST"]),
        ]
        if self._identity.upstream is not None:
            routes += [
                Route(DEPART, self._depart, methods=["GET"]),
                Route(BACK, self._arrive, methods=["GET"]),
            ]
        return routes

    def page(
        self, request: Request, flow: str, *, targets: str = "'self'", app: str = "", other_user: bool = False
    ) -> Response:
        """The sign-in page. ``app``: the name of the app that waits; ``other_user``: somebody else is to sign in."""
        token, cookie = self._visitors.visit(request)
        upstream = self._identity.upstream
        answer = self._look.page(
            request,
            "sign_in.html",
            targets=targets,
            flow=flow,
            app=app,
            other_user=other_user,
            form_token=token,
            wrong=WRONG.get(request.query_params.get("wrong", ""), ""),
            provider=upstream.label if upstream else "",
        )
        answer.set_cookie(**cookie)
        return answer

    async def _form(self, request: Request) -> Response:
        if await self._visitors.session(request) is not None:
            return _to("")
        return self.page(request, "")

    async def _sign_in(self, request: Request, sent: dict[str, str]) -> Response:
        flow = _flow(sent.get("flow", ""))
        if not self._visitors.is_ours(request, sent.get("form_token", "")):
            self._notes.from_elsewhere(_address(request))
            return _to(flow, "form")
        login, address = sent.get("login", ""), _address(request)
        try:
            user = await self._identity.users.sign_in(login, sent.get("password", ""), address)
        except SignInRefused:
            await self._notes.refused(address, PASSWORD, 403, "login", login)
            return _to(flow, "password")
        except TooManyTries as many:
            await self._notes.refused(address, PASSWORD, 429, "throttled", login)
            return self._wait(request, flow, many.seconds)
        return await self._welcome(request, user, flow, PASSWORD)

    async def _welcome(self, request: Request, user: User, flow: str, how: str) -> Response:
        answer = _to(flow)
        await self._visitors.begin(request, answer, user)
        self._notes.signed_in(_address(request), user, how)
        return answer

    def _wait(self, request: Request, flow: str, seconds: int) -> Response:
        answer = self._look.page(request, "wait.html", 429, back=_place(flow), time=span(seconds))
        answer.headers["Retry-After"] = str(seconds)
        return answer

    async def _sign_out(self, request: Request, sent: dict[str, str]) -> Response:
        found = await self._visitors.session(request)
        token = sent.get("form_token", "")
        if (
            found is None
            or not form_is_ours(found[1].form_token, token)
            or is_from_elsewhere(request.headers)
        ):
            self._notes.from_elsewhere(_address(request), LOGOUT, found[0] if found else None)
            return _to(_flow(sent.get("flow", "")))
        answer = _to(_flow(sent.get("flow", "")))
        await self._visitors.end(request, answer)
        self._notes.signed_out(_address(request), found[0])
        return answer

    async def _depart(self, request: Request) -> Response:
        assert self._identity.upstream is not None
        flow = _flow(request.query_params.get("flow", ""))
        try:
            left = await self._identity.upstream.depart(self._identity.origin + BACK, flow)
        except ProviderError as error:
            return _failed(flow, error)
        answer = RedirectResponse(left.address, 303)
        self._visitors.leave(request, answer, left.secret)
        return answer

    async def _arrive(self, request: Request) -> Response:
        assert self._identity.upstream is not None
        query = request.query_params
        said = [query.get(name, "") for name in ("state", "code", "iss", "error")]
        flow = await self._identity.upstream.wanted(said[0])
        try:
            came = Return(self._visitors.back(request), *said)
            user, flow = await self._identity.upstream.arrive(self._identity.origin + BACK, came)
        except (ProviderError, SignInRefused, InvalidUser) as error:
            await self._notes.refused(_address(request), PROVIDER, 403, "login")
            return _failed(flow, error)
        return await self._welcome(request, user, flow, PROVIDER)

    def _posted(
        self, act: Callable[[Request, dict[str, str]], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def posted(request: Request) -> Response:
            try:
                return await act(request, await fields_of(request))
            except OAuthError as error:
                return self._look.page(request, "problem.html", error.status, text=error.description)

        return posted


def _failed(flow: str, error: Exception) -> Response:
    log.warning("a sign-in by the OpenID provider failed: %s", str(error) or type(error).__name__)
    return _to(flow, "provider-down" if isinstance(error, ProviderUnavailable) else "provider")


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _flow(said: str) -> str:
    return said if _FLOW.match(said) else ""


def _place(flow: str, wrong: str = "") -> str:
    """Where to go on: with the authorization in progress, or at the person's apps."""
    query = {name: value for name, value in (("flow", flow), ("wrong", wrong)) if value}
    path = CONTINUE if flow else SIGN_IN if wrong else APPS
    return f"{path}?{urlencode(query)}" if query else path


def _to(flow: str, wrong: str = "") -> Response:
    return RedirectResponse(_place(flow, wrong), 303, {"Cache-Control": "no-store"})
