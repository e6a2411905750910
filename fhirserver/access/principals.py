"""Principals: who asks, known by bearer token. Each speaks as one source of the world model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from fhirserver.access.permissions import Permissions
from fhirserver.kernel.measures import Counter
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.world.sources import Source

PRIVACY = "privacy"
"""The one role that ``admin`` does not include: who is watched is not who reads the watch."""
ROLES = frozenset({"read", "write", "operator", "admin", "metrics", PRIVACY})
TOKENS = Counter(
    "credence_token_lookups_total", "Bearer tokens that were looked up, by what came of it", ("result",)
)


@dataclass(frozen=True, slots=True)
class Principal:
    """One caller. ``roles``: ``read`` and ``write`` FHIR, ``operator`` reviews, ``metrics`` reads figures, ``admin``
    may do all but what ``privacy`` may: read AuditEvents.

    ``permissions`` say with which resources; None: with all that the roles allow. ``client`` is the id of the app that
    acts for ``user`` (a reference such as ``Practitioner/1``), by the authorization ``grant`` and within ``scope``;
    empty without an app. ``platform`` is the role at ``/platform`` that it was given, empty where it has one by what
    it may do with FHIR. ``title`` is what people call it, where that is another than its name.
    """

    name: str
    source: Source
    roles: frozenset[str]
    permissions: Permissions | None = None
    client: str = ""
    user: str = ""
    grant: str = ""
    scope: str = ""
    platform: str = ""
    title: str = ""

    def may(self, role: str) -> bool:
        return role in self.roles or (role != PRIVACY and "admin" in self.roles)


def token_digest(token: str) -> str:
    """What settings keep of a token: its SHA-256 in hex. Tokens are random, so no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


class Principals:
    """All principals by the digest of their tokens."""

    def __init__(self, by_digest: Iterable[tuple[str, Principal]]):
        self._by_digest = dict(by_digest)
        self._known: dict[str, Principal] = {}
        self._cached = TOKENS.at(("cached",))

    def authenticate(self, authorization: str | None) -> Principal:
        """The principal of an ``Authorization: Bearer`` header. Raises :class:`Refusal` (401)."""
        known = self._known.get(authorization or "")
        if known is not None:
            TOKENS.note(self._cached)
            return known
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _unauthenticated("A bearer token is needed: send 'Authorization: Bearer <token>'")
        found = self._by_digest.get(token_digest(token.strip()))
        TOKENS.add("known" if found is not None else "refused")
        if found is None:
            raise _unauthenticated("The bearer token is not known; 'credence init' shows how to make one")
        self._known[authorization or ""] = found
        return found

    def of_digest(self, digest: str) -> Principal | None:
        """The principal whose token has this digest."""
        return self._by_digest.get(digest)

    async def learn(self, authorization: str | None) -> bool:
        """Look for a token that is not known here, where it may have been made elsewhere a moment ago.

        Whether to ask :meth:`authenticate` once more. Only of who was refused: it may cost a look into the storage.
        """
        return False

    async def learn_name(self, name: str) -> bool:
        """The same for the token of a principal of this name; whether to ask :meth:`of_digest` once more."""
        return False

    async def known(self, authorization: str | None) -> Principal:
        """The principal of a header, also by a token that another process has just made. Raises :class:`Refusal`."""
        try:
            return self.authenticate(authorization)
        except Refusal:
            if not await self.learn(authorization):
                raise
        return self.authenticate(authorization)


def _unauthenticated(diagnostics: str) -> Refusal:
    refusal = refuse(Category.UNAUTHENTICATED, "login", diagnostics, "http.Authorization")
    refusal.headers["WWW-Authenticate"] = 'Bearer realm="credence"'
    return refusal


def require(principal: Principal, role: str) -> None:
    """Refuse (403) a principal without the role. The roles of an app follow from its scopes."""
    if principal.may(role):
        return
    refusal = refuse(Category.FORBIDDEN, "forbidden", f"'{principal.name}' lacks the role '{role}'")
    if principal.client:
        refusal.headers["WWW-Authenticate"] = 'Bearer realm="credence", error="insufficient_scope"'
    raise refusal
