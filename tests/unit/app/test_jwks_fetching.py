"""Keys of clients by URL: what is fetched comes with how long its owner lets it be kept."""

from __future__ import annotations

import asyncio

import pytest

from fhirserver.access.smart.client_keys import Fetched
from fhirserver.app.jwks_fetching import JwksFetch
from fhirserver.kernel.addresses import Addresses
from subscriptions.channels.egress import Egress

LOOPBACK = Egress(Addresses(allow_private=True), allow_http=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [("", None), ("Cache-Control: max-age=90\r\nAge: 30\r\n", 60.0), ("Cache-Control: no-store\r\n", 0)],
)
async def test_what_the_owner_says_of_keeping_is_told(headers: str, seconds: float | None) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            f"HTTP/1.1 200 OK\r\n{headers}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}".encode()
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    fetch = JwksFetch(LOOPBACK)
    try:
        port = server.sockets[0].getsockname()[1]
        assert await fetch(f"http://127.0.0.1:{port}/jwks.json") == Fetched(b"{}", seconds)
    finally:
        await fetch.close()
        server.close()
        await server.wait_closed()
