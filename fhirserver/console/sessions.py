"""Sessions of operators at the console: a token, or a login and a password, once; then a cookie.

They are kept in the access records, so that every server process knows them. Neither the token nor the cookie is
kept: only their digests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from starlette.requests import HTTPConnection, Request

from fhirserver.access.browser_sessions import BrowserSession
from fhirserver.access.cookies import SecretCookie
from fhirserver.access.identity import Identity
from fhirserver.access.principals import Principal, Principals, token_digest
from fhirserver.access.users import User
from fhirserver.console.beneath import HOME
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Refusal

COOKIE = "credence_session"


@dataclass(frozen=True, slots=True)
class LastDecision:
    """What the operator decided last: the items, what to say of it, what could not be done, and whether it can be
    taken back."""

    items: tuple[str, ...]
    said: str
    refused: tuple[str, ...] = ()
    undoable: bool = True

    @staticmethod
    def of(kept: JsonObject) -> LastDecision:
        return LastDecision(tuple(kept["items"]), kept["said"], tuple(kept["refused"]), kept["undoable"])

    def as_json(self) -> JsonObject:
        return {
            "items": list(self.items),
            "said": self.said,
            "refused": list(self.refused),
            "undoable": self.undoable,
        }


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in operator, whom the pages call ``name``; ``form_token`` guards every form against other sites."""

    principal: Principal
    form_token: str
    last: LastDecision | None = None
    name: str = ""


class Opened(NamedTuple):
    """A session that has begun, and whose it is."""

    kept: BrowserSession
    principal: Principal


class Sessions:
    """All sessions of operators."""

    def __init__(self, principals: Principals, identity: Identity, prefix: str = ""):
        self._principals, self._identity, self._kept = principals, identity, identity.console
        self._cookie = SecretCookie(COOKIE, f"{prefix}{HOME}", "strict", alone=not prefix)

    async def sign_in(self, token: str, old: str = "") -> Opened | None:
        """A new session for a token with the operator role, or None. ``old``: the cookie until now."""
        try:
            principal = await self._principals.known(f"Bearer {token.strip()}")
        except Refusal:
            return None
        if not principal.may("operator"):
            return None
        values = {"token": token_digest(token.strip()), "as": principal.name}
        return Opened(await self._kept.begin(values, old), principal)

    async def sign_in_as(self, user: User, old: str = "") -> Opened | None:
        """A new session for a user who has proved who they are and has the operator role, or None."""
        principal = self._principal(user)
        if principal is None:
            return None
        return Opened(await self._kept.begin({"login": user.login, "epoch": user.epoch}, old), principal)

    async def of(self, request: HTTPConnection) -> Session | None:
        """The session a request belongs to, while its token is one of the settings or its user may go on."""
        kept = await self._kept.of(self.cookie(request), _is_active(request))
        found = await self._who(kept.values) if kept else None
        if kept is None or found is None:
            return None
        last = kept.values.get("last")
        return Session(found[0], kept.form_token, LastDecision.of(last) if last else None, found[1])

    async def _who(self, values: JsonObject) -> tuple[Principal, str] | None:
        """The principal of a session and what they are called."""
        if "token" in values:
            principal = await self._of_token(values)
            shown = (principal.title or principal.name) if principal else ""
            return (principal, shown) if principal and principal.may("operator") else None
        user = await self._identity.users.active(values["login"], values["epoch"])
        principal = self._principal(user) if user else None
        return (principal, user.name) if user and principal else None

    async def _of_token(self, values: JsonObject) -> Principal | None:
        """Whose token a session began with, also where another process made the token a moment ago."""
        found = self._principals.of_digest(values["token"])
        if found is None and await self._principals.learn_name(values.get("as", "")):
            found = self._principals.of_digest(values["token"])
        return found

    def _principal(self, user: User) -> Principal | None:
        principal = user.principal(self._identity.sources)
        return principal if principal and principal.may("operator") else None

    async def remember(self, request: Request, last: LastDecision | None) -> None:
        """Keep what the operator of this request decided last."""
        await self._kept.remember(self.cookie(request), {"last": last.as_json() if last else None})

    async def ended(self, request: Request) -> bool:
        """Whether a request comes from a browser whose session is over."""
        return bool(self.cookie(request)) and await self.of(request) is None

    async def sign_out(self, request: Request) -> None:
        await self._kept.end(self.cookie(request))

    def cookie(self, request: HTTPConnection) -> str:
        """The secret that the browser sent; empty where it sent none."""
        return self._cookie.read(request.cookies, self._is_secure(request))

    def kept_by(self, request: Request, session: BrowserSession) -> dict[str, Any]:
        """The arguments of ``set_cookie`` by which the browser keeps a session."""
        return self._cookie.kept(session.id, self._kept.limits.whole, self._is_secure(request))

    def gone(self, request: Request) -> dict[str, Any]:
        """The arguments of ``delete_cookie``."""
        return self._cookie.gone(self._is_secure(request))

    def _is_secure(self, request: HTTPConnection) -> bool:
        return self._identity.secure or request.url.scheme in ("https", "wss")


def _is_active(request: HTTPConnection) -> bool:
    """Whether a person asks, rather than a page that keeps itself up to date."""
    if request.scope["type"] != "http" or request.headers.get("accept") == "text/event-stream":
        return False
    return request.scope["method"] != "GET" or request.headers.get("hx-request") != "true"
