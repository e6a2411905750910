"""HTTP over a relay (:mod:`fhirserver.app.relay`) for httpx, with answers that come in pieces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from fhirserver.app.relay import Relay, read_frame, written_frame


class RelayTransport(httpx.AsyncBaseTransport):
    """Asks whoever listens at ``path``."""

    def __init__(self, path: Path):
        self._relay = Relay(path)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            reader, writer = await self._relay.connect()
        except OSError as error:
            raise httpx.ConnectError(str(error), request=request) from None
        url = request.url
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": request.method,
            "scheme": url.scheme,
            "path": url.path,
            "raw_path": url.raw_path.partition(b"?")[0],
            "query_string": url.query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
        }
        body = {"type": "http.request", "body": await request.aread(), "more_body": False}
        try:
            writer.write(written_frame(scope) + written_frame(body))
            start = await read_frame(reader)
        except (EOFError, OSError):
            writer.close()
            raise httpx.RemoteProtocolError("no answer", request=request) from None
        headers = [(name, value) for name, value in start.get("headers", ())]
        return httpx.Response(start["status"], headers=headers, stream=_Body(reader, writer), request=request)


class _Body(httpx.AsyncByteStream):
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader, self._writer = reader, writer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            try:
                message = await read_frame(self._reader)
            except (EOFError, OSError):
                raise httpx.RemoteProtocolError("the answer was cut off") from None
            if message["type"] != "http.response.body":
                return
            yield message.get("body", b"")

    async def aclose(self) -> None:
        self._writer.close()
