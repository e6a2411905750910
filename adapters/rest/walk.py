"""Vendor's records on their way to the port's: which type, which id, what lies within them, what has moved."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field

from adapters.rest.expressions import Scope, Unmappable, plain
from adapters.rest.inward import Inward
from adapters.rest.mapping import Resource
from adapters.rest.reader import Reader
from fhirserver.kernel.json import Json
from fhirserver.ports.ehr import Gone, Record

log = logging.getLogger("credence.rest")


@dataclass(slots=True)
class Walk:
    """One pass over a resource: what it handed out so far, and which records it knows to go on under other ids."""

    resource: Resource
    moved: dict[str, str]
    ids: dict[str, set[str]] = field(default_factory=dict)
    raw: dict[str, Json] = field(default_factory=dict)
    alone: set[str] = field(default_factory=set)
    """Records that were handed out under their own id before anything said that they replace another."""


class Walker:
    """Turns pages of vendor's records into records."""

    def __init__(self, reader: Reader):
        self._reader = reader
        self.inward: Inward = reader.inward

    async def records(self, walk: Walk, found: Sequence[Json], scope: Scope) -> AsyncIterator[Record]:
        """The records of a page, each followed or preceded by those within it."""
        usable = list(self._usable(walk, found, scope))
        self._learn_moves(walk, usable)
        for id, raw in usable:
            async for record in self._one(walk, id, raw, scope):
                yield record

    def _usable(self, walk: Walk, found: Sequence[Json], scope: Scope) -> Iterator[tuple[str, Json]]:
        for raw in found:
            try:
                if self.inward.says(walk.resource.skip, raw, scope):
                    continue
                id = self.inward.id(walk.resource.id, raw, scope)
            except Unmappable as error:
                log.warning("a record of type %s is left out: %s", walk.resource.type, error)
                continue
            walk.ids.setdefault(self._day(walk.resource, raw, scope), set()).add(id)
            if walk.resource.keep:
                walk.raw[id] = raw
            yield id, raw

    def _day(self, resource: Resource, raw: Json, scope: Scope) -> str:
        if resource.list is None or resource.list.day is None:
            return ""
        return plain(self.inward.evaluator.value(resource.list.day, raw, scope))

    def _learn_moves(self, walk: Walk, usable: Sequence[tuple[str, Json]]) -> None:
        """Which of the records go on as which, said by any record of the page."""
        for id, raw in usable:
            following = self._reader.moved_to(walk.resource, raw)
            if following and following not in walk.alone:
                walk.moved[following] = walk.moved.get(id, id)

    async def _one(self, walk: Walk, id: str, raw: Json, scope: Scope) -> AsyncIterator[Record]:
        resource = walk.resource
        known = walk.moved.get(id, id)
        if resource.moved_to is not None:
            following = self._reader.moved_to(resource, raw)
            if following and walk.moved.get(following) == known:
                try:
                    raw, _ = await self._reader.follow(resource, following)
                except Gone:
                    log.warning("what a record of type %s has moved to is not there", resource.type)
            elif known == id:
                walk.alone.add(id)
        record = self._reader.as_record(resource, raw, scope, known)
        inside = [
            one for part in self.inward.mapping.inside(resource.type) for one in self._inside(part, raw)
        ]
        for one in (one for first, one in inside if first):
            yield one
        yield record
        for one in (one for first, one in inside if not first):
            yield one

    def _inside(self, part: Resource, raw: Json) -> Iterator[tuple[bool, Record]]:
        """The records of ``part`` within a record, and whether they go before it."""
        scope = self.inward.scope(parent=raw)
        first = part.within is not None and part.within.first
        try:
            found = self.inward.parts(part, raw, scope)
        except Unmappable as error:
            log.warning("what is within a record is left out: %s", error)
            return
        for one in found:
            try:
                if not self.inward.says(part.skip, one, scope):
                    yield first, self._reader.as_record(part, one, scope, self.inward.id(part.id, one, scope))
            except Unmappable as error:
                log.warning("a record of type %s is left out: %s", part.type, error)
