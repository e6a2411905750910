"""One domain event, and the events of a commit: each new version of a resource is one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fhirserver.interactions.events.place import Place
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Key, Numbered, Version
from fhirserver.store.store import Store
from fhirserver.world.domain_events import Changed, meanings, wanted


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """``key`` and ``version`` are the resource's version that the event made (of a deletion too); ``at`` is when the
    commit was recorded, ``commit`` its id, which is that of its Provenance. ``related`` are references."""

    place: Place
    type: str
    change: str
    at: str
    key: Key
    version: int
    commit: str
    source: str
    related: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return self.place.text

    @property
    def reference(self) -> str:
        return f"{self.key}/_history/{self.version}"

    def as_json(self, base: str) -> JsonObject:
        """As it is told; ``base`` is the FHIR base that its links lead to."""
        return {
            "id": self.id,
            "type": self.type,
            "change": self.change,
            "at": self.at,
            "resource": _link(base, self.reference),
            "provenance": _link(base, f"Provenance/{self.commit}"),
            "source": self.source,
            "related": [_link(base, one) for one in self.related],
        }


def _link(base: str, reference: str) -> JsonObject:
    return {"reference": reference, "url": f"{base}/{reference}"}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events somebody wants: types (or families, ``call.*``) and types of resources; all where it names none."""

    types: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()

    def takes(self, event: DomainEvent) -> bool:
        return self.reads(event.key.type) and wanted(self.types, event.type)

    def reads(self, type: str) -> bool:
        """Whether resources of a type can be wanted at all."""
        return not self.resources or type in self.resources


@dataclass(frozen=True, slots=True)
class _Touched:
    """A resource in a commit: which it is among them, and what the log has of it."""

    number: int
    kinds: frozenset[str]
    confidence: Decimal | None
    source: str


def touched(commit: Commit) -> dict[Key, _Touched]:
    """The resources that a commit's events are about, numbered from 1 in the order of the log."""
    found: dict[Key, _Touched] = {}
    for event in commit.events:
        if event["e"] == "noted":
            continue
        key = Key(event["type"], event["id"])
        known = found.get(key) or _Touched(len(found) + 1, frozenset(), None, commit.statement.source)
        said = event.get("confidence") if event["e"] == "asserted" else None
        found[key] = _Touched(
            known.number,
            known.kinds | {event["e"]},
            known.confidence if said is None else Decimal(said),
            event.get("source", known.source),
        )
    return found


@dataclass(frozen=True, slots=True)
class Change:
    """What a commit made of a resource: the version, its number within the commit, and both states."""

    number: int
    version: Version
    changed: Changed
    source: str


async def changes_of(store: Store, commit: Commit, resources: Collection[str] = ()) -> Sequence[Change]:
    """The versions that a commit made, in order; of some types of resources where these are named.

    What changed what is claimed and not what holds made no version.
    """
    about = {key: one for key, one in touched(commit).items() if not resources or key.type in resources}
    after = await store.storage.versions_at(about, commit.position) if about else {}
    fresh = [key for key in about if key in after and after[key].version.position == commit.position]
    before = await store.storage.versions_at(fresh, commit.position - 1) if fresh else {}
    return [
        Change(
            about[key].number,
            after[key].version,
            Changed(
                *key, _content(before, key), _content(after, key), about[key].kinds, about[key].confidence
            ),
            about[key].source,
        )
        for key in fresh
    ]


async def events_of(store: Store, commit: Commit, resources: Collection[str] = ()) -> Sequence[DomainEvent]:
    """The events of a commit, in order: one for each of :func:`changes_of`."""
    changes = await changes_of(store, commit, resources)
    told = meanings([one.changed for one in changes])
    return [
        DomainEvent(
            Place(commit.position, one.number),
            meaning.type,
            one.changed.plain.partition(".")[2],
            commit.recorded,
            Key(one.version.type, one.version.id),
            one.version.version,
            commit.id,
            one.source,
            meaning.related,
        )
        for one, meaning in zip(changes, told, strict=True)
    ]


def _content(versions: Mapping[Key, Numbered], key: Key) -> JsonObject | None:
    found = versions.get(key)
    if found is None or found.version.deleted:
        return None
    content: JsonObject = loads(found.version.content)
    return content
