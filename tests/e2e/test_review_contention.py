"""Two reviewers in two processes over one SQLite file: never on one item at once."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fhirserver.kernel.json import loads
from tests.facade import facade, said

ITEMS = 8


@contextmanager
def reviewer(folder: Path, name: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.reviewer", str(folder), name]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.communicate(timeout=30)
    assert process.returncode == 0


def told(process: subprocess.Popen[str]) -> list[int]:
    assert process.stdout is not None
    statuses: list[int] = json.loads(process.stdout.readline())
    return statuses


def all_do(operation: str, ids: list[str], *who: subprocess.Popen[str]) -> list[tuple[int, ...]]:
    """What each reviewer got for each item, all having asked at once."""
    for process in who:
        assert process.stdin is not None
        process.stdin.write(f"{operation} {' '.join(ids)}\n")
        process.stdin.flush()
    return list(zip(*map(told, who), strict=True))


async def items(folder: Path) -> list[str]:
    """Claims of the agent that wait for an operator."""
    async with facade(folder, "sqlite") as server:
        for n in range(ITEMS):
            await server.ehr.put({"resourceType": "Patient", "id": f"p{n}", "gender": "female"})
            changed = {"resourceType": "Patient", "id": f"p{n}", "gender": "male"}
            await server.agent.put(changed, x_provenance=said("0.5", mode="partial"))
        async with asyncio.timeout(20):
            while len(found := await server.ana.ids("Task?code=review&_count=50")) < ITEMS:
                await asyncio.sleep(0.02)
        return found


async def test_exactly_one_claims_and_exactly_one_decides(tmp_path: Path) -> None:
    ids = await items(tmp_path)
    with reviewer(tmp_path, "ana") as ana, reviewer(tmp_path, "ben") as ben:
        told(ana), told(ben)  # both serve
        claimed = all_do("claim", ids, ana, ben)
        assert {tuple(sorted(pair)) for pair in claimed} == {(200, 423)}, claimed
        hers = [id for id, pair in zip(ids, claimed, strict=True) if pair[0] == 200]
        his = [id for id in ids if id not in hers]
        assert all_do("release", hers, ana) == [(200,)] * len(hers)
        assert all_do("release", his, ben) == [(200,)] * len(his)
        decided = all_do("approve", ids, ana, ben)
        assert {tuple(sorted(pair)) for pair in decided} == {(200, 409)}, decided
    async with facade(tmp_path, "sqlite") as server:
        for n in range(ITEMS):
            ledger = await server.store.ledger("Patient", f"p{n}")
            assert ledger is not None
            assert [made.kind for made in ledger.decisions if made.kind == "approve"] == ["approve"]
            patient = loads((await server.reader.get(f"Patient/p{n}")).content)
            assert patient["gender"] == "male"
