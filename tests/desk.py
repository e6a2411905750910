"""A desk at which commands are decided one after another, as the committer does it, without a storage."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Issue
from fhirserver.ports.log import Commit, Statement
from fhirserver.ports.storage import Fact, Key
from fhirserver.search.expression import Query
from fhirserver.store.commands import (
    Amend,
    Command,
    Correct,
    Decide,
    Outcome,
    Put,
    Remove,
    Ruling,
    TakeBack,
    Write,
    Written,
)
from fhirserver.store.decide import decide
from fhirserver.store.merges import with_merges
from fhirserver.store.state import Policies, State
from fhirserver.world.entity import Entity, from_row, source_of
from fhirserver.world.sources import Source
from fhirserver.world.survivorship import Claim, claims_on

SOURCES = {
    source.id: source
    for source in (
        Source("ehr", "ehr", authoritative=True),
        Source("lab", "ehr", authoritative=True),
        Source(
            "agent",
            "agent",
            base=Decimal("0.3"),
            maximum=Decimal("0.5"),
            types=frozenset({"Patient", "Slot", "Appointment", "Coverage"}),
            acts_on=frozenset({"Slot", "Appointment"}),
        ),
        Source("form", "form", base=Decimal("0.5"), maximum=Decimal("0.5")),
        Source("operator", "operator"),
    )
}


def no_issues(_: JsonObject) -> Sequence[Issue]:
    return ()


class Desk:
    """Decides commands; keeps the log, the entities and the facts."""

    def __init__(self) -> None:
        self.state = State(0, 0)
        self.commits: list[Commit] = []
        self.policies = Policies(SOURCES, no_issues)
        self.at = datetime(2026, 11, 22, 9, tzinfo=UTC)
        self.reload = False
        self.spoken: dict[str, tuple[JsonObject, dict[str, Any]]] = {}
        """The last statement of each source that a test drew at random."""

    def submit(
        self, source: str, *writes: Write, matches: Mapping[str, Sequence[Key]] | None = None, **said: Any
    ) -> Outcome:
        self.at += timedelta(minutes=1)
        conditions = {name: Query(name.partition("?")[0]) for name in matches or ()}
        command = Command(Statement(source, **said), writes, conditions)
        decided = decide(self.state, command, self.policies, instant(self.at), matches)
        if decided.commit is not None:
            self.commits.append(decided.commit)
            self.state.position, self.state.serial = decided.commit.position, decided.commit.serial
        for entity in decided.entities:
            self.state.entities[entity.key] = from_row(entity.as_row()) if self.reload else entity
        self.state.merged = with_merges(self.state.merged, decided.facts)
        for fact in decided.facts:
            self.state.facts[fact.kind, fact.key] = fact
        return decided.outcome

    def put(self, source: str, type: str, id: str, content: JsonObject, **more: Any) -> Written:
        said = {
            name: more.pop(name) for name in ("confidence", "mode", "effective", "method") if name in more
        }
        stated_id = {} if "where" in more else {"id": id}
        write = Put(type, id, {"resourceType": type, **stated_id, **content}, **more)
        return self.submit(source, write, **said).results[0]

    def amend(self, source: str, type: str, id: str, **members: Any) -> Written:
        def change(content: JsonObject) -> JsonObject:
            changed = {**content, **members}
            return {name: value for name, value in changed.items() if value is not None}

        return self.submit(source, Amend(type, id, change)).results[0]

    def remove(self, source: str, type: str, id: str) -> Written:
        return self.submit(source, Remove(type, id)).results[0]

    def rule(self, kind: str, type: str, id: str, unit: str, source: str, **more: Any) -> Written:
        claim = self.claim(type, id, unit, source)
        ruling = Ruling(kind, unit, source, claim.stamp.position, **more)
        return self.submit("operator", Decide(type, id, [ruling])).results[0]

    def correct(self, type: str, id: str, units: Mapping[str, object]) -> Written:
        return self.submit("operator", Correct(type, id, units, Decimal("1.0"))).results[0]

    def take_back(self, position: int, units: Collection[str] | None = None) -> Written:
        """Take back what was decided at a position of the log, or some units of it."""
        commit = self.commits[position - 1]
        event = {**commit.events[0], "source": source_of(commit.events[0], commit)}
        some = None if units is None else frozenset(units)
        write = TakeBack(event["type"], event["id"], position, event, some)
        return self.submit("operator", write).results[0]

    def claim(self, type: str, id: str, unit: str, source: str) -> Claim:
        return next(claim for claim in claims_on(self[type, id].ledger, unit) if claim.source == source)

    def __getitem__(self, key: tuple[str, str]) -> Entity:
        return self.state.entities[Key(*key)]

    def world(self, type: str, id: str) -> JsonObject:
        return self[type, id].json

    def fact(self, kind: str, key: str) -> Fact:
        return self.state.facts[kind, key]
