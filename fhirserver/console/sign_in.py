"""Signing in with a token, and out again."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from fhirserver.console.desk import HEADERS, HOME, Desk, fields
from fhirserver.console.sessions import COOKIE, SECONDS, Session

_OURS = re.compile(r"/console(/[A-Za-z0-9./_-]*)?\Z")


class SignIn:
    """The pages of the session itself."""

    def __init__(self, desk: Desk):
        self._desk = desk

    def form(self, request: Request, status: int = 200, wrong: str = "", next: str = "") -> Response:
        """The sign-in page, which says so where a session has ended."""
        ended = "ended" in parse_qs(request.url.query) or self._desk.sessions.ended(request)
        wanted = next or request.query_params.get("next", "")
        return self._desk.page(
            request, "sign_in.html", None, status, wrong=wrong, ended=ended, next=_ours(wanted)
        )

    async def sign_in(self, request: Request) -> Response:
        """A cookie for a token with the operator role."""
        sent = await fields(request)
        id = self._desk.sessions.sign_in(sent.get("token", ""))
        if id is None:
            wrong = "This token is not known, or lacks the operator role."
            return self.form(request, 403, wrong, sent.get("next", ""))
        answer = RedirectResponse(_ours(sent.get("next", "")), 303, HEADERS)
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, id, SECONDS, httponly=True, samesite="strict", secure=secure, path=HOME)
        return answer

    async def sign_out(self, request: Request, _: Session) -> Response:
        """The session is no more."""
        self._desk.sessions.sign_out(request)
        answer = RedirectResponse(HOME, 303, HEADERS)
        answer.delete_cookie(COOKIE, path=HOME)
        return answer


def _ours(place: str) -> str:
    """A page of the console to go to after signing in; the queue for anything else."""
    return place if _OURS.match(place) else HOME
