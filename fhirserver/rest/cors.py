"""Cross-origin requests: which web pages of other places may ask. https://fetch.spec.whatwg.org/#http-cors-protocol"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

_EXPOSED = (
    b"Accept-Patch, Allow, Content-Disposition, Content-Location, ETag, Last-Modified, Location, Preference-Applied, "
    b"Retry-After, WWW-Authenticate, X-Correlation-Id, X-Held, X-Progress, X-Request-Id, X-Security-Context"
)
_NAMES = re.compile(r"[\w!#$%&'*+.^`|~-]+(?:\s*,\s*[\w!#$%&'*+.^`|~-]+)*\Z", re.ASCII)
_ALLOWED = (
    "Accept, Authorization, Content-Encoding, Content-Type, If-Match, If-Modified-Since, If-None-Exist, "
    "If-None-Match, Prefer, X-Break-Glass, X-Provenance, X-Request-Id, X-Security-Context"
)
_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_TEN_MINUTES = b"600"

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Cors:
    """The origins that may ask, such as ``https://app.example``; ``*`` for all. None by default.

    Credentials (cookies) are never allowed: callers are known by bearer tokens.
    """

    origins: Collection[str] = ()
    look: Callable[[], Awaitable[None]] | None = None
    """Sees whether there are more of them now."""

    async def seek(self, origin: str) -> None:
        """Have an origin known that has come to be allowed since somebody looked."""
        if self.look is not None and not self._allowed(origin):
            await self.look()

    def headers(self, asked: Mapping[str, str]) -> Headers:
        """What an answer says to the origin that asked; nothing to one that may not."""
        origin = asked.get("origin", "")
        allowed = self._allowed(origin)
        if not allowed:
            return []
        return [(b"access-control-allow-origin", allowed), (b"access-control-expose-headers", _EXPOSED)]

    def preflight(self, asked: Mapping[str, str]) -> Headers:
        """What a preflight is answered."""
        allowed = self._allowed(asked.get("origin", ""))
        if not allowed or "access-control-request-method" not in asked:
            return []
        return [
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", _wanted(asked).encode()),
            (b"access-control-max-age", _TEN_MINUTES),
        ]

    def _allowed(self, origin: str) -> bytes:
        if not origin or not self.origins:
            return b""
        if "*" in self.origins:
            return b"*"
        return origin.encode() if origin in self.origins else b""


EVERYBODY = Cors(("*",))
"""For what is open to all: https://hl7.org/fhir/smart-app-launch/app-launch.html asks it of the CapabilityStatement."""


def _wanted(asked: Mapping[str, str]) -> str:
    """The headers that are asked for: none does harm, as what is not known is passed over."""
    names = asked.get("access-control-request-headers", "")
    return names if len(names) <= 1024 and _NAMES.match(names) else _ALLOWED
