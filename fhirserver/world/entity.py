"""A resource as the world model holds it, and how an event of the log changes it.

:func:`apply` is what deciding a command and replaying the log have in common: the same events give the same
entity, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from fhirserver.kernel.frozen import frozen
from fhirserver.kernel.json import Json, JsonObject, dumps, loads
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Key, Row, Version
from fhirserver.world.decision import Decision
from fhirserver.world.ledger import Ledger, dump_ledger, load_ledger
from fhirserver.world.merging import (
    on_merged,
    on_relinked,
    on_replaced,
    on_restored,
    on_unmerged,
    shown,
)
from fhirserver.world.render import clean, render
from fhirserver.world.restating import Said, is_late, restate
from fhirserver.world.rules import Codes, codes_of
from fhirserver.world.survivorship import World, resolve
from fhirserver.world.undoing import restored
from fhirserver.world.units import same, same_order, split
from fhirserver.world.view import Stamp, View
from fhirserver.world.voices import voice


@frozen
class Entity:
    """One resource: its number, its newest version, its ledger and the world that follows from it.

    ``json`` is the resource as sent, with meta, and ``content`` its bytes; both are empty when deleted.
    """

    key: Key
    pk: int
    version: int
    position: int
    recorded: str
    ledger: Ledger
    world: World
    json: JsonObject
    content: bytes

    @property
    def codes(self) -> Codes:
        """The resource's codes, by which rules of the policy may hold for it."""
        return codes_of(self.json)

    @property
    def deleted(self) -> bool:
        return self.world.deleted

    @property
    def seen(self) -> int:
        """The last commit that this entity has in it, also where it made no version."""
        return max(self.position, self.ledger.position)

    def as_version(self) -> Version:
        return Version(*self.key, self.version, self.position, self.recorded, self.deleted, self.content)

    def as_row(self) -> Row:
        return Row(self.pk, self.as_version(), dump_ledger(self.ledger))


def from_row(row: Row) -> Entity:
    """The entity that a storage's row holds."""
    version = row.version
    json: JsonObject = loads(version.content) if version.content else {}
    ledger = load_ledger(row.ledger, split(version.type, clean(json)))
    key = Key(version.type, version.id)
    world = resolve(ledger)
    at = (version.version, version.position, version.recorded)
    return Entity(key, row.pk, *at, ledger, world, json, version.content)


def seen_of(row: Row) -> int:
    """The last commit that a stored resource has in it; 0 where it was merged into another, which may have more."""
    ledger = load_ledger(row.ledger, {})
    return 0 if ledger.into else max(row.version.position, ledger.position)


def apply(entity: Entity | None, event: JsonObject, commit: Commit) -> Entity:
    """The entity after an event; the very same one where nothing changed.

    The first event about a resource carries its number, ``pk``.
    """
    ledger = entity.ledger if entity else Ledger()
    changed = _LEDGER[event["e"]](ledger, event, commit)
    if "links" in event:
        changed = replace(changed, links=event["links"])
    if entity is not None and changed is ledger:
        return entity
    return _project(entity, event, commit, changed)


def _project(entity: Entity | None, event: JsonObject, commit: Commit, ledger: Ledger) -> Entity:
    world = resolve(ledger)
    key = Key(event["type"], event["id"])
    if entity is not None and _same_world(entity.world, world) and _leads_alike(entity.ledger, ledger):
        return replace(entity, ledger=ledger, world=world)
    version = _next_version(entity, commit)
    json = {} if world.deleted else shown(render(*key, version, commit.recorded, world), ledger)
    pk: int = entity.pk if entity else event["pk"]
    content = b"" if world.deleted else dumps(json)
    return Entity(key, pk, version, commit.position, commit.recorded, ledger, world, json, content)


def _leads_alike(one: Ledger, other: Ledger) -> bool:
    """Whether references lead to the same places, and the same was merged into it."""
    return one.links == other.links and one.merged == other.merged


def _next_version(entity: Entity | None, commit: Commit) -> int:
    """One more than before, but one commit makes at most one version of a resource."""
    if entity is None:
        return 1
    return entity.version if entity.position == commit.position else entity.version + 1


