"""What fhirpy and the SMART fhirclient can do beyond the basics: chains, includes, pages, patches, history."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from fhirpy import AsyncFHIRClient, SyncFHIRClient
from fhirpy.base.exceptions import MultipleResourcesFound, OperationOutcome

from tests.server_process import ServerProcess

UUID = "urn:uuid:5f0c0c5e-0003-4000-8000-00000000000"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(Path(tmp_path_factory.mktemp("clients"))) as server:
        _load(SyncFHIRClient(server.base, authorization=f"Bearer {server.token}"))
        yield server


def entry(number: int, resource: dict[str, Any]) -> dict[str, Any]:
    request = {"method": "POST", "url": resource["resourceType"]}
    return {"fullUrl": f"{UUID}{number}", "resource": resource, "request": request}


def _load(client: SyncFHIRClient) -> None:
    """A clinic, its doctor, two patients of hers, and seven weights of the first."""
    doctor = {
        "resourceType": "Practitioner",
        "name": [{"family": "Grey"}],
        "identifier": [{"value": "npi-1"}],
    }
    patients = [
        {
            "resourceType": "Patient",
            "name": [{"family": family, "given": [given]}],
            "birthDate": born,
            "generalPractitioner": [{"reference": f"{UUID}1"}],
            "managingOrganization": {"reference": f"{UUID}0"},
            "identifier": [{"system": "urn:mrn", "value": family.lower()}],
        }
        for family, given, born in (("Ågren", "Ada", "1990-02-28"), ("Berg", "Bo", "2001-12"))
    ]
    weights = [
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
            "subject": {"reference": f"{UUID}2"},
            "effectiveDateTime": f"2024-03-0{day}",
            "valueQuantity": {"value": 60 + day, "system": "http://unitsofmeasure.org", "code": "kg"},
        }
        for day in range(1, 8)
    ]
    all_of_them = [{"resourceType": "Organization", "name": "Harbor"}, doctor, *patients]
    entries = [entry(number, one) for number, one in enumerate(all_of_them)]
    entries += [{"resource": one, "request": {"method": "POST", "url": "Observation"}} for one in weights]
    client.resource("Bundle", type="transaction", entry=entries)
    answer = client.execute(
        "", method="post", data={"resourceType": "Bundle", "type": "transaction", "entry": entries}
    )
    assert [one["response"]["status"][:3] for one in answer["entry"]] == ["201"] * 11


@pytest.fixture
async def fhirpy(running: ServerProcess) -> AsyncIterator[AsyncFHIRClient]:
    yield AsyncFHIRClient(running.base, authorization=f"Bearer {running.token}")


async def test_chains_and_reverse_chains(fhirpy: AsyncFHIRClient) -> None:
    weights = fhirpy.resources("Observation")
    chained = await weights.search(
        subject__Patient__general_practitioner__Practitioner__name="grey"
    ).fetch_all()
    assert len(chained) == 7
    found = await fhirpy.resources("Patient").has("Observation", "patient", code="29463-7").fetch_all()
    assert [one["name"][0]["given"] for one in found] == [["Ada"]]


async def test_modifiers_and_prefixes(fhirpy: AsyncFHIRClient) -> None:
    fhirpy.extra_headers = {
        "Prefer": "handling=lenient"
    }  # fhirpy counts with a parameter that FHIR does not have
    people, weights = fhirpy.resources("Patient"), fhirpy.resources("Observation")
    assert await people.search(family="agren").count() == 1, "accents do not count"
    assert await people.search(family__exact="agren").count() == 0
    assert await people.search(birthdate__lt="2000").count() == 1
    assert await people.search(birthdate="2001-12").count() == 1
    assert await people.search(gender__missing=True).count() == 2
    assert await weights.search(value_quantity__ge="66|http://unitsofmeasure.org|kg").count() == 2
    assert await weights.search(date__ge="2024-03-02", date__lt="2024-03-04").count() == 2


async def test_all_pages_in_order(fhirpy: AsyncFHIRClient) -> None:
    found = fhirpy.resources("Observation").search(code="29463-7").sort("-date").limit(3)
    days = [one["effectiveDateTime"][-1] async for one in found]
    assert days == list("7654321")


async def test_includes_both_ways(fhirpy: AsyncFHIRClient) -> None:
    people = fhirpy.resources("Patient").search(identifier="urn:mrn|ågren")
    bundle = await (
        people.include("Patient", "general-practitioner")
        .include("Patient", "organization")
        .revinclude("Observation", "subject")
        .fetch_raw()
    )
    found = sorted(one.resource.resourceType for one in bundle.entry)
    assert found == ["Observation"] * 7 + ["Organization", "Patient", "Practitioner"]
    first = bundle.entry[0].resource
    assert (await first["managingOrganization"].to_resource())["name"] == "Harbor"


async def test_conditional_update(fhirpy: AsyncFHIRClient) -> None:
    clinics = fhirpy.resources("Organization").search(identifier="urn:x|clinic")
    new = fhirpy.resource("Organization", name="Clinic", identifier=[{"system": "urn:x", "value": "clinic"}])
    made, created = await clinics.update(new)
    changed = fhirpy.resource("Organization", name="Clinic II", identifier=new["identifier"])
    updated, created_again = await clinics.update(changed)
    assert (created, created_again, updated.id, updated["name"]) == (True, False, made.id, "Clinic II")
    with pytest.raises(MultipleResourcesFound):
        await fhirpy.resources("Patient").search(general_practitioner__Practitioner__name="grey").get()


async def test_conditions_in_the_query_of_a_create_are_refused_not_passed_over(
    fhirpy: AsyncFHIRClient,
) -> None:
    """fhirpy's ``get_or_create`` and ``patch`` are another server's dialect: it must hear of it."""
    clinics = fhirpy.resources("Organization").search(identifier="urn:x|none")
    with pytest.raises(OperationOutcome, match="If-None-Exist"):
        await clinics.get_or_create(fhirpy.resource("Organization", name="None"))
    assert await clinics.fetch_all() == []


async def test_patch_history_and_validation_of_one(fhirpy: AsyncFHIRClient) -> None:
    person = fhirpy.resource("Patient", name=[{"family": "Patched"}], active=True)
    await person.save()
    fhirpy.extra_headers = {"Content-Type": "application/json-patch+json"}
    patch: Any = [{"op": "add", "path": "/gender", "value": "other"}]
    await fhirpy.execute(f"Patient/{person.id}", method="patch", data=patch)
    fhirpy.extra_headers = {}
    await person.refresh()
    assert (person["gender"], person["meta"]["versionId"]) == ("other", "2")
    history = await fhirpy.execute(f"Patient/{person.id}/_history", method="get")
    assert [one["resource"]["meta"]["versionId"] for one in history["entry"]] == ["2", "1"]
    assert await person.is_valid()
    person["gender"] = "wrong"
    assert not await person.is_valid()
    with pytest.raises(OperationOutcome, match="gender"):
        await person.is_valid(raise_exception=True)


async def test_smart_fhirclient(running: ServerProcess) -> None:
    await asyncio.to_thread(_smart, running)


def _smart(running: ServerProcess) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from fhirclient import client as smart
        from fhirclient.models.bundle import Bundle
        from fhirclient.models.capabilitystatement import CapabilityStatement
        from fhirclient.models.observation import Observation
        from fhirclient.models.patient import Patient

        server = smart.FHIRClient(settings={"app_id": "test", "api_base": f"{running.base}/"}).server
        server.session.headers["Authorization"] = f"Bearer {running.token}"
        statement = CapabilityStatement.read_from("metadata", server)
        assert statement.fhirVersion == "4.0.1"
        weights = Observation.where({"code": "29463-7", "_count": "2", "_sort": "date"})
        days = [one.effectiveDateTime.isostring[:10] for one in weights.perform_resources_iter(server)]
        assert days == [f"2024-03-0{day}" for day in range(1, 8)], "every page, each once"
        wanted = {"family": "berg", "_include": "Patient:organization"}
        found = Patient.where(wanted).perform(server)
        assert [one.resource.resource_type for one in found.entry] == ["Patient", "Organization"]
        history = Bundle.read_from(f"Patient/{found.entry[0].resource.id}/_history", server)
        assert history.type == "history"
        with pytest.raises(Exception, match="404"):
            Patient.read("never", server)
