"""References follow merges: a follower that brings the links of all that refers to a merged resource up to date.

What is written after a merge follows at once (:mod:`fhirserver.store.draft`); this is for what was there. It goes
in commits of a bounded size, so that others' writes get in between. Killed, it begins again, and what has
followed already is left: the merge stays ``open``, and its Task in progress, until all has followed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final

from fhirserver.kernel.json import loads
from fhirserver.model.definitions import definitions
from fhirserver.ports.log import Commit, Statement
from fhirserver.ports.storage import Fact, Key
from fhirserver.search.cursor import decode
from fhirserver.search.expression import Query, ReferenceIs, disjunction
from fhirserver.search.parameters import searchable
from fhirserver.search.terms import targets
from fhirserver.store.commands import Command, Note, Put, Relink, Write
from fhirserver.store.links import links_now
from fhirserver.store.merges import MERGED
from fhirserver.store.project import RELINKED
from fhirserver.store.store import Store
from fhirserver.world.entity import from_row
from fhirserver.world.merge_task import completed

AT_ONCE: Final = 50
"""So many resources follow in one commit: some ten milliseconds in which nobody else's command is decided."""


class Relinking:
    """Follows the log; see the module. ``source`` is the one that keeps the merges' Tasks."""

    name = "relinking"

    def __init__(self, store: Store, source: str):
        self._store, self._source = store, source

    async def effects(self, commits: Sequence[Commit]) -> Sequence[Write]:
        """Have the references follow; the writes say that they have."""
        writes: list[Write] = []
        for key in dict.fromkeys(_changed(commits)):
            fact = await self._store.fact(MERGED, key)
            if fact is not None and fact.value["open"]:
                await self._follow(key, undone=not fact.value["into"])
                writes += await self._done(fact)
        return writes

    async def _follow(self, reference: str, undone: bool) -> None:
        type, _, id = reference.partition("/")
        statement = Statement(self._source, principal=self.name, method="derivation")
        await self._store.merges.refresh()
        for query in list(self._held(type, id) if undone else self._referring(type, id)):
            async for keys in self._pages(query):
                needy = await self._needy(keys)
                if needy:
                    await self._store.submit(Command(statement, [Relink(*key) for key in needy]))

    def _referring(self, type: str, id: str) -> Iterator[Query]:
        """What refers to a resource by any search parameter."""
        known = self._store.parameters.current
        for source in sorted(definitions().resource_types):
            codes = [
                code
                for code, parameter in searchable(source, known).items()
                if parameter.type == "reference" and type in targets(parameter)
            ]
            if codes:
                where = disjunction([ReferenceIs(code, type, id) for code in codes])
                yield Query(source, where, count=AT_ONCE)

    def _held(self, type: str, id: str) -> Iterator[Query]:
        """What a source has refer to a resource while it is shown to refer to another."""
        for source in sorted(definitions().resource_types):
            yield Query(source, ReferenceIs(RELINKED, type, id), count=AT_ONCE)

    async def _pages(self, query: Query) -> AsyncIterator[Sequence[Key]]:
        """In the order of creation: what is changed meanwhile stays where it is."""
        while True:
            page = await self._store.storage.search(
                query
            )  # by what is stored: nothing is to be followed here
            if page.versions:
                yield [Key(version.type, version.id) for version in page.versions]
            if not page.cursor:
                return
            query = Query(query.type, query.where, count=query.count, cursor=decode(page.cursor, ()))

    async def _needy(self, keys: Sequence[Key]) -> list[Key]:
        """Those whose links are not what they should be. What is derived from the log names versions."""
        rows = await self._store.storage.rows(keys)
        entities = [from_row(row) for row in rows.values() if row.pk > 0]
        merged = self._store.merges.current
        return [one.key for one in entities if links_now(one, merged) != one.ledger.links]

    async def _done(self, fact: Fact) -> list[Write]:
        """Refused (409) where the merge was undone, or made again, meanwhile: then that is to be followed."""
        value = {**fact.value, "open": False, "position": fact.value["position"] + 1}
        writes: list[Write] = [Note(MERGED, fact.key, value, advance=True)]
        task = await self._store.read("Task", value.get("task", ""))
        if task is not None and not task.deleted:
            writes.append(Put("Task", task.id, completed(loads(task.content))))
        return writes


def _changed(commits: Sequence[Commit]) -> Iterator[str]:
    for commit in commits:
        for event in commit.events:
            if event["e"] == "noted" and event["kind"] == MERGED:
                yield event["key"]
