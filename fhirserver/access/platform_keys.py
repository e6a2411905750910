"""Platform keys: what programs of a practice show at ``/platform`` and ``/fhir``, each with a role.

A key is shown once and kept as a digest, in the access records of its workspace. Every process knows all keys from
memory, as each request asks for one, and reads them again each second; one that it does not know it looks for.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import secrets
import string
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from fhirserver.access.platform_roles import PLATFORM_ROLES
from fhirserver.access.principals import token_digest
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.access_records import AccessRecord, AccessRecords

log = logging.getLogger("credence.platform")

BEGINNING = "crd_key_"
"""How every key begins, so that scanners of source code find one that was left there."""
SHAPE = re.compile(r"crd_key_([0-9a-z]{12})_([0-9A-Za-z]{32})([0-9a-f]{8})\Z")
"""``crd_key_``, the id, 190 random bits, and the CRC-32 of all before it in hex."""
MOST_KEYS = 1000
LONGEST_OVERLAP = 7 * 86_400
"""Seconds that the secret before a rotation still counts, at most."""
USE_SECONDS = 3600
"""How coarsely is kept when a key was last used."""
_PREFIX, _USED = "platform-key/", "platform-key-used/"
_NAME = "key:"
_DIGITS = string.digits + string.ascii_letters
_PERIOD_SECONDS = 0.5
_PATIENCE = 20


class TooManyKeys(ValueError):
    """There are :data:`MOST_KEYS` already."""


class UnknownKey(LookupError):
    """There is no such key, or it has ended."""


@dataclass(frozen=True, slots=True)
class PlatformKey:
    """A key without its secret. Moments are seconds since 1970, 0 for none.

    ``digests`` are of the secrets that count, each with the moment until which it does. ``made_by`` is the name of the
    principal who made it.
    """

    id: str
    name: str
    role: str
    source: str
    made_by: str
    made: int
    expires: int = 0
    rotated: int = 0
    used: int = 0
    digests: Mapping[str, int] = field(default_factory=dict)

    @property
    def principal(self) -> str:
        """What its principal is called, in audit and provenance."""
        return f"{_NAME}{self.id}"


class PlatformKeys:
    """The keys of one workspace. ``now``: seconds since 1970."""

    def __init__(self, records: AccessRecords, now: Callable[[], float] = time.time):
        self._records, self._now = records, now
        self._known: dict[str, PlatformKey] = {}
        self._by_digest: dict[str, tuple[PlatformKey, int]] = {}
        self._used: dict[str, int] = {}
        self._unkept: set[str] = set()
        self.generation = 0
        """Counts up whenever another secret counts, or one not any more."""

    def of_token(self, token: str) -> PlatformKey | None:
        """The key whose secret this is, as far as this process knows it."""
        found = self.held(token)
        return found[0] if found is not None else None

    def held(self, token: str) -> tuple[PlatformKey, int] | None:
        """The same, with the moment until which the secret counts (0: without end)."""
        return self._held(token_digest(token))

    def of_digest(self, digest: str) -> PlatformKey | None:
        """The key one of whose secrets has this digest."""
        found = self._held(digest)
        return found[0] if found is not None else None

    def _held(self, digest: str) -> tuple[PlatformKey, int] | None:
        found = self._by_digest.get(digest)
        return found if found is not None and _holds(found[1], self._now()) else None

    def known(self, id: str) -> PlatformKey | None:
        """A key that holds, by its id."""
        key = self._known.get(id)
        return key if key is not None and _holds(key.expires, self._now()) else None

    def note_use(self, key: PlatformKey) -> None:
        """It was used just now; kept by :meth:`refresh`, an hour apart."""
        now = int(self._now())
        if now - self._used.get(key.id, 0) >= USE_SECONDS:
            self._used[key.id] = now
            self._unkept.add(key.id)

    async def learn(self, token: str) -> bool:
        """Look in the records for a key that another process made a moment ago."""
        shape = SHAPE.match(token)
        if shape is None or not _is_whole(token):
            return False
        return await self._learn_id(shape[1]) and self.of_token(token) is not None

    async def learn_name(self, name: str) -> bool:
        """The same by what the key's principal is called; whether there is such a key."""
        return name.startswith(_NAME) and await self._learn_id(name.removeprefix(_NAME))

    async def _learn_id(self, id: str) -> bool:
        kept = await self._records.read(_PREFIX + id)
        if kept is None:
            return False
        self._take({**self._known, id: _key(kept)})
        return True

    async def all(self) -> list[PlatformKey]:
        """Every key that has not ended, the oldest id first, with when it was last used."""
        used = {one.key.removeprefix(_USED): int(one.value["at"]) for one in await self._read_all(_USED)}
        used |= {id: at for id, at in self._used.items() if at > used.get(id, 0)}
        keys = [_key(one) for one in await self._read_all(_PREFIX)]
        return [replace(key, used=used.get(key.id, 0)) for key in keys]

    async def find(self, id: str) -> PlatformKey:
        """One key. Raises :class:`UnknownKey`."""
        kept = await self._records.read(_PREFIX + id)
        if kept is None:
            raise UnknownKey(id)
        used = await self._records.read(_USED + id)
        at = max(int(used.value["at"]) if used else 0, self._used.get(id, 0))
        return replace(_key(kept), used=at)

    async def make(
        self, name: str, role: str, source: str, made_by: str, expires: int = 0
    ) -> tuple[PlatformKey, str]:
        """A new key and its secret, which is nowhere else. Raises :class:`TooManyKeys`; ValueError for another role."""
        if role not in PLATFORM_ROLES:
            raise ValueError(f"the role of a key is one of {', '.join(PLATFORM_ROLES)}")
        if len(await self._read_all(_PREFIX)) >= MOST_KEYS:
            raise TooManyKeys(f"a workspace has {MOST_KEYS} keys at most: revoke one first")
        id = "".join(secrets.choice(string.digits + string.ascii_lowercase) for _ in range(12))
        token = _token(id)
        digests = {token_digest(token): expires}
        key = PlatformKey(id, name, role, source, made_by, int(self._now()), expires, digests=digests)
        await self._records.swap(_PREFIX + id, 0, _value(key), expires or None)
        self._take({**self._known, id: key})
        return key, token

    async def rename(self, id: str, name: str) -> PlatformKey:
        """Call it something else. Raises :class:`UnknownKey`."""
        return await self._change(id, lambda key: replace(key, name=name))

    async def rotate(self, id: str, overlap: int) -> tuple[PlatformKey, str]:
        """Another secret for a key; the one before counts for ``overlap`` more seconds. Raises :class:`UnknownKey`."""
        token, now = _token(id), int(self._now())
        until = now + min(overlap, LONGEST_OVERLAP)

        def rotated(key: PlatformKey) -> PlatformKey:
            former = {
                digest: min(until, end or until) for digest, end in key.digests.items() if _holds(end, now)
            }
            kept = {digest: end for digest, end in former.items() if overlap and end > now}
            return replace(key, rotated=now, digests={**kept, token_digest(token): key.expires})

        return await self._change(id, rotated), token

    async def revoke(self, id: str) -> None:
        """It opens nothing any more: here at once, in other processes within a second. Raises :class:`UnknownKey`."""
        for _ in range(_PATIENCE):
            kept = await self._records.read(_PREFIX + id)
            if kept is None:
                break
            if await self._records.remove(kept.key, kept.revision):
                self._take({other: key for other, key in self._known.items() if other != id})
                return
        self._take({other: key for other, key in self._known.items() if other != id})
        raise UnknownKey(id)

    async def refresh(self) -> None:
        """Read the keys anew, and keep when they were used."""
        self._take({key.id: key for key in map(_key, await self._read_all(_PREFIX))})
        unkept, self._unkept = self._unkept, set()
        for id in unkept & self._known.keys():
            await self._keep_use(id, self._used[id])

    async def run(self) -> None:
        """Refresh them each half second."""
        while True:
            try:
                await self.refresh()
            except Exception as error:  # the storage may be back the next time
                log.warning("the platform keys cannot be read: %s", type(error).__name__)
            await asyncio.sleep(_PERIOD_SECONDS)

    async def _keep_use(self, id: str, at: int) -> None:
        kept = await self._records.read(_USED + id)
        if kept is None or at - int(kept.value["at"]) >= USE_SECONDS:
            until = at + 400 * 86_400
            await self._records.swap(_USED + id, kept.revision if kept else 0, {"at": at}, until)

    async def _change(self, id: str, change: Callable[[PlatformKey], PlatformKey]) -> PlatformKey:
        for _ in range(_PATIENCE):
            kept = await self._records.read(_PREFIX + id)
            if kept is None:
                break
            key = change(_key(kept))
            if await self._records.swap(kept.key, kept.revision, _value(key), key.expires or None):
                self._take({**self._known, id: key})
                return key
        raise UnknownKey(id)

    async def _read_all(self, prefix: str) -> list[AccessRecord]:
        found: list[AccessRecord] = []
        while page := await self._records.find(prefix, found[-1].key if found else ""):
            found += page
        return found

    def _take(self, keys: dict[str, PlatformKey]) -> None:
        """From now on these are known, and no others."""
        if keys == self._known:
            return
        now = self._now()
        self.generation += 1
        self._known = keys
        self._by_digest = {digest: (key, until) for key in keys.values() for digest, until in _ends(key, now)}


def _ends(key: PlatformKey, now: float) -> Iterable[tuple[str, int]]:
    return [(digest, until) for digest, until in key.digests.items() if _holds(until, now)]


def _holds(until: int, now: float) -> bool:
    return not until or until > now


def _token(id: str) -> str:
    begun = f"{BEGINNING}{id}_{''.join(secrets.choice(_DIGITS) for _ in range(32))}"
    return begun + _check(begun)


def _check(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"


def _is_whole(token: str) -> bool:
    """Whether nobody has mistyped it: what is no key does not reach the storage."""
    return hmac.compare_digest(token[-8:], _check(token[:-8]))


def _value(key: PlatformKey) -> JsonObject:
    return {
        "name": key.name,
        "role": key.role,
        "source": key.source,
        "made_by": key.made_by,
        "made": key.made,
        "expires": key.expires,
        "rotated": key.rotated,
        "digests": dict(key.digests),
    }


def _key(kept: AccessRecord) -> PlatformKey:
    return PlatformKey(kept.key.removeprefix(_PREFIX), **kept.value)
