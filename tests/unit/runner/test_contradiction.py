"""What two EHRs change without knowing of each other waits for a person; what one changes reaches the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.runner.contradiction import uncontradicted
from fhirserver.store.commands import Decide, Ruling
from fhirserver.world.sources import Source
from fhirserver.world.survivorship import wins
from tests.unit.runner.practice import SOURCES, Command, Practice, Statement, make_store

BEFORE, HERE, THERE = "1980-01-01", "1980-01-11", "1981-01-01"


@pytest.fixture
async def practice(tmp_path: Path) -> AsyncIterator[Practice]:
    other = Source("other", "ehr", authoritative=True)
    store = make_store(tmp_path / "world.db", {**SOURCES, other.id: other})
    await store.open()
    made = Practice(store, None)
    for source in ("ehr", "other"):
        await made.put(source, "Patient", "p1", {"birthDate": BEFORE})
    yield made
    await store.close()


async def leaving_to(practice: Practice, sink: str) -> list[str]:
    entity = await practice.store.entity("Patient", "p1")
    assert entity is not None
    units = {unit: win for unit, win in wins(entity.ledger).items() if unit == "birthDate"}
    return list(await uncontradicted(practice.store, sink, entity, units))


async def test_a_change_in_one_reaches_the_other(practice: Practice) -> None:
    await practice.put("ehr", "Patient", "p1", {"birthDate": HERE})
    assert await leaving_to(practice, "other") == ["birthDate"]
    await practice.put("other", "Patient", "p1", {"birthDate": HERE})
    await practice.put("other", "Patient", "p1", {"birthDate": THERE})
    assert await leaving_to(practice, "ehr") == ["birthDate"], "and the next one, whoever makes it"


@pytest.mark.parametrize("order", [("ehr", "other"), ("other", "ehr")])
async def test_what_both_change_overwrites_neither(practice: Practice, order: tuple[str, str]) -> None:
    first, second = order
    await practice.put(first, "Patient", "p1", {"birthDate": HERE})
    await practice.put(second, "Patient", "p1", {"birthDate": THERE})
    assert await leaving_to(practice, first) == []


async def test_what_somebody_decided_leaves(practice: Practice) -> None:
    await practice.put("ehr", "Patient", "p1", {"birthDate": HERE})
    await practice.put("other", "Patient", "p1", {"birthDate": THERE})
    entity = await practice.store.entity("Patient", "p1")
    assert entity is not None
    claim = wins(entity.ledger)["birthDate"].claim
    ruling = Ruling("approve", claim.unit, claim.source, claim.stamp.position)
    await practice.store.submit(Command(Statement("operator"), (Decide("Patient", "p1", [ruling]),)))
    assert await leaving_to(practice, "ehr") == ["birthDate"]
