"""Where the bearer token for an EHR comes from."""

from __future__ import annotations

from typing import Protocol


class TokenProvider(Protocol):
    """Hands out access tokens. ``renew`` says that the EHR refused the one handed out last."""

    async def token(self, renew: bool = False) -> str: ...


class StaticToken:
    """A token from the settings, which cannot be renewed."""

    def __init__(self, token: str):
        self._token = token

    async def token(self, renew: bool = False) -> str:
        return self._token

    def __repr__(self) -> str:
        return "StaticToken(…)"
