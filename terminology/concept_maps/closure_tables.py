"""Closure tables as they are kept: each addition is a record of its own, and putting it there is the commit.

A table is ``closure/OWNER/NAME`` with its ``epoch``, which an initialisation changes, and the records
``closure-delta/OWNER/NAME/EPOCH/NUMBER`` of what was added and handed out, numbered without gaps. Two that add at once
want the same number: one gets it, and the other works out its entries anew on what is there then. So a table is at
every moment the closure of all that was added so far, whichever process did, and a process that dies leaves a record
or none.

Versions go on counting through initialisations, so that one from before is told from one of now.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from fhirserver.kernel.effort import refused_after
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.access_records import AccessRecord, AccessRecords
from fhirserver.ports.concept_maps import ClosureEntry, ClosureUpdate
from terminology.concept_maps.closure import Closure, Placed
from terminology.concept_maps.placing import Marks, Placing

TABLES_OF_ONE = 100
"""Closure tables that one client may have."""
CONCEPTS_AT_ONCE = 10_000
CONCEPTS = 1_000_000
"""Of one table."""
LONGEST = 5.0
"""Seconds of the processor that placing the concepts of one request may take."""
KEPT = 16
"""Tables that a process remembers, so that an addition need not read the table again."""
_ROOM = 1000
"""Versions that are passed over when a table is begun anew: what is added at that moment must not share its version."""
_PAGE = 1000
_TRIES = 100


@dataclass(slots=True)
class _Table:
    """A table as far as it was read; it began after version ``base``. ``marks`` are the states of the code systems
    that it was worked out with, each with a code of the system."""

    name: str
    key: str
    epoch: int
    base: int
    version: int
    marks: Marks = field(default_factory=dict)
    closure: Closure = field(default_factory=Closure)

    @property
    def stands_at(self) -> str:
        """The version as the client has it."""
        return str(self.version) if self.version > self.base else "0"

    @property
    def prefix(self) -> str:
        return f"{_deltas(self.key)}{self.epoch}/"

    def take_all(self, page: Sequence[AccessRecord]) -> int:
        """Take in those that come next; others may have been taken meanwhile. How many they were."""
        before = self.version
        for record in page:
            if record.key == f"{self.prefix}{self.version + 1:012}":
                self._take(record)
        return self.version - before

    def _take(self, record: AccessRecord) -> None:
        for system, (mark, code) in record.value["marks"].items():
            self.marks[system] = (mark, code)
        for system, code, canonical in record.value["concepts"]:
            self.closure.put(system, code, canonical)
        self.version += 1


class ClosureTables:
    """See :class:`fhirserver.ports.concept_maps.Closures`."""

    def __init__(self, records: AccessRecords, placing: Placing):
        self._records, self._placing = records, placing
        self._kept: OrderedDict[str, _Table] = OrderedDict()

    async def initialise(self, owner: str, name: str) -> ClosureUpdate:
        key = _key(owner, name)
        for _ in range(_TRIES):
            head = await self._records.read(key)
            if head is None and await self._count(owner) >= TABLES_OF_ONE:
                text = f"A client has {TABLES_OF_ONE} closure tables at most"
                raise refuse(Category.UNPROCESSABLE, "too-costly", text)
            base = await self._last(key, head) + _ROOM if head is not None else 0
            epoch = head.value["epoch"] + 1 if head is not None else 1
            value: JsonObject = {"epoch": epoch, "base": base}
            if await self._records.swap(key, head.revision if head is not None else 0, value):
                if head is not None:
                    await self._remove_deltas(key, head.value["epoch"])
                return ClosureUpdate("0")
        raise _busy()

    async def add(self, owner: str, name: str, concepts: Sequence[JsonObject]) -> ClosureUpdate:
        if len(concepts) > CONCEPTS_AT_ONCE:
            text = f"At most {CONCEPTS_AT_ONCE} concepts at once"
            raise refuse(Category.UNPROCESSABLE, "too-costly", text)
        await self._current(owner, name)
        placed, marks = await self._placed(concepts)
        for _ in range(_TRIES):
            if self._placing.changed(marks):
                placed, marks = await self._placed(concepts)
            table = await self._current(owner, name)
            new = [one for one in placed if not table.closure.has(one.system, one.code)]
            if not new:
                return ClosureUpdate(table.stands_at)
            if len(table.closure) + len(new) > CONCEPTS:
                text = f"A closure table has {CONCEPTS} concepts at most"
                raise refuse(Category.UNPROCESSABLE, "too-costly", text)
            number, entries = table.version + 1, tuple(table.closure.entries(new))
            systems = {one.system for one in new}
            new_marks = {system: mark for system, mark in marks.items() if system in systems}
            if await self._append(table, number, _record(new, new_marks, entries)):
                return ClosureUpdate(str(number), entries)
        raise _busy()

    async def since(self, owner: str, name: str, version: str) -> ClosureUpdate:
        table = await self._current(owner, name)
        after = _number(version)
        if after is None or after > table.version:
            where = "Parameters.parameter.where(name='version')"
            text = f"There is no such version of the closure table: it stands at {table.stands_at}"
            raise refuse(Category.INVALID, "value", text, where)
        if 0 < after <= table.base:
            raise _stale(name, "since this version it was initialised anew")
        entries: list[ClosureEntry] = []
        at, end = max(after, table.base), table.version
        while at < end and (page := await self._page(table, at)):
            for record in page[: end - at]:
                entries += [ClosureEntry(*one) for one in record.value["entries"]]
            at += len(page)
        return ClosureUpdate(table.stands_at, tuple(entries))

    # Reading

    async def _current(self, owner: str, name: str) -> _Table:
        """The table with all that was added by now, by whomever. Refused where it has to be begun anew."""
        key = _key(owner, name)
        head = await self._records.read(key)
        if head is None:
            text = f'There is no closure table "{name}": it is initialised by its name alone'
            raise refuse(Category.NOT_FOUND, "not-found", text)
        epoch, base = head.value["epoch"], head.value["base"]
        table = self._kept.get(key)
        if table is None or table.epoch != epoch:
            table = _Table(name, key, epoch, base, base)
        while page := await self._page(table, table.version):
            if not table.take_all(page):
                break  # it is being removed: the table was begun anew
        self._keep(table)
        if self._placing.changed(table.marks):
            raise _stale(name, "a code system has changed")
        return table

    async def _page(self, table: _Table, after: int) -> Sequence[AccessRecord]:
        return await self._records.find(table.prefix, f"{table.prefix}{after:012}", _PAGE)

    def _keep(self, table: _Table) -> None:
        self._kept[table.key] = table
        self._kept.move_to_end(table.key)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    # Writing

    async def _placed(self, concepts: Sequence[JsonObject]) -> tuple[list[Placed], Marks]:
        """The concepts, and the states of their code systems: of before, so that a change meanwhile is seen."""
        marks = self._placing.marks(concepts)
        return await asyncio.to_thread(self._placed_soon, concepts), marks

    def _placed_soon(self, concepts: Sequence[JsonObject]) -> list[Placed]:
        with refused_after(LONGEST):
            return self._placing.codings(concepts)

    async def _append(self, table: _Table, number: int, value: JsonObject) -> bool:
        """Whether it is in the table, which nobody began anew meanwhile."""
        key = f"{table.prefix}{number:012}"
        if not await self._records.swap(key, 0, value):
            return False
        head = await self._records.read(table.key)
        if head is not None and head.value["epoch"] == table.epoch:
            return True
        await self._records.remove(key, 1)
        return False

    async def _last(self, key: str, head: AccessRecord) -> int:
        """The version at which a table stands."""
        prefix, last = f"{_deltas(key)}{head.value['epoch']}/", int(head.value["base"])
        while page := await self._records.find(prefix, f"{prefix}{last:012}", _PAGE):
            last = int(page[-1].key.removeprefix(prefix))
        return last

    async def _remove_deltas(self, key: str, epoch: int) -> None:
        prefix = f"{_deltas(key)}{epoch}/"
        while page := await self._records.find(prefix, limit=_PAGE):
            for record in page:
                await self._records.remove(record.key, record.revision)

    async def _count(self, owner: str) -> int:
        return len(await self._records.find(f"closure/{_digest(owner)}/", limit=TABLES_OF_ONE))


def _record(new: Sequence[Placed], marks: Marks, entries: Sequence[ClosureEntry]) -> JsonObject:
    return {
        "marks": {system: [*mark] for system, mark in marks.items()},
        "concepts": [[one.system, one.code, one.canonical] for one in new],
        "entries": [[one.system, one.source, one.target, one.equivalence] for one in entries],
    }


def _number(version: str) -> int | None:
    return int(version) if version.isascii() and version.isdigit() and len(version) < 16 else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _key(owner: str, name: str) -> str:
    return f"closure/{_digest(owner)}/{_digest(name)}"


def _deltas(key: str) -> str:
    return f"closure-delta/{key.removeprefix('closure/')}/"


def _stale(name: str, why: str) -> Refusal:
    text = f'The closure table "{name}" must be initialised anew: {why}'
    return refuse(Category.UNPROCESSABLE, "business-rule", text)


def _busy() -> Refusal:
    return refuse(Category.BUSY, "transient", "The closure table is being changed by too many at once")
