"""Sessions of people who signed in with a browser: a cookie's secret, and what is remembered under its digest.

Kept in the access records, so that every process knows them and one that ends has ended everywhere. They end when
nothing is asked for a while, and after a time whatever is asked.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Final

from fhirserver.kernel.instants import Clock
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.access_records import AccessRecord, AccessRecords

IDLE_SECONDS: Final = 3600
WHOLE_SECONDS: Final = 8 * 3600
_SEEN_PARTS: Final = 20
"""A request is noted where the last one that was noted is more than this part of the idle time ago."""
_PATIENCE: Final = 20


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Seconds: without a request, and in all."""

    idle: int = IDLE_SECONDS
    whole: int = WHOLE_SECONDS


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """One session. ``id``: the cookie's secret. ``values``: what is remembered, such as who signed in.

    It ``began`` and lasts ``until`` these seconds since 1970, if not less.
    """

    id: str = field(repr=False)
    values: JsonObject
    began: int
    until: int

    @property
    def form_token(self) -> str:
        """What every form of the session's pages carries, as pages of other sites cannot know it."""
        return form_token(self.id)

    @property
    def name(self) -> str:
        """By which others may speak of the session: it opens nothing."""
        return session_name(self.id)


class BrowserSessions:
    """The sessions of one ``kind``: a cookie of another kind opens nothing here."""

    def __init__(self, records: AccessRecords, kind: str, clock: Clock, limits: SessionLimits | None = None):
        self._records, self._prefix, self._clock = records, f"session/{kind}/", clock
        self.limits = limits or SessionLimits()

    async def begin(self, values: JsonObject, old: str = "") -> BrowserSession:
        """A new session with a new secret. That of ``old``, which the browser had until now, ends."""
        await self.end(old)
        id, now = secrets.token_urlsafe(32), self._now()
        until = now + self.limits.whole
        kept = {"began": now, "seen": now, "until": until, "values": values}
        await self._records.swap(self._key(id), 0, kept, until)
        return BrowserSession(id, values, now, until)

    async def of(self, id: str, active: bool = True) -> BrowserSession | None:
        """The session of a cookie, while it lasts. ``active``: a person asks, not a page by itself."""
        kept = await self._records.read(self._key(id)) if id else None
        if kept is None or self._is_over(kept):
            return None
        now, value = self._now(), kept.value
        if active and now - value["seen"] > self.limits.idle / _SEEN_PARTS:
            # Where this does not succeed another request has just done it.
            await self._records.swap(kept.key, kept.revision, {**value, "seen": now}, kept.expires)
        return BrowserSession(id, value["values"], value["began"], value["until"])

    async def is_open(self, name: str) -> bool:
        """Whether the session of this name lasts still."""
        kept = await self._records.read(self._prefix + name)
        return kept is not None and not self._is_over(kept)

    async def remember(self, id: str, values: JsonObject) -> None:
        """Add to what is remembered of a session, where it still lasts."""
        for _ in range(_PATIENCE):
            kept = await self._records.read(self._key(id)) if id else None
            if kept is None or self._is_over(kept):
                return
            changed = {**kept.value, "values": {**kept.value["values"], **values}}
            if await self._records.swap(kept.key, kept.revision, changed, kept.expires):
                return

    async def end(self, id: str) -> None:
        """Its cookie opens nothing any more."""
        for _ in range(_PATIENCE):
            kept = await self._records.read(self._key(id)) if id else None
            if kept is None or await self._records.remove(kept.key, kept.revision):
                return

    def _is_over(self, kept: AccessRecord) -> bool:
        now, value = self._now(), kept.value
        return bool(now - value["seen"] >= self.limits.idle or now >= value["until"])

    def _key(self, id: str) -> str:
        return self._prefix + session_name(id)

    def _now(self) -> int:
        return int(self._clock.now().timestamp())


def session_name(id: str) -> str:
    """The name of a cookie's secret, from which nobody gets back to it."""
    return hashlib.sha256(id.encode("utf-8", "replace")).hexdigest()


def form_token(id: str) -> str:
    """The form token of a cookie's secret, from which nobody gets back to it."""
    return hmac.digest(id.encode("utf-8", "replace"), b"a form of this session", hashlib.sha256).hex()


def form_is_ours(expected: str, sent: str) -> bool:
    """Whether the token that a form sent is that of the session's pages."""
    return hmac.compare_digest(expected.encode(), sent.encode("utf-8", "replace"))
