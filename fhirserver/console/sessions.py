"""Sessions of operators at the console: a token once, then a cookie. Kept in memory: a restart signs out."""

from __future__ import annotations

import hmac
import secrets
import time
from dataclasses import dataclass

from fastapi import Request

from fhirserver.access.principals import Principal, Principals
from fhirserver.kernel.outcomes import Refusal

COOKIE = "credence_session"
SECONDS = 8 * 3600


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in operator; ``form_token`` guards every form against other sites."""

    principal: Principal
    authorization: str
    form_token: str
    until: float


class Sessions:
    """All sessions of this process."""

    def __init__(self, principals: Principals):
        self._principals = principals
        self._sessions: dict[str, Session] = {}

    def sign_in(self, token: str) -> str | None:
        """A new session's id for a token with the operator role, or None."""
        authorization = f"Bearer {token.strip()}"
        try:
            principal = self._principals.authenticate(authorization)
        except Refusal:
            return None
        if not principal.may("operator"):
            return None
        self._forget_old()
        id = secrets.token_urlsafe(32)
        until = time.monotonic() + SECONDS
        self._sessions[id] = Session(principal, authorization, secrets.token_urlsafe(32), until)
        return id

    def _forget_old(self) -> None:
        now = time.monotonic()
        self._sessions = {id: one for id, one in self._sessions.items() if one.until > now}

    def of(self, request: Request) -> Session | None:
        """The session a request belongs to."""
        session = self._sessions.get(request.cookies.get(COOKIE, ""))
        return session if session is not None and session.until > time.monotonic() else None

    def sign_out(self, request: Request) -> None:
        self._sessions.pop(request.cookies.get(COOKIE, ""), None)


def form_is_ours(session: Session, token: str) -> bool:
    """Whether a form came from a page of this session."""
    return hmac.compare_digest(session.form_token.encode(), token.encode())
