"""Who is at the browser: the session of its cookie, and for who has none a secret that guards the sign-in form."""

from __future__ import annotations

import secrets
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from fhirserver.access.browser_sessions import BrowserSession, form_is_ours, form_token
from fhirserver.access.choosable import Read, choosable
from fhirserver.access.cookies import SecretCookie, is_from_elsewhere
from fhirserver.access.identity import Identity
from fhirserver.access.smart.people import SignedIn
from fhirserver.access.upstream import AWAY_SECONDS
from fhirserver.access.users import User
from fhirserver.kernel.instants import Clock, instant

_SESSION: Final = SecretCookie("credence_person", "/auth", "lax")
_VISIT: Final = SecretCookie("credence_visit", "/auth", "lax")
_AWAY: Final = SecretCookie("credence_away", "/auth/provider", "lax")
_VISIT_SECONDS: Final = 3600


class Visitors:
    """Reads and writes the cookies of people. See :class:`fhirserver.rest.smart.pages.SignIns`."""

    def __init__(self, identity: Identity, read: Read, clock: Clock):
        self._identity, self._read, self._clock = identity, read, clock

    async def of(self, request: Request) -> SignedIn | None:
        """Who is signed in, while they may."""
        found = await self.session(request)
        return await self._signed_in(*found) if found else None

    async def session(self, request: Request) -> tuple[User, BrowserSession] | None:
        """The user and the session of the cookie, while both hold."""
        kept = await self._identity.auth.of(self._sent(request, _SESSION))
        user = await self._identity.users.active(kept.values["login"], kept.values["epoch"]) if kept else None
        return (user, kept) if user and kept else None

    async def begin(self, request: Request, answer: Response, user: User) -> None:
        """A new session of somebody who has proved who they are, in the place of the one that was."""
        values = {"login": user.login, "epoch": user.epoch}
        session = await self._identity.auth.begin(values, self._sent(request, _SESSION))
        kept = _SESSION.kept(session.id, self._identity.auth.limits.whole, self.is_secure(request))
        answer.set_cookie(**kept)

    async def end(self, request: Request, answer: Response) -> None:
        """The session is no more."""
        await self._identity.auth.end(self._sent(request, _SESSION))
        answer.delete_cookie(**_SESSION.gone(self.is_secure(request)))

    def visit(self, request: Request) -> tuple[str, dict[str, Any]]:
        """The token for the forms of a page that needs no session, and the arguments of ``set_cookie`` for it."""
        secret = self._sent(request, _VISIT) or secrets.token_urlsafe(32)
        return form_token(secret), _VISIT.kept(secret, _VISIT_SECONDS, self.is_secure(request))

    def is_ours(self, request: Request, sent: str) -> bool:
        """Whether a form came from a page that :meth:`visit` was asked for, in this browser."""
        secret = self._sent(request, _VISIT)
        return (
            bool(secret) and form_is_ours(form_token(secret), sent) and not is_from_elsewhere(request.headers)
        )

    def leave(self, request: Request, answer: Response, secret: str) -> None:
        """Somebody goes to the OpenID provider."""
        answer.set_cookie(**_AWAY.kept(secret, AWAY_SECONDS, self.is_secure(request)))

    def back(self, request: Request) -> str:
        """The secret of a browser that has been there."""
        return self._sent(request, _AWAY)

    def is_secure(self, request: Request) -> bool:
        return self._identity.secure or request.url.scheme == "https"

    def _sent(self, request: Request, cookie: SecretCookie) -> str:
        return cookie.read(request.cookies, self.is_secure(request))

    async def _signed_in(self, user: User, session: BrowserSession) -> SignedIn:
        today = instant(self._clock.now())[:10]
        return SignedIn(
            user.login,
            user.subject,
            user.epoch,
            user.name,
            user.fhir_user,
            user.roles,
            await choosable(user, self._read, today),
            session.name,
            session.began,
            session.until,
        )
