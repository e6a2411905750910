"""Writing projections so that doing it twice, late, or from two processes at once changes nothing.

Every resource document carries in ``at`` the position up to which the log went into it. It is replaced only
by one that went further: the state after a position is the same whoever computed it, so the furthest one is
right.
Old versions are written before the document that replaces them, and are never changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from fhirserver.kernel.instants import microseconds
from fhirserver.ports.storage import Change, Fact, Key, Projection, Row, Version
from fhirserver.storage.mongo.documents import (
    VERSION_FIELDS,
    fact_document,
    index_fields,
    old_version,
    version_fields,
    word_field,
)
from fhirserver.storage.mongo.guarded import Guarded, insert_missing, replace, update, write_guarded
from fhirserver.storage.mongo.payloads import Document, Payloads


@dataclass(slots=True)
class Target:
    """What a batch makes of one resource: its last row, its search values where the world changed, and the
    versions made."""

    row: Row
    index: Sequence[Any] | None = None
    versions: list[Version] = field(default_factory=list)

    def follow(self, change: Change) -> None:
        self.row = change.row
        if change.fresh:
            self.index = change.new_index
            self.versions.append(change.row.version)


def targets(changes: Iterable[Change]) -> dict[Key, Target]:
    """The changes of a batch by resource."""
    found: dict[Key, Target] = {}
    for change in changes:
        key = Key(change.row.version.type, change.row.version.id)
        found.setdefault(key, Target(change.row)).follow(change)
    return found


class Projections:
    """Writes into the collections ``resource``, ``version`` and ``fact``."""

    def __init__(self, database: AsyncDatabase[Document], payloads: Payloads):
        self._resources = database["resource"]
        self._versions = database["version"]
        self._facts = database["fact"]
        self._payloads = payloads

    async def write(self, projection: Projection, position: int | None) -> None:
        """Write what is not there yet. ``position`` is how far the log went in (None: derived resources)."""
        made = targets(projection.changes)
        await self._keep_old(made)
        await asyncio.gather(self._write_resources(made, position), self._write_facts(projection.facts))

    async def _keep_old(self, made: dict[Key, Target]) -> None:
        replaced = {
            key: target for key, target in made.items() if target.versions and target.versions[-1].version > 1
        }
        if not replaced:
            return
        kept = [
            await self._old(key, target.row.pk, version, following.recorded)
            for key, target in replaced.items()
            for version, following in pairwise(target.versions)
        ]
        wanted = [str(key) for key in replaced]
        async for stored in self._resources.find(
            {"_id": {"$in": wanted}}, {"type": 1, "id": 1, "pk": 1, **VERSION_FIELDS}
        ):
            key = Key(stored["type"], stored["id"])
            following = replaced[key].versions[0]
            if stored["version"] < following.version:
                kept.append(old_version(key, stored["pk"], stored, following.recorded))
        await insert_missing(self._versions, kept)

    async def _old(self, key: Key, pk: int, version: Version, ended: str) -> Document:
        return old_version(key, pk, version_fields(version, await self._content(version)), ended)

    async def _content(self, version: Version) -> Any:
        name = f"resource/{version.type}/{version.id}/{version.version}"
        return await self._payloads.store(name, version.content)

    async def _write_resources(self, made: dict[Key, Target], position: int | None) -> None:
        writes = [await self._resource_write(key, target, position) for key, target in made.items()]
        await write_guarded(self._resources, "at", writes)

    async def _resource_write(self, key: Key, target: Target, position: int | None) -> Guarded:
        version = target.row.version
        at = version.position if position is None else position
        ledger = await self._payloads.store(f"resource/{key}/ledger/{at}", target.row.ledger)
        if target.index is None:
            return update(str(key), {"ledger": ledger, "at": at}, "at")
        document = {
            "_id": str(key),
            "at": at,
            "type": key.type,
            "id": key.id,
            "pk": target.row.pk,
            **version_fields(version, await self._content(version)),
            "updated": microseconds(version.recorded),
            "ledger": ledger,
            **index_fields(target.index),
            "words": word_field(version.content),
        }
        return replace(document, "at")

    async def _write_facts(self, facts: Iterable[Fact]) -> None:
        documents = {document["_id"]: document for document in map(fact_document, facts)}
        await write_guarded(
            self._facts, "position", [replace(fact, "position") for fact in documents.values()]
        )
