"""Readiness, with each part of the server really broken."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.telephony.calls import Calls
from agent.telephony.settings import TelephonySettings
from agent.tools.client import FhirClient
from fhirserver.access.principals import Principals
from fhirserver.app.observing.health import BEATS, Health, watched
from fhirserver.app.observing.voice import WatchingVoice
from fhirserver.app.settings import Settings
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.measures import Gauge, Measures
from fhirserver.store.followers import STEPPED
from tests.facade import Facade, facade

READY = {"status": "ready"}


def patient(id: str) -> JsonObject:
    return {"resourceType": "Patient", "id": id, "name": [{"family": "Testperson"}]}


async def status(server: Facade, name: str = "readyz") -> tuple[int, JsonObject]:
    answer = await server.anonymous.get(f"http://facade.test/{name}")
    return answer.status_code, answer.json()


def failing(answer: tuple[int, JsonObject]) -> set[str]:
    code, body = answer
    assert (code == 503) == ("parts" in body), body
    return {name for name, told in body.get("parts", {}).items() if told != "ready"}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Facade]:
    async with facade(tmp_path, storage="sqlite") as running:
        yield running


async def test_all_is_well(server: Facade) -> None:
    assert await status(server, "healthz") == (200, {"status": "ok"})
    assert await status(server) == (200, READY)


async def test_a_storage_that_fails(server: Facade, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "credence.db") as other:
        other.execute("ALTER TABLE log RENAME TO gone")
    assert failing(await status(server)) == {"storage", "projections"}
    assert await status(server, "healthz") == (200, {"status": "ok"}), "it lives"
    assert "OperationalError" not in str(await status(server))
    with sqlite3.connect(tmp_path / "credence.db") as other:
        other.execute("ALTER TABLE gone RENAME TO log")


async def test_projections_that_stay_behind(server: Facade, tmp_path: Path) -> None:
    await server.ehr.put(patient("p"))
    with sqlite3.connect(tmp_path / "credence.db") as other:
        other.execute("UPDATE projected SET position = position - 1")
    later = 0.0
    seen = Health(server.store, lambda: True, now=lambda: time.monotonic() + later)
    told = []
    for wait in (0.0, 4.0, 6.0):
        later = wait
        told.append((await seen.parts())["projections"])
    assert told == [True, True, False]


async def test_a_follower_that_fails(server: Facade, tmp_path: Path) -> None:
    """Its checkpoint cannot be read any more: it tries again and again, and gets nowhere. The others go on."""
    seen = Health(server.store, lambda: True, patience=2.0)
    await server.ehr.put(patient("p"))
    async with asyncio.timeout(20):
        while not STEPPED.value("verification") or not (await seen.parts())["followers"]:
            await asyncio.sleep(0.05)
    with sqlite3.connect(tmp_path / "credence.db") as other:
        other.execute("INSERT OR REPLACE INTO fact VALUES ('checkpoint', 'verification', '{', 1)")
    async with asyncio.timeout(20):
        while (await seen.parts())["followers"]:
            await asyncio.sleep(0.1)
    assert set((await seen.parts()).items()) >= {("storage", True), ("workers", True)}
    with sqlite3.connect(tmp_path / "credence.db") as other:
        other.execute("DELETE FROM fact WHERE kind = 'checkpoint' AND key = 'verification'")
    async with asyncio.timeout(20):
        while not (await seen.parts())["followers"]:
            await asyncio.sleep(0.1)


async def test_a_loop_that_died(server: Facade) -> None:
    async def dies() -> None:
        raise ValueError("Wilhelmina")

    task = watched("mortal", dies)
    await asyncio.wait({task})
    await asyncio.sleep(0)
    assert failing(await status(server)) == {"followers"}


async def test_a_server_that_has_not_begun(server: Facade) -> None:
    assert await Health(server.store, lambda: False).parts() == {}


_FELLOW = """
import pathlib, time
from fhirserver.kernel.measures import Gauge, Measures
measures = Measures()
beats = Gauge("_beat", "", (), "each", measures)
measures.share(pathlib.Path({folder!r}), "serve-1")
beats.set(time.monotonic())
print("beats", flush=True)
while True:
    beats.set(time.monotonic())
    time.sleep(0.02)
"""


async def test_a_fellow_that_hangs(server: Facade, tmp_path: Path) -> None:
    measures, now = Measures(), time.monotonic
    for name in ("_beat", "credence_loop_running"):
        Gauge(name, "", ("loop",) if name[0] != "_" else (), "each", measures)
    Gauge("_follower_stepped", "", ("follower",), "max", measures)
    measures.share(tmp_path / "figures", "serve-0")
    code = _FELLOW.format(folder=str(tmp_path / "figures"))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as fellow:
        assert fellow.stdout is not None and fellow.stdout.readline() == b"beats\n"
        seen = Health(server.store, lambda: True, measures, lambda: now() + 9.0)
        assert (await seen.parts())["workers"]
        fellow.send_signal(signal.SIGSTOP)
        async with asyncio.timeout(20):
            while (await seen.parts())["workers"]:
                await asyncio.sleep(0.1)
        fellow.send_signal(signal.SIGCONT)
        async with asyncio.timeout(20):
            while not (await seen.parts())["workers"]:
                await asyncio.sleep(0.1)
        fellow.kill()


def test_names_are_those_that_are_counted() -> None:
    assert (BEATS.described.name, STEPPED.described.name) == ("_beat", "_follower_stepped")


async def test_a_telephone_whose_server_is_gone() -> None:
    """Nothing listens where its server was."""
    client, telephony = (
        FhirClient("http://127.0.0.1:1/fhir", "token"),
        TelephonySettings("secret", "https://a.example"),
    )
    watching = WatchingVoice(Settings(), client, Calls(telephony, lambda incoming: None), Principals(()))
    assert await watching.parts() == {}, "it has not begun"
    watching.started = True
    assert await watching.parts() == {"server": False}
    await client.close()
