"""The conformance resources that this server knows: R4's own, and those stored in it.

Kept current by following the log, lazily: nothing happens before somebody asks, and the log is read from where it was
read last. What other processes wrote to the same storage is seen as well. https://hl7.org/fhir/R4/conformance-module.html
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass

import msgspec

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.model.canonicals import Rank, rank
from fhirserver.model.definitions import definitions
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Key, Version
from fhirserver.search.cursor import decode
from fhirserver.search.expression import Query
from fhirserver.store.store import Store

TYPES = (
    *("StructureDefinition", "ValueSet", "CodeSystem", "ConceptMap", "SearchParameter", "NamingSystem"),
    "CapabilityStatement",
)
"""The types whose stored resources are found."""

R4_BASE = "http://hl7.org/fhir/"
"""What R4 itself defines under this base is as R4 defines it, whatever is stored."""

BATCH = 500
FARTHEST = 4 * BATCH
"""When more commits than this were missed, looking at what is stored costs less than reading them."""
PAGE = 100

Listener = Callable[[frozenset[str]], None]


class _UniqueId(msgspec.Struct):
    value: str = ""


class _Head(msgspec.Struct):
    """What has to be known of a resource to find it."""

    url: str = ""
    version: str = ""
    status: str = ""
    date: str = ""
    type: str = ""
    kind: str = ""
    derivation: str = ""
    supplements: str = ""
    valueSet: str = ""
    uniqueId: list[_UniqueId] = []


_heads = msgspec.json.Decoder(_Head)


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored resource: what finds it, and its content packed."""

    key: Key
    urls: tuple[str, ...]
    version: str
    position: int
    rank: Rank
    profiled: str
    """The resource type that a profile constrains; empty for all else."""
    supplements: str
    """The canonical of the CodeSystem that this one supplements."""
    value_set: str
    """The canonical of the value set that holds all codes of this CodeSystem."""
    packed: bytes

    def resource(self) -> JsonObject:
        """A fresh copy, without its narrative."""
        found: JsonObject = loads(zlib.decompress(self.packed))
        found.pop("text", None)
        return found


