"""Principals of this very process: parts of it that are FHIR clients of the server they live in.

They come in by tokens that are made when the process begins, are known to nobody else and end with it.
"""

from __future__ import annotations

import secrets

from fhirserver.access.principals import Principal, Principals, token_digest


class InsidePrincipals(Principals):
    """Those around it, and those who were let in here."""

    def __init__(self, principals: Principals):
        super().__init__(())
        self._around = principals
        self._inside: dict[str, Principal] = {}

    def admit(self, principal: Principal) -> str:
        """A bearer token by which a part of this process is known from now on."""
        token = f"crd_inside_{secrets.token_urlsafe(32)}"
        self._inside[f"Bearer {token}"] = principal
        self._by_digest[token_digest(token)] = principal
        return token

    def dismiss(self, token: str) -> None:
        """Nobody is known by a token any more that :meth:`admit` made."""
        self._inside.pop(f"Bearer {token}", None)
        self._by_digest.pop(token_digest(token), None)

    def authenticate(self, authorization: str | None) -> Principal:
        """The principal of an ``Authorization: Bearer`` header. Raises :class:`Refusal` (401)."""
        return self._inside.get(authorization or "") or self._around.authenticate(authorization)

    def of_digest(self, digest: str) -> Principal | None:
        return super().of_digest(digest) or self._around.of_digest(digest)

    async def learn(self, authorization: str | None) -> bool:
        return await self._around.learn(authorization)

    async def learn_name(self, name: str) -> bool:
        return await self._around.learn_name(name)
