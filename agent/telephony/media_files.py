"""The pictures of messages (MMS), fetched from Twilio: https://www.twilio.com/docs/messaging/api/media-resource.

Only from Twilio's own addresses, with the account's name and secret for its API and for nobody whom that redirects to,
and only so much of it.
"""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import httpx

from agent.cards.pictures import MOST_BYTES
from agent.telephony.settings import TelephonySettings

_API = "https://api.twilio.com"
_HOSTS = (".twilio.com", ".twiliocdn.com", ".amazonaws.com")
_SECONDS = 15.0
_HOPS = 3
MOST_MEDIA = 10
"""Of one message; Twilio sends no more."""


class NotFetched(RuntimeError):
    """The picture could not be had; the message says why and names no address."""


class MediaFiles:
    """Of one account. ``api_url`` of the settings takes the place of Twilio's API, for a simulated one."""

    def __init__(self, settings: TelephonySettings, transport: httpx.AsyncBaseTransport | None = None):
        self._settings, self._transport = settings, transport
        self._base = settings.api_url.rstrip("/")

    async def fetch(self, url: str) -> bytes:
        """The content. Raises :class:`NotFetched`."""
        if url.startswith(f"{_API}/"):
            url = self._base + url.removeprefix(_API)
        try:
            async with (
                asyncio.timeout(_SECONDS),
                httpx.AsyncClient(transport=self._transport, trust_env=False, timeout=_SECONDS) as http,
            ):
                return await self._follow(http, url)
        except (httpx.HTTPError, TimeoutError) as error:
            raise NotFetched(f"Twilio gave no picture: {type(error).__name__}") from None

    async def _follow(self, http: httpx.AsyncClient, url: str) -> bytes:
        for _ in range(_HOPS):
            own = url.startswith(f"{self._base}/")
            if not own and not _is_twilios(url):
                raise NotFetched("the picture is at an address that is not Twilio's")
            auth = (self._settings.account_sid, self._settings.auth_token) if own else None
            async with http.stream("GET", url, auth=auth) as answer:
                if answer.is_redirect and answer.next_request is not None:
                    url = str(answer.next_request.url)
                    continue
                if answer.status_code != 200:
                    raise NotFetched(f"Twilio answers {answer.status_code}")
                return await _content(answer)
        raise NotFetched("Twilio redirects too often")


async def _content(answer: httpx.Response) -> bytes:
    content = bytearray()
    async for chunk in answer.aiter_bytes():
        content += chunk
        if len(content) > MOST_BYTES:
            raise NotFetched("the picture is too large")
    return bytes(content)


def _is_twilios(url: str) -> bool:
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    return parts.scheme == "https" and any(host.endswith(one) for one in _HOSTS)
