"""The world does not depend on the order of arrival. DESIGN §4.2, last sentence of the first paragraph.

Any interleaving that preserves each source's own order gives the same world. Recorded times belong to the
assertions; positions are the order of arrival, so nothing may depend on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import MonkeyPatch

from fhirserver.kernel.json import JsonObject, canonical, dumps
from fhirserver.ports.log import Commit, Statement
from fhirserver.world import ledger
from fhirserver.world.entity import Entity, apply, from_row
from fhirserver.world.ledger import dump_ledger, load_ledger
from fhirserver.world.render import clean

SOURCES = ("agent", "ehr", "form", "lab")
LADDER = [Decimal(text) for text in ("0.2", "0.3", "0.5", "0.7", "0.9", "1.0")]

PHONES = [
    {"system": "phone", "value": "555-123-4567"},
    {"system": "phone", "value": "(555) 123 4567", "use": "home"},
    {"system": "email", "value": "Eve@Example.org"},
    {"system": "phone", "value": "+4915112345678"},
]
NAMES = [
    {"family": "Ander", "given": ["Eve"]},
    {"use": "official", "family": "Ander", "given": ["Eve", "M."]},
    {"text": "Eve Ander"},
]
IDENTIFIERS = [{"system": "urn:mrn", "value": "1"}, {"system": "urn:mrn", "value": "2"}, {"value": "1"}]
MEMBERS: dict[str, list[Any]] = {
    "meta": [{"tag": [{"code": "x"}]}, {"profile": ["urn:p"], "source": "urn:s"}],
    "gender": ["male", "female", "other"],
    "birthDate": ["1980-02-03", "1980"],
    "_birthDate": [{"id": "b"}, {"extension": [{"url": "urn:e", "valueString": "x"}], "id": "c"}],
    "deceasedBoolean": [True, False],
    "multipleBirthInteger": [0, 1],
    "communication": [[{"language": {"text": "en"}}], [{"language": {"text": "de"}}, {"preferred": True}]],
}
KEYED = {"telecom": PHONES, "name": NAMES, "identifier": IDENTIFIERS}
TIMES = [f"2026-0{month}-01T00:00:00.000Z" for month in range(1, 6)]

seeds = st.integers(0, 2**48).map(Random)


def content(pick: Random) -> JsonObject:
    members = {name: pick.choice(values) for name, values in MEMBERS.items() if pick.random() < 0.5}
    for name, items in KEYED.items():
        if pick.random() < 0.5:
            members[name] = [pick.choice(items) for _ in range(pick.randint(1, 4))]
    names = list(members)
    pick.shuffle(names)
    return clean({name: members[name] for name in names})


def assertion(pick: Random, source: str) -> JsonObject:
    event: JsonObject = {
        "e": "asserted",
        "type": "Patient",
        "id": "1",
        "pk": 1,
        "source": source,
        "recorded": pick.choice(TIMES),
        "confidence": pick.choice(LADDER),
        "content": content(pick),
        "full": pick.random() < 0.5,
    }
    if pick.random() < 0.5:
        event["effective"] = pick.choice(TIMES)
    if "gender" not in event["content"] and pick.random() < 0.3:
        event["absent"] = ["gender"]
    if pick.random() < 0.3:
        event["confidences"] = {"gender": pick.choice(LADDER), "birthDate": pick.choice(LADDER)}
    return event


def histories(pick: Random, removals: bool = False) -> list[list[JsonObject]]:
    """What each source says, in its own order; at least one says something."""
    history = [[assertion(pick, source) for _ in range(pick.randint(0, 4))] for source in SOURCES]
    history[0].append(assertion(pick, SOURCES[0]))
    for event in (event for said in history for event in said):
        if removals and pick.random() < 0.15:
            event["e"] = "removed"
    return history


def interleaved(pick: Random, history: Sequence[Sequence[JsonObject]]) -> list[JsonObject]:
    """One order of arrival that keeps each source's own."""
    turns = [number for number, said in enumerate(history) for _ in said]
    pick.shuffle(turns)
    iterators: list[Iterator[JsonObject]] = [iter(said) for said in history]
    return [next(iterators[number]) for number in turns]


def commit(event: JsonObject, position: int) -> Commit:
    return Commit(position, f"c{position}", event["recorded"], 1, Statement(event["source"]))


def in_time(said: Sequence[JsonObject]) -> list[JsonObject]:
    """The statements with their effective times in their own order, so that none is late."""
    times = iter(sorted(event["effective"] for event in said if "effective" in event))
    return [{**event, "effective": next(times)} if "effective" in event else event for event in said]


