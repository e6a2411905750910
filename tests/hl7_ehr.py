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


TOKEN = "the hospital's token"


class HospitalFailed(RuntimeError):
    """It did not start; the exit code."""


class Hospital:
    """The simulated EHR: its control, and its process."""

    def __init__(self, process: asyncio.subprocess.Process, ports: dict[str, int]):
        self.process, self.port, self.control = process, ports["mllp"], ports["control"]
        self.http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.control}/admin",
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=10,
            trust_env=False,
        )

    async def list(self, table: str, **query: Any) -> list[dict[str, Any]]:
        answer = await self.http.get(f"/{table}", params=query)
        answer.raise_for_status()
        return list(answer.json())

    async def records(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Patients and appointments."""
        return await self.list("patients"), await self.list("appointments")

    async def state(self) -> dict[str, Any]:
        return dict((await self.http.get("/state")).json())

    async def register(self, **fields: str) -> str:
        answer = await self.http.post("/patients", json=fields)
        answer.raise_for_status()
        return str(answer.json()["mrn"])

    async def faults(self, **settings: float) -> None:
        (await self.http.post("/faults", json=settings)).raise_for_status()

    async def kill(self) -> None:
        """As a power cut."""
        await self.http.aclose()
        self.process.kill()
        await self.process.wait()

    async def close(self) -> None:
        await self.http.aclose()
        if self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()


async def start_hospital(tell: int = 0, *more: str, data: Path | None = None, port: int = 0) -> Hospital:
    """An EHR that has nobody yet, unless ``more`` says so."""
    arguments = ["--token", TOKEN, "--port", str(port), "--control-port", "0"]
    arguments += ["--tell", f"127.0.0.1:{tell}"] if tell else []
    arguments += ["--data", str(data)] if data else []
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "adapters.simulator.hl7", *arguments),
        *(more or ("--patients", "0", "--practitioners", "0")),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        ports = await process.stdout.readline()
        if not ports:
            raise HospitalFailed(await process.wait())
        return Hospital(process, json.loads(ports))


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
