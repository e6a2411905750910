"""All ConceptMaps that can be asked: R4's own, and those stored here; indexed when first asked, until they change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from fhirserver.kernel.json import JsonObject
from fhirserver.model.canonicals import Rank
from fhirserver.model.definitions import definitions
from fhirserver.ports.storage import Key
from terminology.concept_maps.indexed import IndexedMap

R4_BASE = "http://hl7.org/fhir/"
"""What R4 itself defines under this base is as R4 defines it, whatever is stored."""
_TYPE = "ConceptMap"
_LONGEST = 2048
"""Characters of a canonical: what is longer is not here, and nothing is kept of it."""


class Entry(Protocol):
    """One stored ConceptMap: see :class:`fhirserver.store.conformance.Entry`."""

    @property
    def key(self) -> Key: ...
    @property
    def urls(self) -> tuple[str, ...]: ...
    @property
    def version(self) -> str: ...
    @property
    def position(self) -> int: ...
    @property
    def rank(self) -> Rank: ...
    def resource(self) -> JsonObject: ...


class Shelf(Protocol):
    """Where the stored ones are: :class:`fhirserver.store.conformance.StoredConformance`."""

    def stored(self, type: str) -> Iterable[Entry]: ...


class NothingStored:
    """A shelf of a server that stores none."""

    def stored(self, type: str) -> Iterable[Entry]:
        return ()


class KnownMaps:
    """Call :meth:`forget` when the shelf has changed; what did not change is not read again."""

    def __init__(self, shelf: Shelf | None = None):
        self._shelf = shelf or NothingStored()
        self._indexed: dict[tuple[Key, int], IndexedMap] = {}
        self._built_in: dict[str, IndexedMap] = {}
        self._found: dict[str, IndexedMap | None] = {}
        self._by_system: dict[tuple[str, bool], list[IndexedMap]] | None = None

    def forget(self, changed: Collection[str] = ()) -> None:
        """Look for all of them anew: which version is meant may have changed with any."""
        self._found, self._by_system = {}, None

    def find(self, canonical: str) -> IndexedMap | None:
        """By canonical url, the version after ``|`` or else the best there is; or by ``ConceptMap/id``."""
        if len(canonical) > _LONGEST:
            return None
        if canonical not in self._found:
            if len(self._found) > 1024:
                self._found = {}
            self._found[canonical] = self._look(canonical)
        return self._found[canonical]

    def of_system(self, system: str, reverse: bool = False) -> Sequence[IndexedMap]:
        """The maps in force that have codes of a system as their source; with ``reverse``, as their target."""
        by_system = self._by_system
        if by_system is None:
            by_system = self._by_system = self._sorted_by_system()
        return (*by_system.get((system, reverse), ()), *by_system.get(("", reverse), ()))

    def _look(self, canonical: str) -> IndexedMap | None:
        stored = list(self._shelf.stored(_TYPE))
        if canonical.startswith(f"{_TYPE}/"):
            here = next((one for one in stored if f"{_TYPE}/{one.key.id}" == canonical), None)
            if here is not None:
                return self._index(here)
            own = definitions().archive.by_id(_TYPE, canonical.removeprefix(f"{_TYPE}/"))
            return self._r4(str(own["url"])) if own is not None else None
        url, _, version = canonical.partition("|")
        fitting = [one for one in stored if url in one.urls and version in ("", one.version)]
        if fitting and not url.startswith(R4_BASE):
            return self._index(max(fitting, key=lambda one: one.rank))
        built_in = self._r4(canonical)
        if built_in is not None or not fitting:
            return built_in
        return self._index(max(fitting, key=lambda one: one.rank))

    def _index(self, entry: Entry) -> IndexedMap:
        key = (entry.key, entry.position)
        if key not in self._indexed:
            self._indexed[key] = IndexedMap(entry.resource())
        return self._indexed[key]

    def _r4(self, canonical: str) -> IndexedMap | None:
        if canonical not in self._built_in:
            found = definitions().archive.by_url(canonical, _TYPE)
            if found is None:
                return None
            self._built_in[canonical] = IndexedMap(found)
        return self._built_in[canonical]

    def _sorted_by_system(self) -> dict[tuple[str, bool], list[IndexedMap]]:
        found: dict[tuple[str, bool], list[IndexedMap]] = {}
        for one in self._in_force():
            for system in {group.source for group in one.groups}:
                found.setdefault((system, False), []).append(one)
            for system in {group.target for group in one.groups}:
                found.setdefault((system, True), []).append(one)
        return found

    def _in_force(self) -> list[IndexedMap]:
        """One version of each map, and none that is retired."""
        best: dict[str, Entry] = {}
        nameless: list[Entry] = []
        stored = list(self._shelf.stored(_TYPE))
        for entry in stored:
            url = entry.urls[0] if entry.urls else ""
            if not url:
                nameless.append(entry)
            elif url not in best or best[url].rank < entry.rank:
                best[url] = entry
        archived = {one.url: one for one in definitions().archive.entries(_TYPE)}
        maps = [self._r4(url) for url in archived]
        own = [one for url, one in best.items() if url not in archived or not url.startswith(R4_BASE)]
        maps += [self._index(one) for one in (*own, *nameless)]
        self._keep_only(stored)
        return [one for one in maps if one is not None and one.status != "retired"]

    def _keep_only(self, entries: Iterable[Entry]) -> None:
        there = {(entry.key, entry.position) for entry in entries}
        self._indexed = {key: one for key, one in self._indexed.items() if key in there}