def take_in(arriving: Sequence[JsonObject], reload: bool = False) -> Entity:
    entity: Entity | None = None
    for position, event in enumerate(arriving, 1):
        if entity is None and event["e"] == "removed":
            event = {**event, "e": "asserted", "content": {}}
        entity = apply(entity, event, commit(event, position))
        if reload:
            entity = from_row(entity.as_row())
    assert entity is not None
    return entity


def shown(entity: Entity) -> bytes:
    """What must be the same; the order of JSON members means nothing, that of items does."""
    json = {name: value for name, value in entity.json.items() if name != "meta"}
    meta = {
        name: value
        for name, value in entity.json.get("meta", {}).items()
        if name not in ("versionId", "lastUpdated")
    }
    world = entity.world
    return canonical([world.deleted, json, meta, world.confidence, world.lower, world.sources])


@settings(max_examples=400, deadline=None)
@given(seeds)
def test_any_interleaving_gives_the_same_world(pick: Random) -> None:
    history = histories(pick)
    assert shown(take_in(interleaved(pick, history))) == shown(take_in(interleaved(pick, history)))


@settings(max_examples=300, deadline=None)
@given(seeds)
def test_deletions_too(pick: Random) -> None:
    first, history = assertion(pick, "ehr"), histories(pick, removals=True)
    one, other = [first, *interleaved(pick, history)], [first, *interleaved(pick, history)]
    assert shown(take_in(one)) == shown(take_in(other))


@settings(max_examples=300, deadline=None)
@given(seeds)
def test_a_row_holds_the_whole_entity(pick: Random) -> None:
    """Written to rows and read back after every commit, or kept in memory: the same bytes."""
    arriving = interleaved(pick, histories(pick, removals=True))
    kept, reloaded = take_in(arriving), take_in(arriving, reload=True)
    assert kept.as_row() == reloaded.as_row()
    assert dumps([view.units for view in kept.ledger.views]) == dumps(
        [v.units for v in reloaded.ledger.views]
    )


@settings(max_examples=300, deadline=None)
@given(seeds)
def test_the_ledger_round_trip_is_identity(pick: Random) -> None:
    entity = take_in(interleaved(pick, histories(pick, removals=True)))
    dumped = dump_ledger(entity.ledger)
    loaded = load_ledger(dumped, entity.ledger.views[0].units)
    assert loaded == entity.ledger and dump_ledger(loaded) == dumped


@settings(max_examples=300, deadline=None)
@given(seeds)
def test_repetition_says_nothing_new(pick: Random) -> None:
    """Whoever repeats their last full statement, as surely or less, changes nothing at all."""
    history = [in_time(said) for said in histories(pick)]
    arriving = [{**event, "full": True} for event in interleaved(pick, history)]
    before = take_in(arriving)
    again = {**arriving[-1], "recorded": "2027-01-01T00:00:00.000Z", "effective": "2027-01-01T00:00:00.000Z"}
    assert apply(before, again, commit(again, len(arriving) + 1)) is before


@settings(max_examples=200, deadline=None)
@given(seeds)
def test_a_sources_newer_statement_replaces_its_older_one(pick: Random) -> None:
    said = in_time([{**assertion(pick, "ehr"), "full": True} for _ in range(3)])
    entity, alone = take_in(said), take_in(said[2:])
    assert entity.world.units == alone.world.units
    assert entity.ledger.uncontested


@settings(max_examples=200, deadline=None)
@given(seeds)
def test_a_contested_unit_goes_to_the_surest_then_the_latest(pick: Random) -> None:
    """Against an oracle that knows only the rule, for one unit stated once by each source."""
    said = [{**assertion(pick, source), "full": False} for source in SOURCES]
    for event in said:
        event["content"], event["absent"], event["confidences"] = (
            {"gender": pick.choice(["male", "female"])},
            [],
            {},
        )
    best = max(said, key=lambda e: (e["confidence"], e.get("effective") or e["recorded"], e["source"]))
    pick.shuffle(said)
    world = take_in(said).world
    assert world.units["gender"] == best["content"]
    assert world.confidence == best["confidence"]


@settings(max_examples=200, deadline=None)
@given(seeds)
def test_compacting_never_changes_the_world(pick: Random) -> None:
    arriving = interleaved(pick, histories(pick))
    compacted = take_in(arriving)
    with MonkeyPatch.context() as patch:
        patch.setattr(ledger, "_compact", lambda view: view)
        spread = take_in(arriving)
    stamped = [{unit: view.stamp(unit) for unit in view.stated()} for view in compacted.ledger.views]
    assert stamped == [{unit: view.stamp(unit) for unit in view.stated()} for view in spread.ledger.views]
    assert compacted.world.units == spread.world.units and compacted.world.lower == spread.world.lower
