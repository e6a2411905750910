"""A process that writes until it is done or killed: ``python -m tests.contracts.writer PLACE NAME COUNT``.

Prints ``position id`` of each transaction as soon as it is acknowledged, and not before.
"""

from __future__ import annotations

import asyncio
import sys

from fhirserver.store.commands import Command, Put
from fhirserver.store.store import Store
from tests.contracts.places import EHR, opened, place

TOGETHER = 4


async def write(store: Store, name: str, number: int) -> None:
    """One transaction: a new patient, its twin, and an update of the patient that all share."""
    id = f"{name}-{number}"
    puts = [
        Put("Patient", each, {"resourceType": "Patient", "id": each, "name": [{"family": id}]})
        for each in (id, f"{id}-twin", "shared")
    ]
    outcome = await store.submit(Command(EHR, puts))
    print(outcome.position, id, flush=True)


async def main(where: str, name: str, count: int) -> None:
    async with opened(place(where)) as store:
        for first in range(0, count, TOGETHER):
            together = range(first, min(first + TOGETHER, count))
            await asyncio.gather(*(write(store, name, number) for number in together))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
