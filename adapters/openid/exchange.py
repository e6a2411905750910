"""JSON from an OpenID provider: a little, soon, and without following redirects."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Mapping
from urllib.parse import quote_plus

import httpx

from fhirserver.kernel.json import InvalidJson, JsonObject, loads, too_deep
from fhirserver.ports.identity_provider import ProviderRefused, ProviderUnavailable

MOST_BYTES = 1024 * 1024
SECONDS = 10.0
"""For a whole answer, however slowly it comes."""


class JsonExchange:
    """Asks one provider. ``what`` in messages names the endpoint, never its answer."""

    def __init__(self, http: httpx.AsyncClient, seconds: float = SECONDS):
        # httpx logs every URL at INFO, and URLs hold codes.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._http, self._seconds = http, seconds

    async def get(self, url: str, what: str) -> JsonObject:
        """The object at a URL. Raises ProviderUnavailable."""
        status, body = await self._send(self._http.build_request("GET", url, headers=_HEADERS), what)
        if status != 200:
            raise ProviderUnavailable(f"{what} answers {status}")
        return _object(body, what)

    async def post(
        self, url: str, form: Mapping[str, str], what: str, authorization: tuple[str, str] | None
    ) -> JsonObject:
        """The object that a form is answered with. Raises ProviderRefused (4xx) and ProviderUnavailable."""
        request = self._http.build_request("POST", url, data=dict(form), headers=_HEADERS)
        if authorization is not None:
            request.headers["Authorization"] = _basic(*authorization)
        status, body = await self._send(request, what)
        if status == 200:
            return _object(body, what)
        if 400 <= status < 500 and status not in (408, 429):
            raise ProviderRefused(f"{what} refuses ({status})")
        raise ProviderUnavailable(f"{what} answers {status}")

    async def _send(self, request: httpx.Request, what: str) -> tuple[int, bytes]:
        try:
            async with asyncio.timeout(self._seconds):
                response = await self._http.send(request, stream=True)
                try:
                    return response.status_code, await _body(response, what)
                finally:
                    await response.aclose()
        except TimeoutError:
            raise ProviderUnavailable(f"{what} does not answer in {self._seconds:g} seconds") from None
        except httpx.HTTPError as error:
            raise ProviderUnavailable(f"{what} cannot be reached: {type(error).__name__}") from None


_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}


def _basic(client: str, secret: str) -> str:
    """https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1: both are encoded like the fields of a form."""
    pair = f"{quote_plus(client)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


async def _body(response: httpx.Response, what: str) -> bytes:
    body = b""
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > MOST_BYTES:
            raise ProviderUnavailable(f"{what} answers with more than {MOST_BYTES} bytes")
    return body


def _object(body: bytes, what: str) -> JsonObject:
    try:
        found = loads(body)
    except InvalidJson:
        found = None
    if not isinstance(found, dict) or too_deep(body):
        raise ProviderUnavailable(f"{what} does not answer with a JSON object")
    return found
