"""A simulated HL7v2 EHR in a process of its own, and a server's store with a connector to it, turned by hand."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from adapters.hl7v2.ingest.world import Feed, WorldIngest
from adapters.hl7v2.intake.reception import Reading, Reception
from adapters.hl7v2.mllp.client import MllpClient, Peer
from adapters.hl7v2.mllp.limits import Limits
from adapters.hl7v2.mllp.server import Listener
from adapters.hl7v2.outbound.ehr import PUSHED, Hl7Ehr
from adapters.hl7v2.outbound.profile import read_profile
from adapters.hl7v2.outbound.reader import WorldReader
from fhirserver.world.policy import default_policy
from tests.server_process import free_port
from tests.unit.runner.practice import Practice, make_store

PROFILE: dict[str, Any] = {"receiving": ["SIMEHR", "SIMHOSP"], "refusals": {"SLOT_TAKEN": "person"}}


class Hospital:
    """The simulated EHR: its control, and its process."""

    def __init__(self, process: asyncio.subprocess.Process, ports: dict[str, int]):
        self.process, self.port = process, ports["mllp"]
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{ports['control']}", timeout=10)

    async def records(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Patients and appointments."""
        found = (await self.http.get("/records")).json()
        return found["patients"], found["appointments"]

    async def faults(self, **rates: float) -> None:
        (await self.http.put("/faults", json=rates)).raise_for_status()

    async def close(self) -> None:
        await self.http.aclose()
        if self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()


async def start_hospital(tell: int = 0, data: Path | None = None, port: int = 0) -> Hospital:
    arguments = ["--port", str(port), "--control-port", "0"]
    arguments += ["--tell", f"127.0.0.1:{tell}"] if tell else []
    arguments += ["--data", str(data)] if data else []
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "adapters.simulator.hl7", *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        return Hospital(process, json.loads(await process.stdout.readline()))


class Clinic(Practice):
    """A practice whose EHR speaks HL7v2. The source is ``ehr``."""

    hospital: Hospital

    async def until(self, true: Callable[[], Any], seconds: float = 20.0) -> Any:
        """What ``true`` comes to as soon as it is something."""
        async with asyncio.timeout(seconds):
            while not (found := await true()):
                await asyncio.sleep(0.05)
            return found


@asynccontextmanager
async def clinic(folder: Path, **profile: Any) -> AsyncIterator[Clinic]:
    """A store with a listener for the EHR's messages, and the EHR."""
    store = make_store(folder / "world.db")
    await store.open()
    port = free_port()
    ingest = WorldIngest(store, Feed("clinic", "ehr", frozenset(PUSHED), "CREDENCE"))
    listener = Listener(
        "clinic", Reception(Reading("clinic", "ehr"), store, ingest), "127.0.0.1", port, Limits()
    )
    listening = asyncio.create_task(listener.run())
    hospital = await start_hospital(port)
    client = MllpClient(Peer("127.0.0.1", hospital.port, answer_seconds=1.0))
    reader = WorldReader(store, default_policy(), "ehr")
    made = Clinic(store, Hl7Ehr(client, read_profile({**PROFILE, **profile}), reader))
    made.hospital = hospital
    try:
        yield made
    finally:
        await client.close()
        await hospital.close()
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        await store.close()
