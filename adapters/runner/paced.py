"""An HTTP transport at an EHR's pace: every request of every loop waits for its token, and refusals teach the rate."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx

from adapters.fhir.refusals import retry_after
from adapters.runner.rate import Rate

TOO_MANY = 429


class PacedTransport(httpx.AsyncBaseTransport):
    """Wraps the transport that does the work. The request's own timeout begins after the wait."""

    def __init__(self, inner: httpx.AsyncBaseTransport, rate: Rate):
        self._inner, self._rate = inner, rate

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        sent = await self._rate.request()
        response = await self._inner.handle_async_request(request)
        if response.status_code == TOO_MANY:
            self._rate.refused(retry_after(response.headers.get("retry-after", ""), datetime.now(UTC)), sent)
        elif response.status_code < 500:
            self._rate.answered()
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()
