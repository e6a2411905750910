"""One reviewer in a process of its own: ``python -m tests.reviewer FOLDER PRINCIPAL``.

Serves the SQLite file in the folder beside other processes. For each line of standard input, an operation and the ids
of items, does it to all of them at once and prints the statuses it got as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from fhirserver.app.wiring import Part, make_application
from tests.facade import Client, served, settings


async def main(folder: Path, principal: str) -> None:
    application = make_application(settings(folder, "sqlite"), Part.FURTHER)
    async with served(application) as server:
        client: Client = getattr(server, principal)
        print("[]", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            operation, *ids = line.split()
            print(json.dumps(await _statuses(client, operation, ids)), flush=True)


async def _statuses(client: Client, operation: str, ids: list[str]) -> list[int]:
    body = {"resourceType": "Parameters"}
    asked = (client("POST", f"Task/{id}/${operation}", body) for id in ids)
    return [answer.status_code for answer in await asyncio.gather(*asked)]


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
