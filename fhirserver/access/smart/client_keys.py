"""Where the public keys of clients come from: their registration, or a URL, fetched when needed and kept for a while.

An unknown ``kid`` lets the set be fetched again, because its owner may have rotated: but not more often than every few
seconds, or whoever invents kids would have us knock at somebody's door.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from fhirserver.access.smart.client_jwks import InvalidJwks, verifying_keys
from fhirserver.access.smart.clients import Client
from fhirserver.kernel.json import InvalidJson, Json, loads

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, RSAKey

FRESH_SECONDS = 600.0
STALE_SECONDS = 3600.0
"""For how long keys are used whose address cannot be reached any more."""
AGAIN_SECONDS = 10.0
_MOST_SETS = 1000


class FetchFailed(Exception):
    """A JWK Set could not be fetched. The message says why, without what was fetched."""


class Fetch(Protocol):
    """Fetches documents that others name, through the guard of :mod:`fhirserver.kernel.addresses`."""

    async def __call__(self, url: str) -> bytes:
        """The body of a 200 answer. Raises FetchFailed."""
        ...

    def objection(self, url: str) -> str | None:
        """Why a URL may never be fetched, as far as it shows; None where it may."""
        ...


class NoFetch:
    """Fetches nothing: where there is no way out."""

    async def __call__(self, url: str) -> bytes:
        raise FetchFailed("nothing is fetched here")

    def objection(self, url: str) -> str | None:
        return "keys by URL are not fetched here"


@dataclass(slots=True)
class _Kept:
    jwks: Json = None
    fetched: float = float("-inf")
    tried: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class ClientKeys:
    """``clock``: monotonic seconds."""

    def __init__(self, fetch: Fetch, clock: Callable[[], float] = time.monotonic):
        self.fetch, self._clock = fetch, clock
        self._kept: dict[str, _Kept] = {}

    async def find(self, client: Client, kid: str, algorithm: str) -> list[ECKey | RSAKey]:
        """The client's keys with this ``kid`` for this algorithm. Raises FetchFailed, InvalidJwks."""
        if client.jwks is not None:
            return verifying_keys(client.jwks, kid, algorithm)
        kept = self._of(client.jwks_uri)
        await self._fetch(client.jwks_uri, kept, FRESH_SECONDS)
        found = verifying_keys(kept.jwks, kid, algorithm)
        if not found and await self._fetch(client.jwks_uri, kept, AGAIN_SECONDS):
            found = verifying_keys(kept.jwks, kid, algorithm)
        return found

    def _of(self, url: str) -> _Kept:
        if url not in self._kept:
            while len(self._kept) >= _MOST_SETS:
                del self._kept[next(iter(self._kept))]
            self._kept[url] = _Kept()
        return self._kept[url]

    async def _fetch(self, url: str, kept: _Kept, age: float) -> bool:
        """Fetch a set that is older than ``age``; whether it was. Raises FetchFailed where there is none to use."""
        async with kept.lock:
            now = self._clock()
            if now - kept.fetched < age or now - kept.tried < AGAIN_SECONDS:
                if kept.jwks is None:
                    raise FetchFailed("the keys could not be fetched a moment ago")
                return False
            kept.tried = now
            try:
                kept.jwks = _read(await self.fetch(url))
                kept.fetched = kept.tried
            except (FetchFailed, InvalidJwks):
                if now - kept.fetched >= STALE_SECONDS:
                    kept.jwks = None
                    raise
            return True


def _read(body: bytes) -> Json:
    try:
        return loads(body)
    except InvalidJson:
        raise InvalidJwks("is not JSON") from None
