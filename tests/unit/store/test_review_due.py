"""When a review item matters: an appointment's start, or the patient's next appointment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fhirserver.kernel.instants import instant
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Command, Put
from fhirserver.store.review_items import due_of
from fhirserver.store.store import Store
from tests.unit.runner.practice import make_store

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = make_store(tmp_path / "credence.db")
    await made.open()
    yield made
    await made.close()


async def visit(store: Store, id: str, status: str, start: str, patient: str = "p") -> None:
    content: dict[str, Any] = {"resourceType": "Appointment", "id": id, "status": status, "start": start}
    content["participant"] = [{"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"}]
    await store.submit(Command(Statement("ehr"), (Put("Appointment", id, content),)))


async def test_the_next_appointment_that_will_be(store: Store) -> None:
    await store.submit(Command(Statement("ehr"), (Put("Patient", "p", {"resourceType": "Patient"}),)))
    patient = await store.entity("Patient", "p")
    assert patient is not None
    assert await due_of(store, patient, "Patient/p", NOW) == ""
    times = {"past": -24, "off": 2, "later": 90, "next": 30, "others": 1}
    for id, hours in times.items():
        start = instant(NOW + timedelta(hours=hours))
        status = "cancelled" if id == "off" else "booked"
        await visit(store, id, status, start, "q" if id == "others" else "p")
    assert await due_of(store, patient, "Patient/p", NOW) == instant(NOW + timedelta(hours=30))
    past = await store.entity("Appointment", "past")
    assert past is not None
    assert await due_of(store, past, "Patient/p", NOW) == instant(NOW - timedelta(hours=24))
