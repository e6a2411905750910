"""Records that a source itself says are one: A40 in HL7v2, ``Patient.link`` in FHIR.

The resources that they are in the world are merged, unless they are one there already. The crosswalk keeps which
record the source now goes on with (``into``), so that what is written back goes to that one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from adapters.runner.crosswalk import Crosswalk, Link
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.kernel.references import parse_reference
from fhirserver.ports.ehr import Record
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Command, Merge, Put, Unmerge, Write
from fhirserver.store.store import Store
from fhirserver.world.entity import Entity
from fhirserver.world.merging import MERGEABLE

_TRIES = 12


def replaced_by(record: Record) -> str:
    """The id of the record that replaces this one, by its own word; empty where none does."""
    return next(_linked(record, "replaced-by"), "")


def replaces(record: Record) -> Sequence[str]:
    """The ids of the records that this one replaces, by its own word."""
    return list(_linked(record, "replaces"))


def _linked(record: Record, kind: str) -> Iterator[str]:
    if record.type != "Patient" or record.deleted:
        return
    for link in record.content.get("link", ()):
        literal = parse_reference(str(link.get("other", {}).get("reference", "")))
        if link.get("type") != kind or literal is None or literal.base:
            continue
        if literal.type == record.type and literal.id != record.id:
            yield literal.id


async def merge_records(store: Store, statement: Statement, type: str, gone: str, into: str) -> bool:
    """Take in that a source merged its record ``gone`` into its record ``into``; False where that is no news.

    ``into`` must be known: take it in first (404 otherwise). A ``gone`` that nobody ever saw is kept as one that is
    no longer in use, so that what still refers to it is understood. Safe to repeat.
    """
    crosswalk = Crosswalk(store, statement.source)
    for _ in range(_TRIES):
        survivor, link = await crosswalk.by_record(type, into), await crosswalk.by_record(type, gone)
        if survivor is None:
            text = "The record that survives is not known: take it in first"
            raise refuse(Category.NOT_FOUND, "not-found", text, type)
        writes = await merging(store, crosswalk.fresh(type, gone) if link is None else link, survivor)
        if not writes:
            return False
        try:
            await store.submit(Command(statement, writes))
            return True
        except Refusal as refusal:
            if refusal.category is not Category.CONFLICT:
                raise
    raise refuse(Category.BUSY, "transient", f"A {type} is being changed by too many at once")


async def merging(store: Store, gone: Link, into: Link, taken: Link | None = None) -> list[Write]:
    """The writes of a merge of two records of a source; none where it is known. ``taken`` as in :func:`world_merge`."""
    writes: list[Write] = []
    if not gone.revision:
        writes.append(Put(gone.type, gone.world, _unseen(gone)))
    if gone.into != into.record:
        writes += replace(gone, into=into.record, revision=gone.revision + 1).notes()
    return [*writes, *await world_merge(store, gone, into, taken)]


def _unseen(link: Link) -> dict[str, object]:
    state = {"status": "inactive"} if link.type == "Location" else {"active": False}
    return {"resourceType": link.type, "id": link.world, **state}


async def world_merge(store: Store, gone: Link, into: Link, taken: Link | None = None) -> list[Merge]:
    """The merge of what two records are in the world, where these are two and are there.

    ``taken`` is the one that is just being taken in, and so will be there.
    """
    one, other = [await store.standing(link.type, link.world) for link in (gone, into)]
    ids = [found.key.id if found else link.world for (found, _), link in ((one, gone), (other, into))]
    there = [
        _is_there(found) or link is taken or not link.revision
        for (found, _), link in ((one, gone), (other, into))
    ]
    if gone.type not in MERGEABLE or ids[0] == ids[1] or not all(there):
        return []
    return [Merge(gone.type, ids[0], ids[1])]


def _is_there(entity: Entity | None) -> bool:
    return entity is not None and not entity.deleted


async def unmerge_records(store: Store, statement: Statement, type: str, gone: str) -> bool:
    """Take in that a source undid the merge of its record ``gone``; False where that is no news.

    In the world it is undone where this source made it; a merge that an operator made stays.
    """
    crosswalk = Crosswalk(store, statement.source)
    for _ in range(_TRIES):
        link = await crosswalk.by_record(type, gone)
        if link is None or not link.into:
            return False
        notes = replace(link, into="", revision=link.revision + 1).notes()
        try:
            await store.submit(Command(statement, [*notes, *await world_unmerge(store, link)]))
            return True
        except Refusal as refusal:
            if refusal.category is not Category.CONFLICT:
                raise
    raise refuse(Category.BUSY, "transient", f"A {type} is being changed by too many at once")


async def world_unmerge(store: Store, link: Link) -> list[Unmerge]:
    """The undoing of the merge of what a record is in the world, where its source made that."""
    entity = await store.entity(link.type, link.world)
    if entity is None or not entity.ledger.into or entity.ledger.views[0].source != link.source:
        return []
    return [Unmerge(link.type, link.world)]
