"""Everything that is known here, by name: what is stored, R4's own, imported releases, and what is built in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Protocol

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Refusal
from fhirserver.model.canonicals import version_order
from fhirserver.model.definitions import definitions
from fhirserver.ports.releases import Releases
from fhirserver.ports.storage import Key
from fhirserver.ports.terminology_browsing import Known, Page
from terminology.code_systems.words import fold
from terminology.systems import System

TYPES = ("CodeSystem", "ValueSet", "ConceptMap")


class Entry(Protocol):
    """A stored resource."""

    @property
    def key(self) -> Key: ...

    @property
    def position(self) -> int: ...

    def resource(self) -> JsonObject: ...


class Shelf(Protocol):
    """What is stored. The generation is another number after each change."""

    @property
    def generation(self) -> int: ...

    def stored(self, type: str) -> Iterator[Entry]: ...


class Directory:
    """Reads a stored resource once, and R4's own at the first look: 0.8 s, then some hundred kB. Safe between threads.

    ``built_in`` are the urls of grammars and lists, ``system`` finds what is behind one. ``own``
    are this server's own definitions among what is stored.
    """

    def __init__(
        self,
        shelf: Shelf,
        releases: Releases | None = None,
        built_in: Iterable[str] = (),
        system: Callable[[str], System | None] = lambda url: None,
        own: frozenset[Key] = frozenset(),
    ):
        self._shelf, self._releases = shelf, releases
        self._built_in, self._system = tuple(built_in), system
        self._own = own
        self._read: dict[tuple[Key, int], Known] = {}
        self._made: dict[str, tuple[tuple[int, int], list[tuple[str, Known]]]] = {}

    def page(self, type: str, text: str, offset: int, count: int) -> Page:
        words = fold(text).split()
        fitting = {one: [*self._fitting(one, words)] for one in TYPES}
        totals = {one: len(found) for one, found in fitting.items()}
        return Page(tuple(fitting[type][offset : offset + count]), totals)

    def find(self, type: str, url: str, version: str = "") -> Known | None:
        """The one named; without a version the last listed."""
        found = [one for _, one in self._listed(type) if one.url == url and version in ("", one.version)]
        return found[-1] if found else None

    def _fitting(self, type: str, words: Sequence[str]) -> Iterator[Known]:
        return (known for name, known in self._listed(type) if all(word in name for word in words))

    def _listed(self, type: str) -> list[tuple[str, Known]]:
        """All of a type with the folded text that is searched: what people stored or imported first, by title."""
        state = (self._shelf.generation, self._releases.generation() if self._releases is not None else 0)
        made = self._made.get(type)
        if made is None or made[0] != state:
            known = {_identity(one): one for one in self._all(type)}
            made = self._made[type] = (
                state,
                [(_searched(one), one) for one in sorted(known.values(), key=_order)],
            )
        return made[1]

    def _all(self, type: str) -> Iterator[Known]:
        """Of the same url and version the last counts: a release before what is stored."""
        yield from _of_r4(type)
        if type == "CodeSystem":
            yield from self._built()
        yield from self._stored(type)
        if type == "CodeSystem" and self._releases is not None:
            yield from (known_of(header, "release") for header in self._releases.all())

    def _stored(self, type: str) -> Iterator[Known]:
        for entry in [*self._shelf.stored(type)]:
            name = (entry.key, entry.position)
            if name not in self._read:
                for old in [other for other in [*self._read] if other[0] == entry.key]:
                    self._read.pop(old, None)
                self._read[name] = known_of(
                    entry.resource(), "built in" if entry.key in self._own else "stored"
                )
            yield self._read[name]

    def _built(self) -> Iterator[Known]:
        for url in self._built_in:
            system = self._system(url)
            if system is None:
                yield Known("CodeSystem", url, origin="built in", content="complete")
            else:
                header = {**system.header, "resourceType": "CodeSystem", "url": url}
                yield known_of(header, "built in", size_of(system))


def size_of(system: System) -> int | None:
    """How many concepts there are; None where the codes have no end."""
    try:
        return system.size
    except Refusal:
        return None


def known_of(resource: JsonObject, origin: str, count: int | None = None) -> Known:
    """What a list says of a resource, or of the header of one."""
    is_system = resource["resourceType"] == "CodeSystem"
    if is_system and count is None:
        count = _counted(resource["concept"]) if resource.get("concept") else resource.get("count")
    return Known(
        resource["resourceType"],
        str(resource.get("url", "")),
        str(resource.get("version", "")),
        str(resource.get("title") or resource.get("name") or ""),
        str(resource.get("status", "")),
        origin,
        str(resource.get("content", "")) if is_system else "",
        count if is_system else None,
    )


def _counted(concepts: Sequence[JsonObject]) -> int:
    """With those nested in them."""
    number, waiting = 0, [*concepts]
    while waiting:
        concept = waiting.pop()
        number += 1
        waiting.extend(concept.get("concept", ()))
    return number


@cache
def _of_r4(type: str) -> tuple[Known, ...]:
    archive = definitions().archive
    entries = sorted(archive.entries(type), key=lambda entry: (entry.block, entry.start))
    return tuple(known_of(archive.read(entry), "R4") for entry in entries if entry.url)


def _identity(known: Known) -> tuple[str, str]:
    return known.url, known.version


def _searched(known: Known) -> str:
    return fold(f"{known.title} {known.url} {known.version}")


_ORIGINS = ("release", "stored", "built in", "R4")


def _order(known: Known) -> tuple[object, ...]:
    return (
        _ORIGINS.index(known.origin),
        fold(known.title or known.url),
        known.url,
        version_order(known.version),
    )
