"""Where people may sign in instead: an OpenID provider, reached by the authorization code flow with PKCE.

https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from fhirserver.kernel.json import JsonObject


class ProviderError(Exception):
    """The message says what went wrong, for a log: it holds nothing that a person or the provider sent."""


class ProviderUnavailable(ProviderError):
    """It cannot be reached, or cannot do it now: the person may try again."""


class ProviderRefused(ProviderError):
    """It does not vouch for the person, or what it says cannot be believed."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a person is sent to the provider with. ``challenge`` is the S256 one of ``verifier``."""

    redirect_uri: str
    state: str
    nonce: str
    challenge: str


@dataclass(frozen=True, slots=True)
class Answer:
    """With what the person came back, and what was kept here since they went."""

    code: str = field(repr=False)
    issuer: str
    """The parameter ``iss`` of RFC 9207, empty without one."""
    redirect_uri: str
    nonce: str
    verifier: str = field(repr=False)


class IdentityProvider(Protocol):
    """One provider, of which this server is a client."""

    @property
    def issuer(self) -> str: ...

    async def address(self, ask: Ask) -> str:
        """Where to send the person. Raises ProviderError."""
        ...

    async def claims(self, answer: Answer) -> JsonObject:
        """The claims of an ID token that has been verified: its signature, issuer, audience, times and nonce.

        ``sub`` is a text that is not empty. Raises ProviderError.
        """
        ...

    async def close(self) -> None: ...
