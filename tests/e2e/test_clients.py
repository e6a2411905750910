"""Clients that others wrote, against the server as a process of its own."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fhirpy import AsyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound

from tests.server_process import ServerProcess


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(Path(tmp_path_factory.mktemp("clients"))) as server:
        yield server


async def test_fhirpy(running: ServerProcess) -> None:
    client = AsyncFHIRClient(running.base, authorization=f"Bearer {running.token}")
    organization = client.resource("Organization", name="Harbor Clinic")
    await organization.save()
    people = []
    for number in range(5):
        person = client.resource(
            "Patient",
            name=[{"family": f"Fhirpy{number}"}],
            managingOrganization=organization.to_reference(),
        )
        await person.save()
        people.append(person)
    search = client.resources("Patient").search(organization__name="harbor").sort("name").limit(2)
    found = [one async for one in search]
    assert [one.id for one in found] == [one.id for one in people], "every page is followed"
    person = await client.reference("Patient", people[0].id).to_resource()
    person["gender"] = "female"
    await person.save()
    assert person["meta"]["versionId"] == "2"
    again = (
        await client.resources("Patient").search(_id=person.id).include("Patient", "organization").fetch_raw()
    )
    assert {entry.resource.resourceType for entry in again.entry} == {"Patient", "Organization"}
    await person.delete()
    for id in (person.id, "never"):
        with pytest.raises(ResourceNotFound):
            await client.reference("Patient", id).to_resource()
    with pytest.raises(OperationOutcome):
        await client.resource("Patient", gender="wrong").save()
    bundle = client.resource(
        "Bundle",
        type="transaction",
        entry=[
            {
                "fullUrl": "urn:uuid:5f0c0c5e-0001-4000-8000-000000000001",
                "resource": {"resourceType": "Patient", "name": [{"family": "Bundled"}]},
                "request": {"method": "POST", "url": "Patient"},
            },
            {
                "resource": {
                    "resourceType": "Encounter",
                    "status": "finished",
                    "class": {"code": "AMB"},
                    "subject": {"reference": "urn:uuid:5f0c0c5e-0001-4000-8000-000000000001"},
                },
                "request": {"method": "POST", "url": "Encounter"},
            },
        ],
    )
    await client.execute("", method="post", data=bundle.serialize())
    encounters = await client.resources("Encounter").search(subject__Patient__name="bundled").fetch_all()
    assert len(encounters) == 1


async def test_smart_fhirclient(running: ServerProcess) -> None:
    await asyncio.to_thread(_smart, running)


def _smart(running: ServerProcess) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from fhirclient import client as smart
        from fhirclient.models.humanname import HumanName
        from fhirclient.models.observation import Observation
        from fhirclient.models.patient import Patient

        made = smart.FHIRClient(settings={"app_id": "test", "api_base": f"{running.base}/"})
        made.server.session.headers["Authorization"] = f"Bearer {running.token}"
        person = Patient()
        person.name = [HumanName({"family": "Smart", "given": ["Ada"]})]
        created: Any = person.create(made.server)
        person = Patient.read(created["id"], made.server)
        assert person.name[0].family == "Smart"
        person.gender = "female"
        person.update(made.server)
        found = Patient.where({"family": "smart", "gender": "female"}).perform_resources(made.server)
        assert [one.id for one in found] == [person.id]
        pulse = {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "pulse"},
            "subject": {"reference": f"Patient/{person.id}"},
        }
        Observation(pulse).create(made.server)
        chained = Observation.where({"subject:Patient.family": "smart"}).perform_resources(made.server)
        assert len(chained) == 1