class StoredConformance:
    """A :class:`fhirserver.ports.conformance.Conformance`. Finding is synchronous and sees what was there at the last
    :meth:`catch_up`, which costs one look at the log's head when nothing was written since.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = asyncio.Lock()
        self._seen: int | None = None
        self._by_key: dict[Key, Entry] = {}
        self._by_url: dict[str, tuple[Entry, ...]] = {}
        self._listeners: list[Listener] = []
        self.generation = 0
        """Counts the changes."""

    def listen(self, listener: Listener) -> None:
        """Have ``listener`` told the canonical urls whose resources changed."""
        self._listeners.append(listener)

    # Finding

    def find(self, url: str, type: str = "") -> JsonObject | None:
        """The resource with a canonical url: the version after ``|``, or else the best there is.

        ``Type/id`` finds what is stored at that place, or else what R4 defines under it.
        """
        if url.partition("/")[0] in TYPES:
            return self._at(Key(*url.split("/", 1)), type)
        bare, _, version = url.partition("|")
        stored = self._stored(bare, version, type)
        if stored is not None and not bare.startswith(R4_BASE):
            return stored.resource()
        built_in = definitions().archive.by_url(url, type)
        if built_in is not None or stored is None:
            return built_in
        return stored.resource()

    def _at(self, key: Key, type: str) -> JsonObject | None:
        if type not in ("", key.type):
            return None
        here = self._by_key.get(key)
        return here.resource() if here is not None else definitions().archive.by_id(*key)

    def holds(self, key: Key) -> bool:
        """Whether something is stored at a place."""
        return key in self._by_key

    def stored(self, type: str) -> Iterator[Entry]:
        """What is stored of a type."""
        return (entry for entry in self._by_key.values() if entry.key.type == type)

    def urls(self, type: str) -> list[str]:
        """The canonical urls of the resources of a type that can be found."""
        stored = [entry.urls[0] for entry in self.stored(type) if entry.urls]
        return [*stored, *(entry.url for entry in definitions().archive.entries(type) if entry.url)]

    def versions(self, url: str, type: str) -> list[str]:
        """Every version that can be found of a resource, the best last."""
        stored = [entry for entry in self._by_url.get(url, ()) if entry.key.type == type]
        ranked = [entry.version for entry in sorted(stored, key=lambda entry: entry.rank)]
        built_in = [entry.version for entry in definitions().archive.entries_of(url) if entry.type == type]
        best_last = (*ranked, *built_in) if url.startswith(R4_BASE) else (*built_in, *ranked)
        return list(dict.fromkeys(reversed(best_last)))[::-1]

    def supplements(self, system: str) -> list[str]:
        """The stored CodeSystems that supplement a system, as canonicals."""
        entries = (
            e for e in self.stored("CodeSystem") if e.supplements.partition("|")[0] == system and e.urls
        )
        return [f"{e.urls[0]}|{e.version}" if e.version else e.urls[0] for e in entries]

    def with_value_set(self, url: str) -> list[str]:
        """The stored CodeSystems that say that the value set with this url holds all their codes, as canonicals."""
        entries = (e for e in self.stored("CodeSystem") if e.value_set.partition("|")[0] == url and e.urls)
        return [f"{e.urls[0]}|{e.version}" if e.version else e.urls[0] for e in entries]

    def profiles(self) -> dict[str, list[str]]:
        """The canonical urls of the profiles that are stored, by the resource type that they constrain."""
        found: dict[str, list[str]] = {}
        for entry in self._by_key.values():
            if entry.profiled and entry.urls:
                found.setdefault(entry.profiled, []).append(entry.urls[0])
        return {type: sorted(set(urls)) for type, urls in found.items()}

    def _stored(self, url: str, version: str, type: str) -> Entry | None:
        fitting = [
            entry
            for entry in self._by_url.get(url, ())
            if version in ("", entry.version) and type in ("", entry.key.type)
        ]
        return max(fitting, key=lambda entry: entry.rank, default=None)

    # Following

    async def catch_up(self) -> None:
        """See all that is committed by now."""
        head = await self._store.storage.head()
        if head.projected == self._seen:
            return
        async with self._lock:
            head = await self._store.storage.head()
            if self._seen is None or head.projected - self._seen > FARTHEST:
                await self._look_at_all()
            else:
                await self._read_on(self._seen, head.projected)
            self._seen = head.projected

    async def _look_at_all(self) -> None:
        gone = set(self._by_key)
        for type in TYPES:
            async for version in self._all_of(type):
                gone.discard(key := Key(version.type, version.id))
                known = self._by_key.get(key)
                if known is None or known.position != version.position:
                    await self._take(key, version)
        for key in gone:
            await self._take(key, None)

    async def _all_of(self, type: str) -> AsyncIterator[Version]:
        cursor = None
        while True:
            page = await self._store.search(Query(type, count=PAGE, cursor=cursor))
            for version in page.versions:
                yield version
            if not page.cursor:
                return
            cursor = decode(page.cursor, ())

    async def _read_on(self, after: int, end: int) -> None:
        while after < end:
            commits = await self._store.read_log(after, BATCH)
            if not commits:
                return
            for key in _touched(commits):
                await self._take(key, await self._store.read(*key))
            after = commits[-1].position

    async def _take(self, key: Key, version: Version | None) -> None:
        before = self._by_key.pop(key, None)
        after = None
        if version is not None and not version.deleted:
            after = self._by_key[key] = await asyncio.to_thread(_entry, key, version)
        changed = frozenset((*(before.urls if before else ()), *(after.urls if after else ())))
        for url in changed:
            self._file(url, key, after)
        self.generation += 1
        for listener in self._listeners:
            listener(changed)

    def _file(self, url: str, key: Key, after: Entry | None) -> None:
        others = tuple(entry for entry in self._by_url.get(url, ()) if entry.key != key)
        entries = (*others, after) if after is not None and url in after.urls else others
        if entries:
            self._by_url[url] = entries
        else:
            self._by_url.pop(url, None)


def _touched(commits: Iterable[Commit]) -> list[Key]:
    keys = (
        Key(event["type"], event["id"])
        for commit in commits
        for event in commit.events
        if event.get("type") in TYPES
    )
    return list(dict.fromkeys(keys))


def _entry(key: Key, version: Version) -> Entry:
    head = _heads.decode(version.content)
    urls = tuple(dict.fromkeys(url for url in (head.url, *(one.value for one in head.uniqueId)) if url))
    packed = zlib.compress(version.content, 1)
    order = rank(head.status, head.version, head.date, version.position)
    is_profile = (
        key.type == "StructureDefinition" and head.derivation == "constraint" and head.kind == "resource"
    )
    profiled = head.type if is_profile and head.status != "retired" else ""
    return Entry(
        key, urls, head.version, version.position, order, profiled, head.supplements, head.valueSet, packed
    )
