"""How requests are authorised: OAuth2 client credentials, an API key, basic, a fixed bearer token.

https://www.rfc-editor.org/rfc/rfc6749#section-4.4
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import httpx

from adapters.rest.mapping import Auth
from fhirserver.kernel.instants import Clock
from fhirserver.kernel.json import InvalidJson, loads
from fhirserver.ports.ehr import Retryable, Unanswered, Unauthorized

AHEAD = timedelta(seconds=30)
"""A token is renewed so long before it ends, so that none ends on its way."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a connector knows to authorise itself by."""

    client_id: str = ""
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Authorisation:
    """What is added to a request."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    basic: tuple[str, str] | None = field(default=None, repr=False)


class Authoriser(Protocol):
    async def authorisation(self, refused: bool = False) -> Authorisation:
        """``refused``: the vendor did not accept the one that was handed out last."""
        ...


class Fixed:
    """Always the same."""

    def __init__(self, authorisation: Authorisation):
        self._authorisation = authorisation

    async def authorisation(self, refused: bool = False) -> Authorisation:
        return self._authorisation


class ClientCredentials:
    """A token that is kept until shortly before it ends; of many who need a new one, one asks."""

    def __init__(
        self, http: httpx.AsyncClient, url: httpx.URL, auth: Auth, credentials: Credentials, clock: Clock
    ):
        self._http, self._url, self._auth, self._credentials = http, url, auth, credentials
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token = ""
        self._until: datetime | None = None
        self._number = 0

    async def authorisation(self, refused: bool = False) -> Authorisation:
        """Raises :class:`~fhirserver.ports.ehr.EhrError` where no token is given out."""
        number = self._number
        if refused or self._has_ended():
            async with self._lock:
                if number == self._number and (refused or self._has_ended()):
                    await self._renew()
        return Authorisation({"Authorization": f"Bearer {self._token}"})

    def _has_ended(self) -> bool:
        return not self._token or (self._until is not None and self._clock.now() >= self._until)

    async def _renew(self) -> None:
        form = {"grant_type": "client_credentials"}
        if self._auth.scope:
            form["scope"] = self._auth.scope
        auth: httpx.Auth = httpx.BasicAuth(self._credentials.client_id, self._credentials.secret)
        if self._auth.credentials == "body":
            form |= {"client_id": self._credentials.client_id, "client_secret": self._credentials.secret}
            auth = httpx.Auth()
        try:
            response = await self._http.post(self._url, data=form, auth=auth)
        except httpx.HTTPError as error:
            raise Unanswered(f"no token from the EHR: {type(error).__name__}") from None
        self._take(response)

    def _take(self, response: httpx.Response) -> None:
        if response.status_code in (400, 401, 403):
            raise Unauthorized("the EHR gives us no token", status=response.status_code)
        try:
            answer = loads(response.content)
        except InvalidJson:
            answer = None
        if not response.is_success or not isinstance(answer, dict) or not answer.get("access_token"):
            raise Retryable("the EHR gave no token", status=response.status_code)
        self._token, self._number = str(answer["access_token"]), self._number + 1
        seconds = float(str(answer.get("expires_in") or 3600))
        self._until = self._clock.now() + max(
            timedelta(seconds=seconds) - AHEAD, timedelta(seconds=seconds / 2)
        )


def make_authoriser(
    auth: Auth, credentials: Credentials, http: httpx.AsyncClient, token_url: httpx.URL, clock: Clock
) -> Authoriser:
    """The one that a mapping asks for."""
    if auth.kind == "client-credentials":
        return ClientCredentials(http, token_url, auth, credentials, clock)
    secret = credentials.secret
    if auth.kind == "api-key":
        if auth.header:
            return Fixed(Authorisation(headers={auth.header: secret}))
        return Fixed(Authorisation(query={auth.parameter: secret}))
    if auth.kind == "basic":
        return Fixed(Authorisation(basic=(credentials.client_id, secret)))
    return Fixed(Authorisation({"Authorization": f"Bearer {secret}"} if auth.kind == "bearer" else {}))
