"""The generated client of ``/platform`` against a server in the test process or on a port, one for each key."""

from __future__ import annotations

from typing import Any

import httpx

from adapters.platform_client.api.keys import create_key
from adapters.platform_client.client import AuthenticatedClient
from adapters.platform_client.models.key_shown import KeyShown
from adapters.platform_client.models.new_key import NewKey
from tests.facade import Facade

ROLES = ("viewer", "member", "operator", "admin", "owner")


def client_of(
    root: str, token: str, transport: httpx.AsyncBaseTransport | None = None
) -> AuthenticatedClient:
    """The client of a bearer token; ``transport``: how it is reached without a socket.

    Each request has a connection of its own: any process of the server may answer, and none is left open.
    """
    arguments: dict[str, Any] = {"limits": httpx.Limits(max_keepalive_connections=0)}
    arguments |= {"transport": transport} if transport else {}
    return AuthenticatedClient(base_url=f"{root}/platform", token=token, httpx_args=arguments)


def admin_of(server: Facade) -> AuthenticatedClient:
    """The client of the principal ``admin``, who is the owner."""
    return client_of("http://facade.test", "token-admin", server.transport)


async def key_of(server: Facade, role: str, source: str = "operator") -> tuple[KeyShown, AuthenticatedClient]:
    """A new key of a role, and its client."""
    wanted = NewKey(name=f"A {role}", role=role, source=source)  # type: ignore[arg-type]
    made = await create_key.asyncio(client=admin_of(server), body=wanted)
    assert isinstance(made, KeyShown), made
    return made, client_of("http://facade.test", made.key, server.transport)
