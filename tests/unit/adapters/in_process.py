"""A simulated EHR inside the test process, reached over httpx's ASGI transport; small and without network."""

from __future__ import annotations

import json
from datetime import date
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
    options.setdefault("today", TODAY)
    return create_app(Options(token=TOKEN, **options))


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
