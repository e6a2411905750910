"""All that knows people: the users, where else they may sign in, and the sessions of those who have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fhirserver.access.browser_sessions import BrowserSessions
from fhirserver.access.upstream import Upstream
from fhirserver.access.users import Users
from fhirserver.world.sources import Source


@dataclass(frozen=True, slots=True)
class Identity:
    """``console`` and ``auth`` are the sessions of operators, and of those who let apps act for them.

    ``origin``: how the server is reached from outside, such as ``https://fhir.example``, or with a path behind it.
    """

    users: Users
    console: BrowserSessions
    auth: BrowserSessions
    origin: str
    sources: Mapping[str, Source] = field(default_factory=dict)
    upstream: Upstream | None = None

    @property
    def secure(self) -> bool:
        """Whether the server is reached by https, though perhaps a proxy takes the encryption off."""
        return self.origin.startswith("https://")

    async def close(self) -> None:
        if self.upstream is not None:
            await self.upstream.close()
