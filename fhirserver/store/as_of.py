"""The world as of a moment: what a resource was after an earlier commit, with its ledger.

Versions carry the position of their commit, so what a resource said is one look-up. Its ledger is made again by
replaying the commits that are about it, and no others: the derived Provenances, whose targets are indexed, are an
index of the log by resource.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from typing import Final, NamedTuple

from fhirserver.kernel.instants import microseconds
from fhirserver.kernel.json import loads
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Key, Version
from fhirserver.search.cursor import decode
from fhirserver.search.expression import Cursor, Query, ReferenceIs
from fhirserver.search.literals import date_range
from fhirserver.store.provenance import DERIVED, is_said_again
from fhirserver.store.store import Store
from fhirserver.world.belief import Belief
from fhirserver.world.entity import Entity, apply

AS_OF: Final = "_asOf"
_POSITION: Final = re.compile(r"\d{1,18}\Z", re.ASCII)
_PAGE: Final = 200


class Moment(NamedTuple):
    """A place in the log: what was after the commit at ``position``, which was recorded at ``recorded``.

    Position 0 is before the first commit; ``recorded`` is then empty. ``named`` is how it is called to who must not
    know the position, which tells how much everybody has done.
    """

    position: int
    recorded: str
    named: str = ""

    @property
    def text(self) -> str:
        """By which it is asked for again."""
        return self.named or str(self.position)

    @property
    def told(self) -> str:
        """In a sentence."""
        return "then" if self.named else f"at position {self.position} of the log"


async def moment(store: Store, text: str, name: str = AS_OF) -> Moment:
    """The moment that a parameter names: a position in the log, or a date or time, which means its end.

    ``2026-11-24`` is the end of that day in UTC, ``2026-11-24T10:00Z`` that of the minute, an instant with
    milliseconds that millisecond: every commit recorded until then counts. A period that is not over counts up to
    now. Raises a refusal (400) for a position beyond the log, a time still to come, and what is none of these.
    """
    if _POSITION.match(text):
        return await _at_position(store, int(text), name)
    try:
        low, high = date_range(text)
    except (ValueError, OverflowError):
        shape = "a position in the log or a date, dateTime or instant such as 2026-11-22T14:47:00Z"
        raise refuse(Category.INVALID, "value", f"{name} is {shape}", f"http.{name}") from None
    if low - low % 1000 > microseconds(store.now()):  # the store's instants are whole milliseconds
        text = f"{name} is still to come: the world can be asked as of what has been"
        raise refuse(Category.INVALID, "value", text, f"http.{name}")
    return await last_before(store, high)


async def _at_position(store: Store, position: int, name: str) -> Moment:
    head = (await latest(store)).position
    if position > head:
        text = f"{name} is beyond the end of the log, which is at {head}"
        raise refuse(Category.INVALID, "value", text, f"http.{name}")
    return await moment_at(store, position)


async def moment_at(store: Store, position: int) -> Moment:
    """The moment after the commit at a position of the log."""
    return Moment(position, (await commit_at(store, position)).recorded if position else "")


async def latest(store: Store) -> Moment:
    """The moment after the last commit."""
    return await moment_at(store, (await store.storage.head()).projected)


async def commit_at(store: Store, position: int) -> Commit:
    """The commit at a position of the log."""
    (commit,) = await store.read_log(position - 1, 1)
    return commit


async def last_before(store: Store, high: int) -> Moment:
    """The last commit recorded before ``high`` microseconds: times never go back along the log."""
    low, found = 0, Moment(0, "")
    end = (await store.storage.head()).projected
    while low < end:
        middle = (low + end + 1) // 2
        tried = await moment_at(store, middle)
        if microseconds(tried.recorded) < high:
            low, found = middle, tried
        else:
            end = middle - 1
    return found


async def version_as_of(store: Store, key: Key, at: Moment) -> Version | None:
    """The version that was the newest at a moment, also a deletion; None where the resource was not yet."""
    if key.type in store.hidden:
        return None
    if key.type == DERIVED:
        await store.derive_provenance(at.position)
    found = (await store.storage.versions_at([key], at.position)).get(key)
    return found.version if found else None


async def entity_as_of(store: Store, key: Key, at: Moment) -> Entity | None:
    """The resource with its ledger as it was at a moment, also when deleted; None where it was not yet.

    Reads the commits about this resource until then, or nothing but its row where none came since.
    """
    now = await store.entity(*key)
    if now is None or now.seen <= at.position:
        return now
    found: Entity | None = None
    async for _, entity in course(store, key, at):
        found = entity
    return found


async def course(store: Store, key: Key, at: Moment) -> AsyncIterator[tuple[Commit, Entity]]:
    """The commits about a resource until a moment, oldest first, each with what the resource was after it."""
    entity: Entity | None = None
    async for commit in commits_about(store, key, at):
        for event in commit.events:
            if is_about(event, key):
                entity = apply(entity, event, commit)
        if entity is not None:
            yield commit, entity


async def believed(store: Store, key: Key, at: Moment, until: int) -> Entity | None:
    """What was believed at a moment about what was effective before ``until`` (microseconds); None for nothing.

    Its version says nothing: such a state may never have been one.
    """
    belief = Belief(until)
    async for commit in commits_about(store, key, at):
        for event in commit.events:
            if is_about(event, key):
                belief.take(event, commit)
    return belief.entity


def is_about(event: dict[str, object], key: Key) -> bool:
    """Whether an event of the log is about a resource."""
    return event["e"] != "noted" and (event["type"], event["id"]) == key


async def commits_about(store: Store, key: Key, at: Moment) -> AsyncIterator[Commit]:
    """The commits until a moment that have an event about a resource, oldest first."""
    for position in reversed(await _positions(store, key, at)):
        commit = await commit_at(store, position)
        if any(is_about(event, key) for event in commit.events):
            yield commit


async def _positions(store: Store, key: Key, at: Moment) -> Sequence[int]:
    """Where those commits stand, newest first: a derived Provenance's number is minus its commit's position."""
    await store.derive_provenance(at.position)
    found: list[int] = []
    where, place = ReferenceIs("target", *key), Cursor((), -at.position - 1)
    while True:
        page = await store.search(Query(DERIVED, where, count=_PAGE, cursor=place))
        found += [
            version.position
            for version in page.versions
            if version.position <= at.position and not is_said_again(loads(version.content), key)
        ]
        if not page.cursor:
            return sorted(set(found), reverse=True)
        place = decode(page.cursor, ())


def not_yet(key: Key, at: Moment) -> Refusal:
    """404: the resource was not there yet."""
    text = f"{key} was not known at position {at.position}"
    return refuse(Category.NOT_FOUND, "not-found", text, key.type)