def _same_world(one: World, other: World) -> bool:
    if one.deleted or other.deleted:
        return one.deleted and other.deleted
    return (
        one.confidence == other.confidence
        and one.lower == other.lower
        and one.sources[0] == other.sources[0]
        and same(one.units, other.units)
        and same_order(one.units, other.units)
    )


def _stamp(event: JsonObject, commit: Commit) -> Stamp:
    return Stamp(
        commit.position,
        commit.recorded,
        Decimal(event["confidence"]),
        event.get("effective", ""),
        event.get("method", ""),
    )


def source_of(event: JsonObject, commit: Commit) -> str:
    """The voice of the event's statement: the commit's source unless the entry had its own, and the origin."""
    return voice(str(event.get("source") or commit.statement.source), event.get("origin", ""))


_ORDINARY = frozenset(
    ("e", "type", "id", "pk", "version", "source", "content", "full", "confidence", "effective", "method")
)
"""The members of a statement that is one claim as a whole, about nothing but what it says."""


def _asserted(ledger: Ledger, event: JsonObject, commit: Commit) -> Ledger:
    source, stamp = source_of(event, commit), _stamp(event, commit)
    if not ledger.views and event.keys() <= _ORDINARY:
        full = 0 if event.get("full") else None
        view = View(source, split(event["type"], event["content"]), (stamp,), full=full)
        return Ledger((view,), ledger.decisions, ledger.withdrawn)
    supersedes: dict[str, list[list[Json]]] = event.get("supersedes", {})
    said = Said(
        units=split(event["type"], event["content"]),
        absent=frozenset(event.get("absent", ())),
        full=event.get("full", False),
        confidences={unit: Decimal(value) for unit, value in event.get("confidences", {}).items()},
        anew=frozenset(supersedes),
        silence=None if (silence := event.get("silence")) is None else Decimal(silence),
    )
    before = ledger.view(source)
    after = restate(before, source, said, stamp)
    if after is not before:
        ledger = ledger.with_view(after)
    if renewed := event.get("renews"):
        ledger = _renewed(ledger, after, renewed, commit)
    if not supersedes or after is before:
        return ledger
    return ledger.with_decisions(
        _supersession(unit, source, commit, against) for unit, against in supersedes.items() if against
    )


def _renewed(ledger: Ledger, view: View, units: Iterable[str], commit: Commit) -> Ledger:
    """The source said these units again: their age counts from now on, and what it took away is back."""
    claims = {unit: stamp.position for unit in units if (stamp := view.stamp(unit))}
    kept = tuple(
        made
        for made in ledger.decisions
        if made.kind not in ("decay", "renew")
        or (made.source, made.claim) != (view.source, claims.get(made.unit))
    )
    made = [
        Decision("renew", unit, view.source, claim, commit.position, at=commit.recorded)
        for unit, claim in claims.items()
    ]
    return replace(ledger, decisions=kept).with_decisions(made)


def _supersession(unit: str, source: str, commit: Commit, against: list[list[Json]]) -> Decision:
    claims = tuple((other, position) for other, position in against)
    return Decision(
        "supersede", unit, source, commit.position, commit.position, at=commit.recorded, against=claims
    )


def _removed(ledger: Ledger, event: JsonObject, commit: Commit) -> Ledger:
    source, stamp = source_of(event, commit), _stamp(event, commit)
    before = ledger.view(source)
    if before is not None and (before.deleted is not None or is_late(before, stamp)):
        return ledger
    return ledger.with_view(View(source, {}, (stamp,), deleted=0))


def _withdrawn(ledger: Ledger, event: JsonObject, commit: Commit) -> Ledger:
    view = ledger.view(source_of(event, commit))
    if view is None:
        return ledger
    return ledger.without(view, frozenset(event.get("units", ())), commit.position)


def _decided(ledger: Ledger, event: JsonObject, commit: Commit) -> Ledger:
    made = [
        Decision.from_json({"position": commit.position, "at": commit.recorded, **decision})
        for decision in event["decisions"]
    ]
    decided = ledger.with_decisions(made)
    return restored(decided, event["restores"]) if "restores" in event else decided


_LEDGER = {
    "asserted": _asserted,
    "removed": _removed,
    "withdrawn": _withdrawn,
    "decided": _decided,
    "merged": on_merged,
    "replaced": on_replaced,
    "unmerged": on_unmerged,
    "restored": on_restored,
    "relinked": on_relinked,
}
