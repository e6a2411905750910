"""What was revoked while tokens for it may still be about: asked of every request, so kept in memory, and small.

A process that revokes knows it at once, the others when they read the list again, each second.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from fhirserver.access.smart.keys import LONGEST_TOKEN_SECONDS
from fhirserver.ports.access_records import AccessRecords

log = logging.getLogger("credence.smart")

_PREFIX = "revoked/"
_SLACK_SECONDS = 120
_PAGE = 1000
_PERIOD_SECONDS = 1.0
_PATIENCE = 20
_TURNS = 60
"""After so many seconds what is over is let go of."""
KINDS = ("grant", "client", "user")
"""A grant by its id, a client by its id, a user by the subject that apps know."""


class Revocations:
    """``now``: seconds since 1970."""

    def __init__(self, records: AccessRecords, now: Callable[[], float] = time.time):
        self._records, self._now = records, now
        self._known: dict[str, int] = {}

    def covers(self, issued: int, grant: str, client: str, user: str) -> bool:
        """Whether a token that was issued at ``issued`` was revoked since, by its grant, its client or its user."""
        known = self._known
        if not known:
            return False
        revoked = (f"grant/{grant}", f"client/{client}", f"user/{user}")
        return any(issued <= known[one] for one in revoked if one in known)

    async def is_revoked(self, kind: str, id: str) -> bool:
        """Whether something was revoked, by whichever process, however short ago."""
        return f"{kind}/{id}" in self._known or await self._records.read(f"{_PREFIX}{kind}/{id}") is not None

    async def revoke(self, kind: str, id: str) -> None:
        """No token that was issued until now holds any more for this grant, client or user."""
        name, now = f"{kind}/{id}", int(self._now())
        self._known[name] = now
        until = now + LONGEST_TOKEN_SECONDS + _SLACK_SECONDS
        for _ in range(_PATIENCE):
            kept = await self._records.read(_PREFIX + name)
            if await self._records.swap(_PREFIX + name, kept.revision if kept else 0, {"at": now}, until):
                return

    async def refresh(self) -> None:
        """Read the list anew."""
        found: dict[str, int] = {}
        after = ""
        while page := await self._records.find(_PREFIX, after, _PAGE):
            found |= {one.key.removeprefix(_PREFIX): int(one.value["at"]) for one in page}
            after = page[-1].key
        own = {name: at for name, at in self._known.items() if at >= self._now() - 2 * _PERIOD_SECONDS}
        self._known = {**found, **{name: at for name, at in own.items() if at >= found.get(name, 0)}}

    async def run(self) -> None:
        """Read it each second, and let go of records that are over now and then."""
        turn = 0
        while True:
            try:
                await self.refresh()
                turn += 1
                if turn % _TURNS == 0:
                    while await self._records.forget_expired(_PAGE) == _PAGE:
                        log.info("records of access that were over were let go of: %d", _PAGE)
            except Exception as error:  # the storage may be back the next time
                log.warning("the list of what was revoked cannot be read: %s", type(error).__name__)
            await asyncio.sleep(_PERIOD_SECONDS)
