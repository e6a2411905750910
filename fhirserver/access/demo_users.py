"""Tokens for the visitors of the demo page: signed by this process as an app's backend would sign them.

They prove nothing but that the same visitor comes back; nobody is identified by them. Served only where the settings
turn the demo on.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from fhirserver.access.smart.jwts import signed
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.chats import AppUsers, ChatService

if TYPE_CHECKING:
    from joserfc.jwk import ECKey

SERVICE = "demo"
_SECONDS = 600
_VISITOR = re.compile(r"[a-f0-9]{32}")
_AUDIENCE = "credence-demo"
_ISSUER = "urn:credence:demo"


class DemoUsers:
    """Holds a key that ends with the process."""

    def __init__(self) -> None:
        from joserfc.jwk import ECKey

        self._key: ECKey = ECKey.generate_key("P-256", auto_kid=True)

    def service(self) -> ChatService:
        """The chat service of the demo page."""
        jwks = {"keys": [self._key.as_dict(private=False)]}
        users = AppUsers(_ISSUER, _AUDIENCE, jwks)
        return ChatService(SERVICE, "Riverside Clinic", languages=("en", "es"), smart=False, users=users)

    def token(self, visitor: str) -> str:
        """A token for a visitor, who chose 128 random bits in hexadecimal for a name. Refuses (422)."""
        if not _VISITOR.fullmatch(visitor):
            raise refuse(Category.UNPROCESSABLE, "invalid", "visitor is 32 hexadecimal digits", "visitor")
        now = int(time.time())
        claims = {"iss": _ISSUER, "aud": _AUDIENCE, "sub": visitor, "iat": now, "exp": now + _SECONDS}
        return signed(claims, self._key, str(self._key.kid), "ES256", "JWT")
