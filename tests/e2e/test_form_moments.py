"""What asks for a form by itself, and what is closed to answers: moments that are easily taken for others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from agent.forms.filling import Filling, LinkClosed
from agent.forms.links import Links
from agent.forms.office import Office
from agent.forms.triggers import Triggers
from agent.tools.client import FhirClient
from fhirserver.kernel.instants import SystemClock, instant
from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.ports.forms import FormOrder
from tests.facade import BASE, Facade, facade
from tests.form_world import ADA

CLOCK = SystemClock()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Facade]:
    async with facade(tmp_path) as made:
        await made.ehr.put({**ADA})
        yield made


def office_of(server: Facade) -> Office:
    client = FhirClient(BASE, "token-ehr", server.transport)
    return Office(client, Links(lambda *_: [b"k" * 32]), CLOCK, "https://clinic.example/forms")


def spoken(id: str, payload: JsonObject) -> JsonObject:
    ada = {"reference": "Patient/ada"}
    return {
        "resourceType": "Communication", "id": id, "status": "completed", "subject": ada,
        "sent": instant(CLOCK.now()), "received": instant(CLOCK.now()), "payload": [payload],
    }  # fmt: skip


async def test_a_message_that_went_out_is_no_call_that_is_over(server: Facade) -> None:
    office = office_of(server)
    looks = Triggers(office, timedelta(), True)
    await server.ehr.put(spoken("text", {"contentString": "Please confirm your visit. Reply STOP to stop."}))
    assert await looks.after() == 0
    await server.ehr.put({"resourceType": "DocumentReference", "id": "t", "status": "current",
                          "content": [{"attachment": {"contentType": "text/plain", "data": "aGk="}}]})  # fmt: skip
    await server.ehr.put(spoken("call", {"contentReference": {"reference": "DocumentReference/t"}}))
    assert await looks.after() == 1
    await office.client.close()


async def test_an_answer_that_was_on_its_way_while_the_form_was_sent_changes_nothing(server: Facade) -> None:
    office = office_of(server)
    filling = Filling(office, office.client, definitions().resource_types)
    made = await office.make(FormOrder("Patient/ada", "missing-data", "operator", subjects=("email",)), "ana")
    task = await office.task(made.id)
    form = (await filling.save(await filling.load(task), {"email": "ada@example.org"})).form
    assert await filling.send_in(replace(form, task=await office.task(made.id))) == {}
    with pytest.raises(LinkClosed, match="done"):
        await filling.save(await filling.load(task), {"email": "late@example.org"})
    response = await office.client.read(f"QuestionnaireResponse/{made.id}")
    assert response is not None and response["status"] == "completed"
    await office.client.close()
