"""The web origins of apps: known as soon as an app is registered, whoever registered it, and not read too often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from fhirserver.access.smart import app_origins
from fhirserver.access.smart.app_origins import AppOrigins
from fhirserver.access.smart.clients import Client, Clients
from fhirserver.rest.cors import Cors
from fhirserver.storage.memory.access_records import MemoryAccessRecords
from tests.unit.access.smart.kit import APP

ORIGIN = "https://app.example"


class Counted(Clients):
    """Counts how often all of them are read."""

    reads = 0

    async def all(self) -> Sequence[Client]:
        self.reads += 1
        return await super().all()


async def test_an_app_that_another_process_registered_is_known_when_it_asks() -> None:
    records = MemoryAccessRecords()
    origins = AppOrigins((), Clients(records))
    cors = Cors(origins, origins.look)
    assert cors.headers({"origin": ORIGIN}) == []
    await Clients(records).add(APP)
    await cors.seek(ORIGIN)
    assert (b"access-control-allow-origin", ORIGIN.encode()) in cors.headers({"origin": ORIGIN})


async def test_origins_that_are_made_up_have_the_clients_read_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    clients = Counted(
        MemoryAccessRecords(), [replace(APP, id="known", redirect_uris=("https://known.example/",))]
    )
    origins = AppOrigins((), clients)
    cors = Cors(origins, origins.look)
    await cors.seek("https://known.example")
    assert clients.reads == 0
    for number in range(50):
        await cors.seek(f"https://evil-{number}.example")
    assert clients.reads == 1
    monkeypatch.setattr(app_origins, "_SELDOM_SECONDS", 0.0)
    await cors.seek("https://evil.example")
    assert clients.reads == 2


async def test_a_storage_that_fails_lets_nobody_in_and_breaks_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clients = Clients(MemoryAccessRecords())
    origins = AppOrigins(("https://fixed.example",), clients)
    monkeypatch.setattr(clients, "all", None)
    cors = Cors(origins, origins.look)
    await cors.seek(ORIGIN)
    assert cors.headers({"origin": ORIGIN}) == [] and cors.headers({"origin": "https://fixed.example"})
