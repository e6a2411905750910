"""Where the bearer token for an EHR comes from."""

from __future__ import annotations

from typing import Protocol


class TokenProvider(Protocol):
    """Hands out access tokens."""

    async def token(self, refused: str = "") -> str:
        """A token that should work; empty for none at all. ``refused`` is one that the EHR did not take.

        Raises :class:`~fhirserver.ports.ehr.EhrError`.
        """
        ...

    async def close(self) -> None: ...


class StaticToken:
    """A token from the settings, which cannot be renewed."""

    def __init__(self, token: str):
        self._token = token

    async def token(self, refused: str = "") -> str:
        return self._token

    async def close(self) -> None: ...

    def __repr__(self) -> str:
        return "StaticToken(…)"
