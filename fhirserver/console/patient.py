"""What the page of a patient shows: the record as of a moment, what happened to it when, and what waits for review."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fhirserver.console.lineage import Value, about, values
from fhirserver.console.queue import Listed, ReviewQueue
from fhirserver.console.values import text
from fhirserver.interactions.people import person
from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Key
from fhirserver.search.expression import Query, ReferenceIs, SortKey, disjunction
from fhirserver.store.as_of import Moment, commits_about, entity_as_of
from fhirserver.store.past import Past
from fhirserver.store.store import Store
from fhirserver.world.entity import Entity

TYPES = (
    "Coverage",
    "Appointment",
    "Communication",
    "RelatedPerson",
    "AllergyIntolerance",
    "Condition",
    "MedicationRequest",
)
"""The types of a patient's compartment that the page shows, in this order."""
EACH = 10
"""Resources of a type on the page, the newest."""
MOMENTS = 200


@dataclass(frozen=True, slots=True)
class Facts:
    """One resource as of the moment; ``state`` is empty, ``not yet``, ``new here`` or ``deleted``."""

    key: Key
    title: str
    values: Sequence[Value]
    state: str = ""

    @property
    def changed(self) -> bool:
        return any(value.today is not None for value in self.values)


@dataclass(frozen=True, slots=True)
class Step:
    """One commit that was about the patient's record."""

    position: int
    recorded: str
    source: str
    by: str
    about: Sequence[str]
    provenance: str


@dataclass(frozen=True, slots=True)
class Record:
    """The whole page. ``at`` is the moment shown; ``steps`` are the newest ones, the oldest of them first."""

    id: str
    name: str
    patient: Facts
    others: Mapping[str, Sequence[Facts]]
    more: Mapping[str, int]
    steps: Sequence[Step]
    at: Moment
    pending: Sequence[Listed]
    now: bool

    @property
    def step(self) -> int:
        """The number of the last step that is not after the moment, from 0."""
        before = [number for number, one in enumerate(self.steps) if one.position <= self.at.position]
        return before[-1] if before else 0


async def compartment(reader: Store | Past, id: str) -> tuple[dict[str, list[Key]], dict[str, int]]:
    """The newest resources of each type shown, and how many more there are."""
    found: dict[str, list[Key]] = {}
    more: dict[str, int] = {}
    params = definitions().compartment("Patient")
    for type in TYPES:
        where = disjunction([ReferenceIs(param, "Patient", id) for param in params[type]])
        query = Query(type, where, (SortKey("", "updated", descending=True),), EACH)
        page = await reader.search(query)
        found[type] = [Key(version.type, version.id) for version in page.versions]
        if page.cursor:
            more[type] = await reader.count(query) - EACH
    return found, more


async def steps(store: Store, keys: Sequence[Key]) -> list[Step]:
    """The commits about any of the resources, the oldest first; of more than the page holds, the newest."""
    end = Moment(store.head, "")
    commits: dict[int, Commit] = {}
    for key in keys:
        async for commit in commits_about(store, key, end):
            commits[commit.position] = commit
    return [_step(commits[position], keys) for position in sorted(commits)[-MOMENTS:]]


def _step(commit: Commit, keys: Sequence[Key]) -> Step:
    said = commit.statement
    spoken = about(commit, keys)
    return Step(commit.position, commit.recorded, said.source, said.principal, spoken, commit.id)


async def record(store: Store, queue: ReviewQueue, id: str, at: Moment | None) -> Record | None:
    """A patient's record as of a moment (None: now); None where there never was such a patient."""
    key = Key("Patient", id)
    now = await store.entity(*key)
    if now is None:
        return None
    found, more = await _members(store, id, at)
    taken = await steps(store, [key, *(one for keys in found.values() for one in keys)])
    moment = at or Moment(store.head, taken[-1].recorded if taken else "")
    fresh = {one.position for one in taken} & {moment.position} if at else set()
    patient = await _facts(store, key, moment, bool(fresh))
    others = {
        type: [await _facts(store, one, moment, bool(fresh)) for one in keys]
        for type, keys in found.items()
        if keys
    }
    await queue.refresh()
    pending = [item for item in queue.items.values() if str(key) in (item.patient, item.focus)]
    name = person({**now.json, "resourceType": "Patient", "id": id}).title
    return Record(id, name, patient, others, more, taken, moment, pending, at is None)


async def _members(store: Store, id: str, at: Moment | None) -> tuple[dict[str, list[Key]], dict[str, int]]:
    """What the page shows of the compartment: what is in it now, and what was in it then."""
    found, more = await compartment(store, id)
    if at is not None:
        then, more = await compartment(Past(store, at, [id]), id)
        found = {type: list(dict.fromkeys([*then[type], *found[type]])) for type in found}
    return found, more


async def _facts(store: Store, key: Key, at: Moment, fresh: bool) -> Facts:
    """A resource as of a moment; with ``fresh`` what the moment's own commit changed is marked."""
    entity = await entity_as_of(store, key, at)
    now = await store.entity(*key)
    if entity is None:
        return Facts(key, title(key, now.json if now else {}), (), "not yet")
    before: Entity | None = entity
    if fresh and entity.seen == at.position:
        before = await entity_as_of(store, key, Moment(at.position - 1, ""))
    shown = await values(store, entity, before or entity, now)
    state = "deleted" if entity.deleted else "new here" if before is None else ""
    return Facts(key, title(key, entity.json), shown, state)


_TITLES = {
    "Coverage": ("payor", "subscriberId"),
    "Appointment": ("status", "start"),
    "Communication": ("status", "sent"),
    "RelatedPerson": ("name",),
}


def title(key: Key, resource: JsonObject) -> str:
    """What a resource is called in its heading."""
    if key.type == "Patient":
        return "Demographics"
    names = _TITLES.get(key.type, ("code", "medicationCodeableConcept"))
    said = [_short(resource[name]) for name in names if name in resource]
    return ", ".join(said) or key.id


def _short(value: object) -> str:
    parts = text(value).split("; ")
    return parts[0].removeprefix("display ").removeprefix("text ")[:60]
