"""The conformance resources of R4, read one at a time from the packed archive."""

from __future__ import annotations

import lzma
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from fhirserver.kernel.json import JsonObject, loads


class Entry(NamedTuple):
    """Where a conformance resource lies in the archive, and what it is called."""

    type: str
    id: str
    url: str
    version: str
    block: int
    start: int
    length: int


class ConformanceArchive:
    """Read-only archive written by ``scripts/pack_definitions.py``; the catalogue is read on first use.

    Safe to share between threads: nothing is changed after the catalogue is read.
    """

    def __init__(self, path: Path):
        self._path = path
        with path.open("rb") as file:
            size = int.from_bytes(file.read(4), "big")
            catalogue = loads(lzma.decompress(file.read(size)))
        self._offsets = [4 + size, *accumulate(catalogue["blocks"], initial=4 + size)][1:]
        self._by_id: dict[tuple[str, str], Entry] = {}
        self._by_url: dict[str, list[Entry]] = {}
        for row in catalogue["rows"]:
            self._add(Entry(*row))
        self._block = lru_cache(maxsize=2)(self._read_block)

    def _add(self, entry: Entry) -> None:
        self._by_id[entry.type, entry.id] = entry
        if entry.url:
            self._by_url.setdefault(entry.url, []).append(entry)

    def by_url(self, url: str, type_name: str = "") -> JsonObject | None:
        """The resource with this canonical url (a version after ``|`` must match), without its narrative.

        Some tables of v2 have a version of HL7 in the url itself: ``…/v2-0006|2.1``.
        """
        bare, bar, version = (url, "|", "") if url in self._by_url else url.rpartition("|")
        bare = bare if bar else url
        for entry in self._by_url.get(bare, ()):
            if version in ("", entry.version) and type_name in ("", entry.type):
                return self.read(entry)
        return None

    def by_id(self, type_name: str, resource_id: str) -> JsonObject | None:
        entry = self._by_id.get((type_name, resource_id))
        return self.read(entry) if entry else None

    def entries(self, type_name: str = "") -> Iterator[Entry]:
        """The catalogue, of one resource type or of all, without reading any resource."""
        return (e for e in self._by_id.values() if type_name in ("", e.type))

    def entries_of(self, url: str) -> Sequence[Entry]:
        """The catalogue's entries with a canonical url."""
        return self._by_url.get(url, ())

    def read(self, entry: Entry) -> JsonObject:
        """A fresh copy of the resource that the caller may change."""
        block = self._block(entry.block)
        resource: JsonObject = loads(block[entry.start : entry.start + entry.length])
        return resource

    def _read_block(self, number: int) -> bytes:
        start, end = self._offsets[number], self._offsets[number + 1]
        with self._path.open("rb") as file:
            file.seek(start)
            return lzma.decompress(file.read(end - start))
