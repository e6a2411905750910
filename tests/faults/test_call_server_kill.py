"""The server is killed while somebody is on the telephone: what they asked for, and the call's own record, are there
when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.call import Call, CallRecord
from agent.channels.script import Script, parse
from agent.channels.terminal import ScriptedLine
from agent.insisting import Insisting
from agent.signals import Signal
from agent.tools.client import FhirClient
from fhirserver.kernel.instants import SystemClock
from tests.server_process import ServerProcess

CALLER = "+14125550142"
WISH = "Please stop calling me. Do not call me again."


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path) as process:
        patient = {
            "resourceType": "Patient",
            "id": "eve",
            "name": [{"family": "Bradtke", "given": ["Evelyn"]}],
            "birthDate": "1982-03-03",
            "telecom": [{"system": "phone", "value": CALLER}],
        }
        put = httpx.put(f"{process.base}/Patient/eve", json=patient, headers=process.headers_of("admin"))
        assert put.status_code == 201
        yield process


class Killing(ScriptedLine):
    """A caller before whose first words the server dies."""

    def __init__(self, server: ServerProcess, words: str):
        super().__init__(Script(parse([words])), SystemClock())
        self._server, self.killed = server, asyncio.Event()

    async def listen(self) -> Signal:
        if not self.killed.is_set():
            await asyncio.to_thread(self._server.kill)
            self.killed.set()
        return await super().listen()


async def call_that_is_cut(server: ServerProcess, words: str, away: float) -> CallRecord:
    """A call before whose first words the server is killed; it is back ``away`` seconds later."""
    client, insisting = FhirClient(server.base, server.tokens["voice-agent"]), Insisting()
    line = Killing(server, words)
    running = asyncio.create_task(Call(client, line, CALLER, insisting=insisting).run())
    await line.killed.wait()
    await asyncio.sleep(away)
    await asyncio.to_thread(server.start)
    record = await running
    await insisting.close(20)
    await client.close()
    return record


def found(server: ServerProcess, query: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{server.base}/{query}", headers=server.headers_of("admin"))
    assert answer.status_code == 200, answer.text
    return [entry["resource"] for entry in answer.json().get("entry", ())]


@pytest.mark.parametrize("away", [0.5, 10.0])
async def test_a_wish_said_while_the_server_is_away_is_kept(server: ServerProcess, away: float) -> None:
    await call_that_is_cut(server, WISH, away)
    [flag] = found(server, "Flag?patient=Patient/eve")
    assert [one["value"] for one in flag["identifier"]] == [f"call:{CALLER}"]


async def test_the_record_of_a_call_waits_for_the_server(server: ServerProcess) -> None:
    record = await call_that_is_cut(server, "[hangup]", 2.0)
    [kept] = found(server, "Communication")
    assert (kept["id"], kept["status"]) == (record.communication.partition("/")[2], "completed")
    documents = {one["contentReference"]["reference"] for one in kept["payload"]}
    assert documents == {record.transcript, record.summary} and "" not in documents
    assert len(found(server, "DocumentReference")) == 2
