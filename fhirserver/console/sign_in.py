"""Signing in with a login and password, with a token, or at an OpenID provider; and out again."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fhirserver.access.cookies import SecretCookie, is_from_elsewhere
from fhirserver.access.identity import Identity
from fhirserver.access.sign_in_notes import PASSWORD, PROVIDER, TOKEN, SignInNotes
from fhirserver.access.throttle import TooManyTries
from fhirserver.access.upstream import AWAY_SECONDS, Return, Upstream
from fhirserver.access.users import InvalidUser, SignInRefused, User
from fhirserver.console.desk import HEADERS, HOME, Desk, Endpoint, fields
from fhirserver.console.sessions import Session
from fhirserver.kernel.instants import span
from fhirserver.ports.identity_provider import ProviderError, ProviderUnavailable

log = logging.getLogger("credence.signin")
BACK = f"{HOME}/provider/back"
_OURS = re.compile(r"/console(/[A-Za-z0-9./_-]*)?\Z")
_AWAY = SecretCookie("credence_away", f"{HOME}/provider", "lax")
"""What a browser that is at the provider brings back."""


class SignIn:
    """The pages of the session itself."""

    def __init__(self, desk: Desk, identity: Identity):
        self._desk, self._identity = desk, identity
        self._notes = SignInNotes(desk.context.audit, identity.users, "console")

    @property
    def upstream_routes(self) -> Sequence[tuple[str, str, Endpoint]]:
        """Where people come by who sign in at the OpenID provider."""
        if self._identity.upstream is None:
            return ()
        return ("GET", "/provider", self.depart), ("GET", "/provider/back", self.arrive)

    async def form(
        self, request: Request, status: int = 200, wrong: str = "", next: str = "", login: str = ""
    ) -> Response:
        """The sign-in page, which says so where a session has ended."""
        ended = "ended" in parse_qs(request.url.query) or await self._desk.sessions.ended(request)
        upstream, users = self._identity.upstream, self._identity.users
        return self._desk.page(
            request,
            "sign_in.html",
            None,
            status,
            wrong=wrong,
            ended=ended,
            login=login,
            next=_ours(next or request.query_params.get("next", "")),
            provider=upstream.label if upstream else "",
            by_password=await users.any(),
            whole=span(self._identity.console.limits.whole),
            idle=span(self._identity.console.limits.idle),
        )

    async def sign_in(self, request: Request) -> Response:
        """A cookie for a login and password, or a token, with the operator role."""
        if is_from_elsewhere(request.headers):
            self._notes.from_elsewhere(_address(request))
            return await self.form(request, 403, "This form came from another site.")
        sent = await fields(request)
        return await (self._by_token if "token" in sent else self._by_password)(request, sent)

    async def _by_token(self, request: Request, sent: dict[str, str]) -> Response:
        next = sent.get("next", "")
        opened = await self._desk.sessions.sign_in(sent["token"], self._desk.sessions.cookie(request))
        if opened is None:
            await self._notes.refused(_address(request), TOKEN, 403, "login")
            wrong = "This token is not known, or lacks the operator role."
            return await self.form(request, 403, wrong, next)
        self._notes.let_in(_address(request), opened.principal)
        answer = RedirectResponse(_ours(next), 303, HEADERS)
        answer.set_cookie(**self._desk.sessions.kept_by(request, opened.kept))
        return answer

    async def _by_password(self, request: Request, sent: dict[str, str]) -> Response:
        next, login, address = sent.get("next", ""), sent.get("login", ""), _address(request)
        try:
            user = await self._identity.users.sign_in(login, sent.get("password", ""), address)
        except SignInRefused:
            await self._notes.refused(address, PASSWORD, 403, "login", login)
            return await self.form(request, 403, "Login or password is wrong.", next, login)
        except TooManyTries as many:
            await self._notes.refused(address, PASSWORD, 429, "throttled", login)
            wrong = f"Too many tries with this login, or from your network. Wait {span(many.seconds)}."
            answer = await self.form(request, 429, wrong, next, login)
            answer.headers["Retry-After"] = str(many.seconds)
            return answer
        return await self._welcome(request, user, PASSWORD, RedirectResponse(_ours(next), 303, HEADERS), next)

    async def _welcome(self, request: Request, user: User, how: str, answer: Response, next: str) -> Response:
        """The answer with the cookie of a new session, where the user is an operator."""
        opened = await self._desk.sessions.sign_in_as(user, self._desk.sessions.cookie(request))
        if opened is None:
            await self._notes.refused(_address(request), how, 403, "forbidden", user.login)
            wrong = "You may not use the console: that takes the role operator."
            return await self.form(request, 403, wrong, next)
        self._notes.signed_in(_address(request), user, how)
        answer.set_cookie(**self._desk.sessions.kept_by(request, opened.kept))
        return answer

    async def depart(self, request: Request) -> Response:
        """Off to the OpenID provider."""
        next = _ours(request.query_params.get("next", ""))
        try:
            left = await self._upstream.depart(self._back, next)
        except ProviderError as error:
            return await self._not_now(request, error, next)
        answer = RedirectResponse(left.address, 303, HEADERS)
        answer.set_cookie(**_AWAY.kept(left.secret, AWAY_SECONDS, self._is_secure(request)))
        return answer

    async def arrive(self, request: Request) -> Response:
        """Back from the OpenID provider, with a code or without."""
        query, secure = request.query_params, self._is_secure(request)
        said = [query.get(name, "") for name in ("state", "code", "iss", "error")]
        try:
            came = Return(_AWAY.read(request.cookies, secure), *said)
            user, next = await self._upstream.arrive(self._back, came)
        except (ProviderError, SignInRefused, InvalidUser) as error:
            return await self._not_now(request, error, "")
        # A cookie that is for pages of this site alone does not come with a redirect that began on another.
        page = self._desk.page(request, "signed_in.html", None, next=_ours(next))
        answer = await self._welcome(request, user, PROVIDER, page, next)
        answer.delete_cookie(**_AWAY.gone(secure))
        return answer

    async def _not_now(self, request: Request, error: Exception, next: str) -> Response:
        log.warning("a sign-in by the OpenID provider failed: %s", str(error) or type(error).__name__)
        await self._notes.refused(_address(request), PROVIDER, 403, "login")
        if isinstance(error, ProviderUnavailable):
            wrong = f"{self._upstream.label} does not answer properly now. Try again in a while."
            return await self.form(request, 503, wrong, next)
        return await self.form(request, 403, f"You could not be signed in by {self._upstream.label}.", next)

    async def sign_out(self, request: Request, session: Session) -> Response:
        """The session is no more."""
        await self._desk.sessions.sign_out(request)
        self._notes.signed_out(_address(request), None, session.principal)
        answer = RedirectResponse(HOME, 303, HEADERS)
        answer.delete_cookie(**self._desk.sessions.gone(request))
        return answer

    @property
    def _upstream(self) -> Upstream:
        assert self._identity.upstream is not None, "there are no routes without one"
        return self._identity.upstream

    @property
    def _back(self) -> str:
        return self._identity.origin + BACK

    def _is_secure(self, request: Request) -> bool:
        return self._identity.secure or request.url.scheme == "https"


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _ours(place: str) -> str:
    """A page of the console to go to after signing in; the queue for anything else."""
    return place if _OURS.match(place) and ".." not in place else HOME
