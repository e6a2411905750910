"""Principals: who asks, known by bearer token. Each speaks as one source of the world model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.world.sources import Source

ROLES = frozenset({"read", "write", "operator", "admin"})


@dataclass(frozen=True, slots=True)
class Principal:
    """One caller. ``roles``: ``read`` and ``write`` FHIR, ``operator`` reviews, ``admin`` may do all."""

    name: str
    source: Source
    roles: frozenset[str]

    def may(self, role: str) -> bool:
        return role in self.roles or "admin" in self.roles


def token_digest(token: str) -> str:
    """What settings keep of a token: its SHA-256 in hex. Tokens are random, so no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


class Principals:
    """All principals by the digest of their tokens."""

    def __init__(self, by_digest: Iterable[tuple[str, Principal]]):
        self._by_digest = dict(by_digest)
        self._known: dict[str, Principal] = {}

    def authenticate(self, authorization: str | None) -> Principal:
        """The principal of an ``Authorization: Bearer`` header. Raises :class:`Refusal` (401)."""
        known = self._known.get(authorization or "")
        if known is not None:
            return known
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _unauthenticated("A bearer token is needed: send 'Authorization: Bearer <token>'")
        found = self._by_digest.get(token_digest(token.strip()))
        if found is None:
            raise _unauthenticated("The bearer token is not known; 'credence init' shows how to make one")
        self._known[authorization or ""] = found
        return found

    def of_digest(self, digest: str) -> Principal | None:
        """The principal whose token has this digest."""
        return self._by_digest.get(digest)


def _unauthenticated(diagnostics: str) -> Refusal:
    refusal = refuse(Category.UNAUTHENTICATED, "login", diagnostics, "http.Authorization")
    refusal.headers["WWW-Authenticate"] = 'Bearer realm="credence"'
    return refusal


def require(principal: Principal, role: str) -> None:
    """Refuse (403) a principal without the role."""
    if not principal.may(role):
        raise refuse(Category.FORBIDDEN, "forbidden", f"'{principal.name}' lacks the role '{role}'")
