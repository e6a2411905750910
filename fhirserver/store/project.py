"""From entities to what storages keep, and from the log back to entities."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Change, Fact, Key, Projection
from fhirserver.search.values import ReferenceValue
from fhirserver.store.search_parameters import changed_fact
from fhirserver.world.entity import Entity, apply

RELINKED: Final = "_relinked"
"""What a source refers to where the world, since a merge, shows another reference."""
Extract = Callable[[JsonObject], Sequence[Any]]


class Projector:
    """Makes changes out of entities, and remembers what it last made of each.

    ``before`` is the state the batch starts from; index values of an entity are computed once.
    """

    def __init__(self, extract: Extract):
        self._extract = extract
        self._index: dict[Key, tuple[int, Sequence[Any]]] = {}

    def index(self, entity: Entity | None) -> Sequence[Any]:
        """The search values of an entity as it stands; none for an absent or deleted one."""
        if entity is None or entity.deleted:
            return ()
        known = self._index.get(entity.key)
        if known is None or known[0] != entity.version:
            known = (entity.version, [*self._extract(entity.json), *_relinked(entity)])
            self._index[entity.key] = known
        return known[1]

    def know(self, entity: Entity, values: Sequence[Any]) -> None:
        """Take the search values of an entity as given."""
        self._index[entity.key] = (entity.version, values)

    def change(self, before: Entity | None, after: Entity) -> Change:
        """What has to be written so that the storage holds ``after``."""
        fresh = before is None or before.version != after.version
        if not fresh:
            return Change(after.as_row(), False)
        old = self.index(before)
        return Change(after.as_row(), True, old, self.index(after))


def _relinked(entity: Entity) -> Sequence[Any]:
    """By these a resource is found whose references have to lead back."""
    return [ReferenceValue(RELINKED, *reference.split("/", 1)) for reference in entity.ledger.links]


def replay(commits: Iterable[Commit], entities: dict[Key, Entity], projector: Projector) -> Projection:
    """Project commits again. ``entities`` holds those they touch and is brought up to date."""
    changes: list[Change] = []
    facts: list[Fact] = []
    for commit in commits:
        touched = _replay_commit(commit, entities, facts)
        made = [projector.change(before, entities[key]) for key, before in touched.items()]
        facts += changed_fact(made, commit.position)
        changes += made
    return Projection(changes, facts)


def _replay_commit(
    commit: Commit, entities: dict[Key, Entity], facts: list[Fact]
) -> dict[Key, Entity | None]:
    """Apply one commit's events; returns what each touched entity was before.

    An entity that has the commit in it already (another process was faster, or a crash came between two
    rows) is left as it is.
    """
    touched: dict[Key, Entity | None] = {}
    for event in commit.events:
        if event["e"] == "noted":
            facts.append(Fact(event["kind"], event["key"], event["value"], commit.position))
            continue
        key = Key(event["type"], event["id"])
        before = entities.get(key)
        if key not in touched and before is not None and before.seen >= commit.position:
            continue
        after = apply(before, event, commit)
        if after is not before:  # a late statement is kept in the log and changes nothing
            touched.setdefault(key, before)
            entities[key] = after
    return touched


def touched_keys(commits: Iterable[Commit]) -> set[Key]:
    """The resources that the commits' events are about."""
    return {
        Key(event["type"], event["id"])
        for commit in commits
        for event in commit.events
        if event["e"] != "noted"
    }
