"""A handful of rounds of the drill, and that the drill would see it if something were lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.kill_9 import Drill
from tests.faults.witness import Witness
from tests.faults.writers import Acknowledged, Doubt, connect, observation, patient
from tests.server_process import ServerProcess


@pytest.mark.parametrize(("workers", "rounds"), [pytest.param(1, 3, marks=pytest.mark.slow), (2, 2)])
async def test_nothing_acknowledged_is_lost_and_nothing_is_half_done(
    tmp_path: Path, workers: int, rounds: int
) -> None:
    drill = Drill(tmp_path, seed=14, workers=workers)
    try:
        outcome = await drill.run(rounds)
    finally:
        drill.server.kill()
    assert outcome.problems == []
    assert outcome.rounds == rounds
    assert all(outcome.acknowledged[kind] for kind in ("create", "update", "transaction"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    with ServerProcess(tmp_path_factory.mktemp("witness")) as running:
        yield running


async def test_the_witness_sees_a_lost_write(server: ServerProcess) -> None:
    async with connect(server) as client:
        acknowledged = Acknowledged({"Patient/gone": {1: "gone"}})
        assert await Witness(client, acknowledged).compare() == [
            "Patient/gone: version 1 was acknowledged and is gone"
        ]


async def test_the_witness_sees_other_content_and_a_version_too_many(server: ServerProcess) -> None:
    async with connect(server) as client:
        for mark in ("one", "two"):
            (await client.put("Patient/kept", json={**patient(mark), "id": "kept"})).raise_for_status()
        problems = await Witness(client, Acknowledged({"Patient/kept": {1: "other"}})).compare()
    assert problems == [
        "Patient/kept: versions [2] were never written",
        "Patient/kept: version 1 is not what was written",
    ]


async def test_the_witness_sees_half_a_transaction(server: ServerProcess) -> None:
    async with connect(server) as client:
        first = await client.put("Patient/half", json={**patient("base"), "id": "half"})
        assert first.status_code == 201
        seen = {**observation("torn", "Patient/half"), "id": "torn"}
        assert (await client.put("Observation/torn", json=seen)).status_code == 201
        acknowledged = Acknowledged({"Patient/half": {1: "base"}})
        doubt = Doubt("transaction", "torn", "Patient/half", 2)
        assert len(await Witness(client, acknowledged).settle(doubt)) == 1
