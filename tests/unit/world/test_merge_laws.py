"""Laws of merging: undone it leaves no trace, and when it happens among statements makes no difference."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from hypothesis import given, settings

from fhirserver.kernel.json import JsonObject, canonical, dumps, loads
from fhirserver.ports.log import Commit, Statement
from fhirserver.world.entity import Entity, apply, from_row
from fhirserver.world.ledger import dump_ledger, ledger_json
from fhirserver.world.merging import shell
from fhirserver.world.survivorship import resolve
from tests.unit.world.test_order_of_arrival import assertion, histories, interleaved, seeds

AT = "2026-03-01T00:00:00.000Z"


class Two:
    """Patients ``s`` and ``d`` and the events about them; after each, rows are written and read back."""

    def __init__(self) -> None:
        self.position = 0
        self.of: dict[str, Entity] = {}

    def take(self, event: JsonObject) -> None:
        self.position += 1
        id = event["id"]
        event = loads(dumps(event))  # as the log hands it out again
        at = Commit(self.position, "c", event.get("recorded", AT), 1, Statement(event.get("source", "op")))
        self.of[id] = from_row(apply(self.of.get(id), event, at).as_row())

    def say(self, event: JsonObject) -> None:
        """A statement; about ``d`` once that is merged, it is one about ``s`` of that origin."""
        held = self.of.get(event["id"])
        if held is None and event["e"] == "removed":
            event = {**event, "e": "asserted", "content": {}}
        if held is not None and held.ledger.into:
            event = {**event, "id": held.ledger.into, "origin": event["id"]}
        self.take(event)

    def merge(self) -> None:
        about = {"type": "Patient", "origin": "d", "ledger": ledger_json(self.of["d"].ledger)}
        self.take({"e": "merged", "id": "s", **about})
        left = {"type": "Patient", "into": "s", "content": shell("Patient", "s")}
        self.take({"e": "replaced", "id": "d", **left})

    def unmerge(self) -> None:
        from fhirserver.world.merging import released

        ledger = ledger_json(released(self.of["s"].ledger, "d")[1])
        self.take({"e": "unmerged", "type": "Patient", "id": "s", "origin": "d"})
        self.take({"e": "restored", "type": "Patient", "id": "d", "ledger": ledger})


def about(id: str, said: Sequence[Sequence[JsonObject]]) -> list[list[JsonObject]]:
    return [[{**event, "id": id} for event in one] for one in said]


def both(pick: Random) -> list[list[JsonObject]]:
    """What each source says of each of the two, in its own order."""
    return [*about("s", histories(pick, removals=True)), *about("d", histories(pick, removals=True))]


def first_of_each(pick: Random) -> list[JsonObject]:
    return [{**assertion(pick, "ehr"), "id": id, "pk": 1} for id in ("s", "d")]


def shown(entity: Entity) -> bytes:
    json = {name: value for name, value in entity.json.items() if name != "meta"}
    world = entity.world
    return canonical([world.deleted, json, world.confidence, world.lower, world.sources])


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_undone_a_merge_leaves_no_trace(pick: Random) -> None:
    """Statements before, between and after: the ledgers are as though nothing had been merged."""
    arriving = [*first_of_each(pick), *interleaved(pick, both(pick))]
    merged, never = Two(), Two()
    begin = pick.randint(2, len(arriving))
    end = pick.randint(begin, len(arriving))
    for number in range(len(arriving) + 1):
        if number == begin:
            merged.merge()
        if number == end:
            merged.unmerge()
        if number < len(arriving):
            merged.say(arriving[number])
            never.position = merged.position - 1
            never.say(arriving[number])
    for id in ("s", "d"):
        assert dump_ledger(merged.of[id].ledger) == dump_ledger(never.of[id].ledger)
        assert shown(merged.of[id]) == shown(never.of[id])


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_when_they_are_merged_makes_no_difference(pick: Random) -> None:
    """Nor does the order of arrival, as long as each source's own is kept."""
    first, said = first_of_each(pick), both(pick)
    worlds = []
    for _ in range(2):
        arriving = [*first, *interleaved(pick, said)]
        two, when = Two(), pick.randint(2, len(arriving))
        for number, event in enumerate(arriving):
            two.merge() if number == when else None
            two.say(event)
        two.merge() if when == len(arriving) else None
        worlds.append(shown(two.of["s"]))
        assert resolve(two.of["s"].ledger) == two.of["s"].world
    assert worlds[0] == worlds[1]
