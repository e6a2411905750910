"""Fetching the public keys of clients, through the guard through which notifications leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhirserver.access.smart.client_keys import Fetched, FetchFailed, kept_seconds

if TYPE_CHECKING:
    import httpx

    from subscriptions.channels.egress import Egress

_SECONDS = 5.0
_MOST_BYTES = 64 * 1024


class JwksFetch:
    """See :class:`fhirserver.access.smart.client_keys.Fetch`. The client is made for the first document."""

    def __init__(self, egress: Egress):
        self._egress = egress
        self._made: httpx.AsyncClient | None = None

    def objection(self, url: str) -> str | None:
        return self._egress.objection(url)

    async def __call__(self, url: str) -> Fetched:
        import httpx

        from subscriptions.channels.guarded import Forbidden, guarded_client, read_some

        if self._made is None:
            self._made = guarded_client(self._egress, _SECONDS)
        try:
            async with self._made.stream("GET", url, headers={"Accept": "application/json"}) as answer:
                if answer.status_code != 200:
                    raise FetchFailed(f"the answer was {answer.status_code}")
                body = await read_some(answer, _MOST_BYTES + 1)
                headers = answer.headers
                seconds = kept_seconds(headers.get("cache-control", ""), headers.get("age", ""))
        except Forbidden as error:
            raise FetchFailed(str(error)) from None
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise FetchFailed(type(error).__name__) from None
        if len(body) > _MOST_BYTES:
            raise FetchFailed(f"it is larger than {_MOST_BYTES} bytes")
        return Fetched(body, seconds)

    async def close(self) -> None:
        if self._made is not None:
            await self._made.aclose()
