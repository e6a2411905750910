"""A simulated EHR inside the test process, reached over httpx's ASGI transport; small and without network."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
import weakref
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from adapters.fhir.ehr import FhirEhr, FhirSettings
from adapters.fhir.retries import RetryPolicy
from adapters.fhir.tokens import StaticToken
from adapters.simulator.app import SimulatedEhr, create_app
from adapters.simulator.options import Options

TOKEN = "test-token"
BASE = "http://ehr.test/fhir"
TODAY = date(2026, 11, 23)


async def no_wait(seconds: float) -> None:
    """Sleep that does not."""


def tiny_bundles(folder: Path) -> Path:
    """A folder with one patient and nothing else, so that an EHR fills at once."""
    folder.mkdir(parents=True, exist_ok=True)
    patient = {"resourceType": "Patient", "birthDate": "1999-06-01", "name": [{"family": "Reyes7"}]}
    entry = {"fullUrl": "urn:uuid:1", "resource": patient, "request": {"method": "POST", "url": "Patient"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    (folder / "one.json").write_text(json.dumps(bundle))
    return folder


def ehr_app(**options: Any) -> SimulatedEhr:
    """In memory it is filled by copying one that was filled like this before: filling takes a quarter of a second."""
    options.setdefault("today", TODAY)
    chosen = Options(token=TOKEN, **options)
    if chosen.data is not None or chosen.bundles is not None:
        return create_app(chosen)
    folder = Path(tempfile.mkdtemp(prefix="simulated-ehr-"))
    shutil.copyfile(_filled(*(getattr(chosen, name) for name in _FILLING)), folder / "ehr.db")
    app = create_app(replace(chosen, data=folder / "ehr.db"))
    weakref.finalize(app, shutil.rmtree, folder)
    return app


_FILLING = ("today", "utc_offset", "seed", "weeks", "practitioners")
"""The options that say what a new database is filled with, beside the bundles."""


@cache
def _filled(*filling: Any) -> Path:
    """A database as it is when it is new; it is there until the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="simulated-ehr-"))
    atexit.register(shutil.rmtree, folder)
    path = folder / "ehr.db"
    create_app(Options(token=TOKEN, data=path, **dict(zip(_FILLING, filling, strict=True)))).close()
    return path


def client(app: SimulatedEhr) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return httpx.AsyncClient(transport=transport, base_url="http://ehr.test/fhir/", headers=headers)


def adapter(app: SimulatedEhr, transport: httpx.AsyncBaseTransport | None = None, **settings: Any) -> FhirEhr:
    settings.setdefault("retries", RetryPolicy(attempts=100))
    return FhirEhr(
        FhirSettings(BASE, **settings),
        StaticToken(TOKEN),
        sleep=no_wait,
        transport=transport or httpx.ASGITransport(app=app),
    )
