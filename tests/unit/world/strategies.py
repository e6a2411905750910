"""What sources may say and reviewers decide, drawn at random: for the laws of the world.

Everything is drawn from one :class:`random.Random`, which hypothesis seeds and shrinks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import strategies as st

from fhirserver.kernel.json import JsonObject, canonical
from fhirserver.ports.log import Commit, Statement
from fhirserver.ports.storage import Key
from fhirserver.world.entity import Entity, apply, from_row
from fhirserver.world.render import clean
from fhirserver.world.survivorship import Claim, claims_on
from fhirserver.world.units import split
from tests.desk import Desk

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


PERSON = Key("Patient", "1")
CEILING = {"agent": Decimal("0.5"), "form": Decimal("0.5")}
REVIEWS = ("approve", "reject", "correct")


def desk(pick: Random, statements: int = 5, decisions: int = 2) -> Desk:
    """A desk at which sources have spoken of one patient, and reviewers decided some of it."""
    made = Desk()
    made.reload = pick.random() < 0.3
    say(pick, made, pick.choice(SOURCES))
    turns = ["say"] * pick.randint(0, statements - 1) + ["decide"] * pick.randint(0, decisions)
    pick.shuffle(turns)
    for turn in turns:
        if turn == "say":
            say(pick, made, pick.choice(SOURCES))
        else:
            review(pick, made)
    return made


def say(pick: Random, at: Desk, source: str) -> None:
    """A statement by a source, within its ceiling; none is of a time before what the source said already."""
    sure = min(pick.choice(LADDER), CEILING.get(source, Decimal(1)))
    said: dict[str, Any] = {"confidence": sure, "mode": pick.choice(("full", "partial"))}
    before = at.spoken[source][1].get("effective") if source in at.spoken else ""
    if before is not None and pick.random() < 0.3:
        said["effective"] = max(pick.choice(TIMES), before)
    at.spoken[source] = content(pick), said
    at.put(source, *PERSON, at.spoken[source][0], **said)


def live_claims(at: Desk) -> list[Claim]:
    """The claims that a reviewer may still decide on."""
    ledger = at[PERSON].ledger
    units = dict.fromkeys(unit for view in ledger.views for unit in view.stated() if unit != "meta")
    return [one for unit in units for one in claims_on(ledger, unit) if one.status == "live"]


def correction(pick: Random) -> dict[str, Any]:
    """Right values for some units, and none for others."""
    units: dict[str, Any] = {}
    while not units:
        right = {name: value for name, value in content(pick).items() if name != "meta"}
        units = {
            unit: value if pick.random() < 0.8 else None for unit, value in split("Patient", right).items()
        }
    return units


def review(pick: Random, at: Desk) -> int | None:
    """One decision of a reviewer; the position of its commit, None where there is nothing to decide."""
    claims = live_claims(at)
    if at[PERSON].deleted or not claims:
        return None
    kind, before = pick.choice(REVIEWS), at.state.position
    if kind == "correct":
        at.correct(*PERSON, correction(pick))
    else:
        claim = pick.choice(claims)
        at.rule(kind, *PERSON, claim.unit, claim.source, reason="a law" if kind == "reject" else "")
    return at.state.position if at.state.position > before else None
