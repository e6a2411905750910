"""How a client proves at the token endpoint who it is: a secret, an assertion, or, being public, not at all.

https://www.rfc-editor.org/rfc/rfc6749#section-2.3
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from urllib.parse import unquote_plus

from fhirserver.access.smart.assertions import Assertions
from fhirserver.access.smart.clients import BASIC, POST, PUBLIC, Client, Clients
from fhirserver.access.smart.errors import invalid_client, invalid_request

_SECRETS = (BASIC, POST)
"""Either way to send it is taken from whoever has a secret."""


class ClientAuthentication:
    """Finds the client of a request."""

    def __init__(self, clients: Clients, assertions: Assertions):
        self._clients, self._assertions = clients, assertions

    async def client(self, authorization: str, form: Mapping[str, str]) -> Client:
        """The client, which proved itself in the one way that it is registered for. Raises OAuthError."""
        basic = _basic(authorization)
        ways = [basic is not None, "client_secret" in form, "client_assertion" in form]
        if sum(ways) > 1:
            raise invalid_request("a client proves itself in one way only")
        if "client_assertion" in form:
            client = await self._assertions.client(
                form["client_assertion"], form.get("client_assertion_type", "")
            )
            _check_named(form, client.id)
            return client
        if basic is not None:
            _check_named(form, basic[0])
            return await self._with_secret(*basic)
        if "client_secret" in form:
            return await self._with_secret(form.get("client_id", ""), form["client_secret"])
        return await self.public(form.get("client_id", ""))

    async def is_known(self, id: str) -> bool:
        """Whether there is such a client (still)."""
        return await self._clients.find(id) is not None

    async def _with_secret(self, id: str, secret: str) -> Client:
        client = await self._clients.find(id)
        if client is None or client.method not in _SECRETS or not client.has_secret(secret):
            raise invalid_client("The client is not known, or this is not its secret")
        return client

    async def public(self, id: str) -> Client:
        """The public client of this id, which has nothing to prove. Raises OAuthError."""
        if not id:
            raise invalid_client("client_id is needed, or another way to say which client asks")
        client = await self._clients.find(id)
        if client is None or client.method != PUBLIC:
            raise invalid_client("The client is not known, or has to prove that it is the one")
        return client


def _check_named(form: Mapping[str, str], id: str) -> None:
    if form.get("client_id", id) != id:
        raise invalid_request("client_id is another one than that of the credentials")


def _basic(authorization: str) -> tuple[str, str] | None:
    """Id and secret of a Basic header; each is form-encoded in it. None where there is no such header."""
    scheme, _, packed = authorization.partition(" ")
    if not authorization:
        return None
    if scheme.lower() != "basic":
        raise invalid_client("Authorization is of the scheme Basic")
    try:
        id, colon, secret = b64decode(packed.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise invalid_client("The Authorization header cannot be read") from None
    if not colon:
        raise invalid_client("The Authorization header cannot be read")
    return unquote_plus(id), unquote_plus(secret)
