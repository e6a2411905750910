"""What arrives in bulk stays on the short way: one ledger entry a resource, a small part of its bytes.

Bytes only: times are for ``make bench-arrival``.
"""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest

from benchmarks.arrival import (
    EHR,
    MOST_BYTES,
    arrive,
    committer,
    copies,
    opened,
    plain_decision,
    records,
    weights,
)
from benchmarks.dataset import people
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.storage import Key
from fhirserver.world.entity import from_row

ARCHIVE = Path(__file__).parents[4] / "shared/corpus/synthea-10.tar.xz"


def made() -> list[JsonObject]:
    """Patients and their observations as the benchmark makes them where there is no corpus."""
    persons = people(20, 5)
    return [resource for person in persons for resource in (person.patient, *person.observations)]


@pytest.mark.parametrize("source", ["made", "synthea"])
async def test_the_ledgers_of_what_arrives_are_less_than_a_tenth(tmp_path: Path, source: str) -> None:
    if source == "synthea" and not ARCHIVE.exists():
        pytest.skip("the corpus is not here")
    resources = made() if source == "made" else records(ARCHIVE)[::10]
    bodies = list(copies(resources, len(resources)))
    keys = [Key(loads(body)["resourceType"], loads(body)["id"]) for body in bodies]
    async with opened(tmp_path / "world.db") as store:
        await arrive(store, bodies, 16)
        ledgers, contents = await weights(store, keys)
        entities = [from_row(row) for row in (await store.storage.rows(keys)).values()]
    assert len(entities) == len(resources) > 100
    assert 0 < ledgers < MOST_BYTES * contents
    for entity in entities:
        assert entity.ledger.uncontested and len(entity.ledger.views[0].stamps) == 1
        assert entity.world.sources == (EHR.id,) and entity.world.confidence == 1


async def test_the_plain_create_it_is_compared_with_is_one(tmp_path: Path) -> None:
    """The same resources are there, can be searched, and have no claims."""
    resources = made()
    bodies = list(copies(resources, len(resources)))
    async with opened(tmp_path / "plain.db") as store:
        with mock.patch.object(committer, "decide", plain_decision):
            await arrive(store, bodies, 16)
        for body in bodies:
            said = loads(body)
            version = await store.read(said["resourceType"], said["id"])
            assert version is not None and {**loads(version.content), "meta": 0} == {**said, "meta": 0}
        assert (await store.storage.head()).serial == len(resources)
