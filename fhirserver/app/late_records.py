"""Access records of a storage that is opened later: on MongoDB there are none before."""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.access_records import AccessRecord
from fhirserver.ports.storage import Storage


class LateRecords:
    """The access records of a storage that is opened later; see :mod:`fhirserver.ports.access_records`."""

    def __init__(self, storage: Storage):
        self._storage = storage

    async def read(self, key: str) -> AccessRecord | None:
        return await self._storage.access_records.read(key)

    async def find(self, prefix: str, after: str = "", limit: int = 1000) -> Sequence[AccessRecord]:
        return await self._storage.access_records.find(prefix, after, limit)

    async def swap(self, key: str, revision: int, value: JsonObject, expires: int | None = None) -> bool:
        return await self._storage.access_records.swap(key, revision, value, expires)

    async def remove(self, key: str, revision: int) -> bool:
        return await self._storage.access_records.remove(key, revision)

    async def forget_expired(self, most: int = 1000) -> int:
        return await self._storage.access_records.forget_expired(most)
