"""The log alone makes everything again, byte for byte. DESIGN §3."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Change, Key, Row
from fhirserver.store.commands import Note, Put, Withdraw
from fhirserver.store.project import Projector, replay
from fhirserver.world.entity import Entity, from_row


def extract(resource: JsonObject) -> list[str]:
    return sorted(resource)


def through_json(commits: list[Commit]) -> list[Commit]:
    return [Commit.from_json(loads(dumps(commit.as_json()))) for commit in commits]


def live(desk: Any, seed: int) -> list[Change]:
    """A random life of a few resources; returns the changes as the committer makes them."""
    pick, changes = Random(seed), []
    for number in range(60):
        before = dict(desk.state.entities)
        try:
            _something(desk, pick, number)
        except Refusal:
            continue
        for entity in desk.state.entities.values():
            if before.get(entity.key) is not entity:
                changes.append(Projector(extract).change(before.get(entity.key), entity))
    return [change for change in changes if change.fresh or change.row.ledger]


def _something(desk: Any, pick: Random, number: int) -> None:
    source, id = pick.choice(["ehr", "lab", "agent", "form"]), pick.choice("12")
    content = loads(b'{"telecom":[{"system":"phone","value":"1"},{"system":"email","value":"a"}]}')
    content |= {"gender": pick.choice(["male", "female"]), "meta": {"tag": [{"code": pick.choice("ab")}]}}
    pick.shuffle(content["telecom"])
    kind = pick.randint(0, 11)
    if kind < 5:
        mode = pick.choice(["full", "partial"])
        confidence = pick.choice([None, Decimal("0.20"), Decimal("0.5")])
        effective = pick.choice(["", "2026-05-01", "2026-06-01"])
        desk.at += timedelta(days=pick.choice([0, 0, 100]))
        desk.put(source, "Patient", id, content, mode=mode, confidence=confidence, effective=effective)
    elif kind == 5:
        desk.remove(source, "Patient", id)
    elif kind == 6:
        desk.amend("agent", "Slot", id, status=pick.choice(["busy", "free"]))
    elif kind == 7:
        desk.put("ehr", "Slot", id, {"status": pick.choice(["busy", "free"])})
    elif kind == 8:
        desk.submit("ehr", Note("checkpoint", "f", {"position": number}, advance=True))
    elif kind == 9:
        units = pick.choice([(), ("gender",), ("Patient.telecom",)])
        desk.submit(source, Withdraw("Patient", id, source, units))
    elif Key("Patient", id) in desk.state.entities:
        claims = [view.source for view in desk["Patient", id].ledger.views if view.stamp("gender")]
        if claims:
            ruling = pick.choice(["approve", "reject", "verify", "cap", "decay"])
            worth = {"confidence": Decimal("0.4")} if ruling in ("cap", "decay") else {}
            desk.rule(ruling, "Patient", id, "gender", pick.choice(claims), **worth)


def rows(entities: dict[Key, Entity]) -> dict[Key, Row]:
    return {key: entity.as_row() for key, entity in entities.items()}


@pytest.mark.parametrize("seed", range(20))
def test_replay_makes_the_same_rows(desk: Any, seed: int) -> None:
    live(desk, seed)
    entities: dict[Key, Entity] = {}
    projection = replay(through_json(desk.commits), entities, Projector(extract))
    assert rows(entities) == rows(desk.state.entities)
    facts = {(fact.kind, fact.key): fact for fact in projection.facts}
    assert facts == desk.state.facts
    assert max((entity.pk for entity in entities.values()), default=0) == desk.state.serial


@pytest.mark.parametrize("seed", range(10))
def test_replay_makes_the_same_changes(desk: Any, seed: int) -> None:
    changes = live(desk, seed)
    projection = replay(through_json(desk.commits), {}, Projector(extract))
    assert list(projection.changes) == changes


@pytest.mark.parametrize("seed", range(10))
def test_replay_over_rows_that_are_there_already_changes_nothing(desk: Any, seed: int) -> None:
    """Another process was faster, or a crash came between two rows: some rows are ahead of the rest."""
    live(desk, seed)
    commits, pick = through_json(desk.commits), Random(seed)
    cut = pick.randint(0, len(commits))
    ahead: dict[Key, Entity] = {}
    replay(commits[:cut], ahead, Projector(extract))
    whole = rows(desk.state.entities)
    for key in [key for key in whole if pick.random() < 0.5]:
        ahead[key] = from_row(whole[key])
    replay(commits[cut:], ahead, Projector(extract))
    assert rows(ahead) == whole


def test_a_number_is_kept_when_only_some_rows_of_a_commit_are_there(desk: Any) -> None:
    patient = {"resourceType": "Patient", "gender": "male"}
    desk.submit("ehr", *(Put("Patient", id, {**patient, "id": id}, create=True) for id in "abc"))
    whole = rows(desk.state.entities)
    for there in whole:
        entities = {there: from_row(whole[there])}
        replay(through_json(desk.commits), entities, Projector(extract))
        assert rows(entities) == whole
