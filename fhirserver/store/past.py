"""Reads and searches as of a moment: what the compartment of a patient held then.

The derived Provenances are indexed by the patients in whose compartments their targets were, so those of one patient
name every resource that was ever in the compartment. Each is looked up as it was at the moment and tested by the
same rules as search has. Keys, and what matches is ordered by, are in memory; of the resources only some at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Final

from fhirserver.kernel.instants import microseconds
from fhirserver.kernel.json import loads
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.storage import Key, Numbered, Page, Version
from fhirserver.search.compartments import PATIENT
from fhirserver.search.cursor import decode, encode
from fhirserver.search.expression import (
    And,
    Chain,
    Cursor,
    Expression,
    Has,
    Not,
    Or,
    Query,
    ReferenceIs,
    Within,
    disjunction,
)
from fhirserver.search.match import Entry, Place, in_order, is_after, matches, sort_value
from fhirserver.search.settling import is_open
from fhirserver.store.as_of import AS_OF, Moment, version_as_of
from fhirserver.store.provenance import DERIVED, PROJECTED, targets_about
from fhirserver.store.store import Store

MAX_KEYS: Final = 100_000
"""Resources of one compartment that are looked at."""
_AT_ONCE: Final = 100
_JOINS: Final = (Chain, Has, Within)


class Past:
    """The compartments of some patients as of a moment. Reads like a store, but for joins."""

    def __init__(self, store: Store, at: Moment, patients: Iterable[str]):
        self._store, self.at, self._patients = store, at, sorted(patients)
        self._keys: dict[str, list[Key]] | None = None

    async def read(self, type: str, id: str) -> Version | None:
        """The newest version then, also a deleted one."""
        return await version_as_of(self._store, Key(type, id), self.at)

    async def search(self, query: Query) -> Page:
        """One page of what matched then, in the order of the query, and the cursor of the page after it."""
        return (await self.select(query))[0]

    async def select(self, query: Query) -> tuple[Page, int]:
        """The page, and how many matched on all pages together."""
        places = await self._places(query)
        total = len(places)
        if query.cursor is not None:
            places = [one for one in places if is_after(query.sort, *one[0], query.cursor)]
        kept = places[: query.count]
        found = await self._read([key for _, key in kept])
        versions = [found[key].version for _, key in kept]
        more = bool(kept) and len(places) > len(kept)
        return Page(versions, encode(Cursor(*kept[-1][0])) if more else ""), total

    async def count(self, query: Query) -> int:
        """How many matched then, on all pages together."""
        return len(await self._places(query))

    async def _places(self, query: Query) -> list[tuple[Place, Key]]:
        """Sort values and number of all that matched, in order, each with its key."""
        places: dict[Place, Key] = {}
        for type, where in query.by_type():
            refuse_joins(where)
            test = partial(matches, where, world=_NOTHING_ELSE)
            waits = is_open(query)  # another server may have to be asked
            async for number, entry in self._entries(type):
                if await asyncio.to_thread(test, entry) if waits else test(entry):
                    values = tuple(sort_value(key, entry) for key in query.sort)
                    places[values, number] = Key(type, entry.id)
        return [(place, places[place]) for place in in_order(query.sort, places)]

    async def _entries(self, type: str) -> AsyncIterator[tuple[int, Entry]]:
        """What there was of a type, as search sees it."""
        keys = iter(await self.keys(type))
        while some := list(islice(keys, _AT_ONCE)):
            for number, version in (await self._read(some)).values():
                if not version.deleted:
                    yield number, self._entry(version)

    def _entry(self, version: Version) -> Entry:
        values = self._store.extract(loads(version.content))
        return Entry(version.type, version.id, microseconds(version.recorded), values, version.content)

    async def _read(self, keys: Sequence[Key]) -> dict[Key, Numbered]:
        return await self._store.storage.versions_at(keys, self.at.position)

    async def keys(self, type: str) -> Sequence[Key]:
        """The resources of a type that were in the compartments at some time until then, and maybe a few more."""
        if type in self._store.hidden:
            return ()
        if self._keys is None:
            self._keys = await self._ever()
        return self._keys.get(type, ())

    async def _ever(self) -> dict[str, list[Key]]:
        """By type, what the Provenances about the patients name; those Provenances themselves are in it too."""
        await _refuse_incomplete(self._store, self.at)
        found: dict[Key, None] = {Key(PATIENT, id): None for id in self._patients}
        for id in self._patients:
            async for provenance in self._about(id):
                found[Key(DERIVED, provenance.id)] = None
                found.update(dict.fromkeys(targets_about(loads(provenance.content), id)))
                if len(found) > MAX_KEYS:
                    text = f"More than {MAX_KEYS} resources were in the compartment: that is not searched with {AS_OF}"
                    raise refuse(Category.UNPROCESSABLE, "too-costly", text, f"http.{AS_OF}")
        by_type: dict[str, list[Key]] = {}
        for key in found:
            by_type.setdefault(key.type, []).append(key)
        return by_type

    async def _about(self, patient: str) -> AsyncIterator[Version]:
        """The Provenances about a patient until the moment. Those that clients wrote were no index then."""
        where = disjunction(
            [ReferenceIs("patient", PATIENT, patient), ReferenceIs("target", PATIENT, patient)]
        )
        place = Cursor((), -self.at.position - 1)
        while True:
            page = await self._store.search(Query(DERIVED, where, count=_AT_ONCE, cursor=place))
            for version in page.versions:
                if version.position <= self.at.position:
                    yield version
            if not page.cursor:
                return
            place = decode(page.cursor, ())


async def _refuse_incomplete(store: Store, at: Moment) -> None:
    """Refuse (422) where Provenances were derived before they said which patients they are about."""
    await store.derive_provenance(at.position)
    known = await store.fact(*PROJECTED)
    if known is not None and not known.value.get("patients"):
        text = "Provenances made by an earlier release do not name patients: run 'credence rebuild' once"
        raise refuse(Category.UNPROCESSABLE, "incomplete", text, f"http.{AS_OF}")


def refuse_joins(where: Expression) -> None:
    """Refuse (400) conditions on other resources than those searched: they may be anywhere."""
    if isinstance(where, And | Or):
        for one in where.of:
            refuse_joins(one)
    elif isinstance(where, Not):
        refuse_joins(where.of)
    elif isinstance(where, _JOINS):
        text = f"Chains, _has and hierarchies cannot be combined with {AS_OF}: search by the resource's own elements"
        raise refuse(Category.INVALID, "not-supported", text, f"http.{AS_OF}")


class _Alone:
    """No other resources: joins are refused before anybody asks for one."""

    def entry(self, type: str, id: str) -> Entry | None:
        return None

    def entries(self, type: str) -> Iterable[Entry]:
        return ()


_NOTHING_ELSE: Final = _Alone()
