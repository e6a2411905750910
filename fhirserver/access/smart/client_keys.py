"""Where the public keys of clients come from: their registration, or a URL, fetched when needed and kept for a while.

An unknown ``kid`` lets the set be fetched again, because its owner may have rotated: but not more often than every few
seconds, or whoever invents kids would have us knock at somebody's door.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from fhirserver.access.smart.client_jwks import InvalidJwks, verifying_keys
from fhirserver.access.smart.clients import Client
from fhirserver.kernel.json import InvalidJson, Json, loads

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, RSAKey

FRESH_SECONDS = 600.0
"""For how long keys are used that were fetched, at most: less where their ``Cache-Control`` says so."""
STALE_SECONDS = 3600.0
"""For how long keys are used whose address cannot be reached any more, where no ``Cache-Control`` said otherwise."""
AGAIN_SECONDS = 10.0
_MOST_SETS = 1000


class FetchFailed(Exception):
    """A JWK Set could not be fetched. The message says why, without what was fetched."""


class Fetched(NamedTuple):
    """The body of a 200 answer, and for how many seconds it may be kept; None where it does not say."""

    body: bytes
    seconds: float | None = None


class Fetch(Protocol):
    """Fetches documents that others name, through the guard of :mod:`fhirserver.kernel.addresses`."""

    async def __call__(self, url: str) -> Fetched:
        """The document. Raises FetchFailed."""
        ...

    def objection(self, url: str) -> str | None:
        """Why a URL may never be fetched, as far as it shows; None where it may."""
        ...


class NoFetch:
    """Fetches nothing: where there is no way out."""

    async def __call__(self, url: str) -> Fetched:
        raise FetchFailed("nothing is fetched here")

    def objection(self, url: str) -> str | None:
        return "keys by URL are not fetched here"


@dataclass(slots=True)
class _Kept:
    jwks: Json = None
    fetched: float = float("-inf")
    failed: float = float("-inf")
    fresh: float = FRESH_SECONDS
    """For how long after ``fetched`` it is used unasked."""
    stale: float = STALE_SECONDS
    """For how long after ``fetched`` it is used when its address is down."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def take(self, fetched: Fetched, now: float) -> None:
        """Keep what was fetched for as long as it may be.

        https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html#signature-verification
        """
        self.jwks, self.fetched = _read(fetched.body), now
        self.fresh, self.stale = FRESH_SECONDS, STALE_SECONDS
        if fetched.seconds is not None:
            self.fresh, self.stale = min(FRESH_SECONDS, fetched.seconds), fetched.seconds


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
        fetched = await self._fetch(client.jwks_uri, kept, kept.fresh)
        found = verifying_keys(kept.jwks, kid, algorithm)
        if not found and not fetched and await self._fetch(client.jwks_uri, kept, AGAIN_SECONDS):
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
            if now - kept.fetched < age:
                return False
            if now - kept.failed < AGAIN_SECONDS:
                if now - kept.fetched >= kept.stale:
                    raise FetchFailed("the keys could not be fetched a moment ago")
                return False
            try:
                kept.take(await self.fetch(url), now)
            except (FetchFailed, InvalidJwks):
                kept.failed = now
                if now - kept.fetched >= kept.stale:
                    kept.jwks = None
                    raise
            return True


def _read(body: bytes) -> Json:
    try:
        return loads(body)
    except InvalidJson:
        raise InvalidJwks("is not JSON") from None


def kept_seconds(cache_control: str, age: str = "") -> float | None:
    """For how long an answer may be kept by its headers ``Cache-Control`` and ``Age``; None where it does not say.

    https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2
    """
    said = dict(_directive(one) for one in cache_control.split(","))
    if "no-store" in said or "no-cache" in said:
        return 0.0
    seconds = said.get("max-age", "")
    if not _is_number(seconds):
        return None
    return max(0.0, float(seconds) - (float(age) if _is_number(age) else 0.0))


def _directive(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip().strip('"')


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 12
