"""Who of the operators is there: what each says of themselves, until it ends by itself.

It lies in the access records, so that every process knows it, and the end of a record is the end of a presence.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from fhirserver.ports.access_records import AccessRecord, AccessRecords

STATES = ("available", "busy", "away")
"""``available`` takes calls; ``busy`` is at work and takes none; ``away`` is not there."""
LONGEST_SECONDS = 12 * 3600
_PREFIX = "operator-presence/"
_PATIENCE = 20


@dataclass(frozen=True, slots=True)
class Presence:
    """What an operator said: since when, and until when, in seconds since 1970."""

    name: str
    state: str
    since: int
    until: int


class Presences:
    """The presences of one workspace. ``now``: seconds since 1970."""

    def __init__(self, records: AccessRecords, now: Callable[[], float] = time.time):
        self._records, self._now = records, now

    async def all(self) -> dict[str, Presence]:
        """Those that hold, by the operator's name."""
        found: list[AccessRecord] = []
        while page := await self._records.find(_PREFIX, found[-1].key if found else ""):
            found += page
        return {one.name: one for one in map(_presence, found)}

    async def state(self, name: str, state: str, seconds: int) -> Presence:
        """An operator says how it is with them, for so long. Raises ValueError for another state."""
        if state not in STATES:
            raise ValueError(f"a presence is one of {', '.join(STATES)}")
        now = int(self._now())
        until, key = now + max(1, min(seconds, LONGEST_SECONDS)), _key(name)
        for _ in range(_PATIENCE):
            kept = await self._records.read(key)
            same = kept is not None and kept.value["state"] == state
            since = int(kept.value["since"]) if kept is not None and same else now
            value = {"name": name, "state": state, "since": since, "until": until}
            if await self._records.swap(key, kept.revision if kept else 0, value, until):
                break
        return Presence(name, state, since, until)


def _key(name: str) -> str:
    return _PREFIX + hashlib.sha256(name.encode()).hexdigest()[:32]


def _presence(kept: AccessRecord) -> Presence:
    return Presence(**kept.value)
