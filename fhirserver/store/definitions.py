"""What R4 defines and what else is built in, read and searched as if it were stored.

It lies packed beside the code, and costs nothing before somebody asks. A resource that is stored under the same id
stands in its place. https://hl7.org/fhir/R4/terminology-service.html
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC
from functools import cache
from typing import Final

from fhirserver.kernel.instants import instant, microseconds, parse_instant
from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.model.definitions import definitions
from fhirserver.ports.storage import Key, Version
from fhirserver.search.defined import Parameters
from fhirserver.search.expression import (
    And,
    Chain,
    Everything,
    Has,
    IdIs,
    LastUpdated,
    Query,
    TokenAmong,
    UriIs,
    Within,
    leaves,
)
from fhirserver.search.index import extract
from fhirserver.search.match import Entry, Place, in_order, is_after, matches, sort_value

TYPES: Final = ("CodeSystem", "ConceptMap", "NamingSystem", "ValueSet")
FIRST: Final = 2**62
"""The number of the first of them: behind all that is stored, where nothing else orders them."""

_PUBLISHED: Final = "2019-11-01T09:29:23.356+11:00"
_BIG: Final = frozenset(
    {"concept", "compose", "expansion", "group", "description", "purpose", "copyright", "contact"}
)
_HEAD: Final = frozenset(
    {"url", "version", "name", "title", "status", "date", "publisher", "jurisdiction", "identifier", "context",
     "context-type", "content-mode", "supplements", "system", "_profile", "_tag", "_security", "_source"}
)  # fmt: skip
"""Parameters that can be told by a resource without its big elements."""
_JOINS: Final = (Chain, Has, Within, TokenAmong)

Others = Mapping[str, tuple[str, Callable[[], JsonObject]]]
"""By id: the url of a CodeSystem, and what makes the resource."""


class Definitions:
    """Everything of :data:`TYPES` in R4, and ``others`` that are no resources elsewhere. Safe between threads."""

    def __init__(self, others: Others | None = None):
        self._others = others or {}

    def read(self, type: str, id: str) -> Version | None:
        """Version 1 of a resource; it never has another."""
        if type not in TYPES:
            return None
        found = self._resource(type, id)
        return None if found is None else _version(found)

    def places(
        self, query: Query, known: Parameters, stored: Callable[[Key], bool]
    ) -> list[tuple[Place, Key]]:
        """What matches a query of one type, and is not ``stored``, in its order; with its sort values and number.

        What is searched by other resources, or by codes that another server is asked about, is not found.
        """
        if any(isinstance(leaf, _JOINS) for leaf in leaves(query.where)):
            return []
        found: dict[Place, Key] = {}
        for number, entry in self._entries(query, known):
            key = Key(entry.type, entry.id)
            if not stored(key) and matches(query.where, entry, _ALONE):
                place = tuple(sort_value(one, entry) for one in query.sort), FIRST + number
                if query.cursor is None or is_after(query.sort, *place, query.cursor):
                    found[place] = key
        return [(place, found[place]) for place in in_order(query.sort, found)]

    def _entries(self, query: Query, known: Parameters) -> Iterator[tuple[int, Entry]]:
        """Those that may match, as search sees them: with no more than is needed to tell."""
        ids, numbers = self._narrowed(query), self._numbers(query.type)
        if query.where == Everything() and not query.sort:
            yield from ((numbers[id], Entry(query.type, id, 0, ())) for id in ids)
            return
        resources = self._heads(query.type, ids) if _told_by_heads(query) else self._whole(query.type, ids)
        for resource in resources:
            updated = microseconds(_recorded(resource))
            content = dumps(resource)
            values = extract(resource, known=known)
            yield numbers[resource["id"]], Entry(query.type, str(resource["id"]), updated, values, content)

    def _narrowed(self, query: Query) -> list[str]:
        """The ids that the catalogue leaves in question."""
        asked = query.where.of if isinstance(query.where, And) else (query.where,)
        for one in asked:
            if isinstance(one, IdIs):
                return [one.id] if one.id in self._numbers(query.type) else []
            if isinstance(one, UriIs) and one.how == "exact" and one.param == "url":
                return self._of_url(query.type, one.uri)
        return list(self._numbers(query.type))

    def _of_url(self, type: str, url: str) -> list[str]:
        own = [id for id, (of, _) in self._others.items() if of == url] if type == "CodeSystem" else []
        return [*(one.id for one in definitions().archive.entries_of(url) if one.type == type), *own]

    def _heads(self, type: str, ids: list[str]) -> Iterable[JsonObject]:
        if len(ids) < 20:
            return self._whole(type, ids)
        heads = loads(zlib.decompress(_packed_heads(type)))
        own = self._whole(type, [id for id in self._others if type == "CodeSystem"])
        return (*heads, *own)

    def _whole(self, type: str, ids: Iterable[str]) -> Iterator[JsonObject]:
        return (found for id in ids if (found := self._resource(type, id)) is not None)

    def _resource(self, type: str, id: str) -> JsonObject | None:
        if type == "CodeSystem" and id in self._others:
            return {"resourceType": type, "id": id, **self._others[id][1]()}
        return definitions().archive.by_id(type, id)

    def _numbers(self, type: str) -> Mapping[str, int]:
        """By id: the same in every process."""
        own = self._others if type == "CodeSystem" else ()
        of_r4 = _ids(type)
        return of_r4 if not own else {**of_r4, **{id: len(of_r4) + at for at, id in enumerate(own)}}


class _Alone:
    """There is nothing else to be joined with."""

    def entry(self, type: str, id: str) -> None:
        return None

    def entries(self, type: str) -> Iterable[Entry]:
        return ()


_ALONE: Final = _Alone()


def _told_by_heads(query: Query) -> bool:
    used = {getattr(leaf, "param", "") for leaf in leaves(query.where)} | {key.param for key in query.sort}
    plain = (Everything, IdIs, LastUpdated)
    named = {str(name).partition(":")[0] for name in used} - {""}
    unnamed = (leaf for leaf in leaves(query.where) if not hasattr(leaf, "param"))
    return named <= _HEAD | {"_id", "_lastUpdated"} and all(isinstance(leaf, plain) for leaf in unnamed)


@cache
def _ids(type: str) -> Mapping[str, int]:
    return {one.id: at for at, one in enumerate(definitions().archive.entries(type))}


@cache
def _packed_heads(type: str) -> bytes:
    """Every resource of a type without its big elements: a million bytes, packed to a twentieth."""
    archive = definitions().archive
    whole = (archive.read(one) for one in archive.entries(type))
    return zlib.compress(
        dumps([{name: held for name, held in one.items() if name not in _BIG} for one in whole])
    )


def _recorded(resource: JsonObject) -> str:
    stated = resource.get("meta", {}).get("lastUpdated", _PUBLISHED)
    return instant(parse_instant(stated).astimezone(UTC))


def _version(resource: JsonObject) -> Version:
    recorded = _recorded(resource)
    meta = {**resource.get("meta", {}), "versionId": "1", "lastUpdated": recorded}
    head = {"resourceType": resource["resourceType"], "id": resource["id"], "meta": meta}
    content = dumps({**head, **{name: held for name, held in resource.items() if name not in head}})
    return Version(resource["resourceType"], resource["id"], 1, 0, recorded, False, content)
