"""Whether a code system is still as it was when a closure table was worked out with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from fhirserver.kernel.json import JsonObject, dumps
from fhirserver.ports.storage import Key
from terminology.concept_maps.known import Entry, Shelf

_ABOVE = frozenset({"parent", "child", "subsumedBy"})


class HierarchyStates:
    """Digests of what the stored CodeSystems say of their codes; a release has its version and needs none."""

    def __init__(self, shelf: Shelf):
        self._shelf = shelf
        self._known: dict[tuple[Key, int], str] = {}
        self._by_url: dict[str, str] = {}

    def forget(self, changed: Iterable[str] = ()) -> None:
        """Call it when what the shelf holds has changed."""
        self._by_url = {}

    def state(self, url: str) -> str:
        """Another text for another hierarchy; empty for a code system that is not stored here."""
        if url not in self._by_url:
            entries = [one for one in self._shelf.stored("CodeSystem") if url in one.urls]
            best = max(entries, key=lambda one: one.rank, default=None)
            self._by_url[url] = self._digest(best) if best is not None else ""
        return self._by_url[url]

    def _digest(self, entry: Entry) -> str:
        key = (entry.key, entry.position)
        if key not in self._known:
            if len(self._known) > 256:
                self._known = {}
            resource = entry.resource()
            said = [resource.get("caseSensitive"), list(_concepts(resource.get("concept", ())))]
            self._known[key] = hashlib.sha256(dumps(said)).hexdigest()[:16]
        return self._known[key]


def _concepts(concepts: Iterable[JsonObject], above: str = "") -> Iterator[list[object]]:
    """Code, the code above it, and what its properties say of others; without recursion, as hierarchies may be deep."""
    waiting = [(one, above) for one in concepts]
    while waiting:
        concept, parent = waiting.pop()
        code = concept.get("code", "")
        yield [code, parent, [one for one in concept.get("property", ()) if one.get("code") in _ABOVE]]
        waiting += [(one, code) for one in concept.get("concept", ())]
