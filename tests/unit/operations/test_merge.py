"""``$merge`` and ``$unmerge`` over the facade. https://hl7.org/fhir/patient-operation-merge.html"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.model.validation import validate
from tests.facade import Facade, expressions, facade, issues, patient, said
from tests.subscribing import eventually

MRN = "urn:mrn"


def asked(**inputs: Any) -> JsonObject:
    """The Parameters of a request; underscores in names are dashes."""
    given = [(name.replace("_", "-"), value) for name, value in inputs.items()]
    parameters = [_parameter(name, value) for name, value in given]
    return {"resourceType": "Parameters", **({"parameter": parameters} if parameters else {})}


def _parameter(name: str, value: Any) -> JsonObject:
    if isinstance(value, bool):
        return {"name": name, "valueBoolean": value}
    if isinstance(value, str):
        return {"name": name, "valueReference": {"reference": value}}
    member = "resource" if "resourceType" in value else "valueIdentifier"
    return {"name": name, member: value}


async def merge(client: Any, type: str = "Patient", **inputs: Any) -> httpx.Response:
    answer: httpx.Response = await client("POST", f"{type}/$merge", asked(**inputs))
    return answer


def outputs(answer: httpx.Response) -> dict[str, JsonObject]:
    parameters = loads(answer.content)
    assert [issue for issue in validate(parameters) if issue.severity == "error"] == []
    return {one["name"]: one["resource"] for one in parameters["parameter"]}


def observation(id: str, of: str) -> JsonObject:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"text": "weight"},
        "subject": {"reference": f"Patient/{of}"},
    }


@pytest.fixture(params=["memory", "sqlite"])
async def server(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Facade]:
    async with facade(tmp_path, request.param) as running:
        await running.ehr.put(patient("s", identifier=[{"system": MRN, "value": "1"}]))
        more = {"identifier": [{"system": MRN, "value": "2"}], "gender": "female"}
        await running.ehr.put(patient("d", **more))
        await running.ehr.put(observation("o", "d"))
        yield running


async def test_a_merge_and_all_that_it_answers(server: Facade) -> None:
    answer = await merge(server.ana, source_patient="Patient/d", target_patient="Patient/s")
    assert answer.status_code == 200, answer.text
    found = outputs(answer)
    assert list(found) == ["input", "outcome", "result", "task"]
    assert found["result"]["id"] == "s" and found["result"]["gender"] == "female"
    assert {item["value"] for item in found["result"]["identifier"]} == {"1", "2"}
    assert found["result"]["link"] == [{"other": {"reference": "Patient/d"}, "type": "replaces"}]
    assert found["task"]["status"] == "completed"
    left = (await server.reader.get("Patient/d")).json()
    assert left["active"] is False
    assert left["link"] == [{"other": {"reference": "Patient/s"}, "type": "replaced-by"}]


async def test_what_refers_to_the_duplicate_is_found_at_the_survivor(server: Facade) -> None:
    await merge(server.ana, source_patient="Patient/d", target_patient="Patient/s")
    assert (await server.reader.get("Observation/o")).json()["subject"] == {"reference": "Patient/s"}
    for path in (
        "Observation?patient=s",
        "Observation?subject:Patient.identifier=2",
        "Patient/s/Observation",
    ):
        assert await server.reader.ids(path) == ["o"], path
    assert "o" in await server.reader.ids("Patient/s/$everything")
    assert "o" in await server.reader.ids("Patient?_id=s&_revinclude=Observation:subject")
    assert await server.reader.ids(f"Patient?identifier={MRN}|2") == ["s"]


async def test_what_is_created_later_is_found_at_the_survivor(server: Facade) -> None:
    await merge(server.ana, source_patient="Patient/d", target_patient="Patient/s")
    later = {name: value for name, value in observation("", "d").items() if name != "id"}
    answer = await server.ehr.post(later)
    assert answer.status_code == 201 and answer.json()["subject"] == {"reference": "Patient/s"}
    made = answer.json()["id"]
    assert set(await server.reader.ids("Observation?patient=s")) == {"o", made}
    chain = "Observation?subject:Patient.identifier=1"
    assert set(await server.reader.ids(chain)) == {"o", made}
    await server.ana("POST", "Patient/d/$unmerge", asked())
    assert set(await server.reader.ids("Observation?patient=d")) == {"o", made}


async def test_a_search_by_the_duplicate_finds_it_too(server: Facade) -> None:
    await merge(server.ana, source_patient="Patient/d", target_patient="Patient/s")
    for path in (
        "Observation?patient=d",
        "Observation?subject=Patient/d",
        "Patient/d/Observation",
        "Patient?_id=s&_has:Observation:patient:subject=Patient/d",
        "Patient?link=Patient/d",
    ):
        found = await server.reader.ids(path)
        assert found == (["s"] if path.startswith("Patient?") else ["o"]), path
    assert "o" in await server.reader.ids("Patient/d/$everything")


async def test_undone_all_is_as_before(server: Facade) -> None:
    before = [(await server.reader.get(path)).json() for path in ("Patient/s", "Patient/d", "Observation/o")]
    await merge(server.ana, source_patient="Patient/d", target_patient="Patient/s")
    answer = await server.ana("POST", "Patient/d/$unmerge", asked())
    assert answer.status_code == 200, answer.text
    found = outputs(answer)
    assert found["result"]["id"] == "d" and found["task"]["status"] == "completed"
    for old in before:
        new = (await server.reader.get(f"{old['resourceType']}/{old['id']}")).json()
        for resource in (old, new):
            resource["meta"].pop("versionId")
            resource["meta"].pop("lastUpdated")
        assert new == old
    assert await server.reader.ids("Observation?patient=d") == ["o"]
    assert await server.reader.ids("Observation?patient=s") == []


async def test_by_identifiers(server: Facade) -> None:
    one, two = {"system": MRN, "value": "1"}, {"system": MRN, "value": "2"}
    answer = await merge(server.ana, source_patient_identifier=two, target_patient_identifier=one)
    assert outputs(answer)["result"]["id"] == "s"


async def test_an_identifier_that_the_named_one_does_not_have(server: Facade) -> None:
    inputs = {"source_patient": "Patient/d", "source_patient_identifier": {"system": MRN, "value": "1"}}
    answer = await merge(server.ana, **inputs, target_patient="Patient/s")
    assert answer.status_code == 422
    assert expressions(answer) == ["Parameters.parameter.where(name='source-patient-identifier')"]


async def test_identifiers_that_mean_none_or_several(server: Facade) -> None:
    await server.ehr.put(patient("s2", identifier=[{"system": MRN, "value": "1"}]))
    for value in ("1", "9"):
        identifier = {"system": MRN, "value": value}
        answer = await merge(server.ana, source_patient_identifier=identifier, target_patient="Patient/s")
        assert answer.status_code == 422, value


async def test_a_preview_writes_nothing(server: Facade) -> None:
    head = server.store.head
    answer = await merge(server.ana, source_patient="Patient/d", target_patient="Patient/s", preview=True)
    assert answer.status_code == 200
    found = outputs(answer)
    assert found["result"]["gender"] == "female" and "task" not in found
    assert server.store.head == head
    assert (await server.reader.get("Patient/d")).json()["gender"] == "female"


async def test_the_wanted_result_supersedes_what_differs(server: Facade) -> None:
    replaces = {"other": {"reference": "Patient/d"}, "type": "replaces"}
    wanted = patient("s", identifier=[{"system": MRN, "value": "1"}], birthDate="1990-01-02", link=[replaces])
    inputs = {"source_patient": "Patient/d", "target_patient": "Patient/s", "result_patient": wanted}
    preview = outputs(await merge(server.ana, **inputs, preview=True))["result"]
    result = outputs(await merge(server.ana, **inputs))["result"]
    for found in (preview, result):
        members = {name: value for name, value in found.items() if name != "meta"}
        assert members == wanted
    await server.ana("POST", "Patient/d/$unmerge", asked())
    assert (await server.reader.get("Patient/s")).json()["birthDate"] == "1990-01-02"
    assert (await server.reader.get("Patient/d")).json()["gender"] == "female"


async def test_a_result_must_be_one_of_this_merge(server: Facade) -> None:
    inputs = {"source_patient": "Patient/d", "target_patient": "Patient/s"}
    for wrong in (patient("x"), patient("s")):
        answer = await merge(server.ana, **inputs, result_patient=wrong)
        assert answer.status_code == 422
        assert expressions(answer)[0].startswith("Parameters.parameter.where(name='result-patient')")


async def test_who_may_merge(server: Facade) -> None:
    inputs = {"source_patient": "Patient/d", "target_patient": "Patient/s"}
    for client in (server.agent, server.reader):
        assert (await merge(client, **inputs)).status_code == 403
        assert (await client("POST", "Patient/d/$unmerge", asked())).status_code == 403
    assert (await merge(server.ehr, **inputs)).status_code == 200


@pytest.mark.parametrize(
    ("source", "target", "status"),
    [
        ("Patient/s", "Patient/s", 422),
        ("Patient/none", "Patient/s", 422),
        ("Observation/o", "Patient/s", 400),
        ("http://elsewhere.test/Patient/d", "Patient/s", 400),
    ],
)
async def test_what_is_not_merged(server: Facade, source: str, target: str, status: int) -> None:
    answer = await merge(server.ana, source_patient=source, target_patient=target)
    assert answer.status_code == status, answer.text
    assert issues(answer)[0]["diagnostics"]


async def test_missing_inputs(server: Facade) -> None:
    answer = await merge(server.ana, target_patient="Patient/s")
    assert answer.status_code == 400
    assert expressions(answer) == ["Parameters.parameter.where(name='source-patient')"]


async def test_merged_twice_and_into_what_was_merged(server: Facade) -> None:
    await merge(server.ana, source_patient="Patient/d", target_patient="Patient/s")
    await server.ehr.put(patient("t"))
    again = await merge(server.ana, source_patient="Patient/d", target_patient="Patient/t")
    into = await merge(server.ana, source_patient="Patient/t", target_patient="Patient/d")
    nothing = await server.ana("POST", "Patient/t/$unmerge", asked())
    assert [one.status_code for one in (again, into, nothing)] == [409, 409, 409]


async def test_a_client_that_still_writes_the_duplicate(server: Facade) -> None:
    await merge(server.ana, source_patient="Patient/d", target_patient="Patient/s")
    answer = await server.ehr.put(patient("d", gender="other"), prefer="return=OperationOutcome")
    assert answer.status_code == 200
    assert "/Patient/s/_history/" in answer.headers["content-location"]
    assert any("was merged into Patient/s" in issue["diagnostics"] for issue in issues(answer))
    assert (await server.reader.get("Patient/s")).json()["gender"] == "other"
    stale = await server.ehr.put(patient("d", gender="male"), if_match='W/"1"')
    assert stale.status_code == 412
    seen = await server.reader.get("Patient/d")
    fresh = await server.ehr.put(patient("d", gender="male"), if_match=seen.headers["etag"])
    assert fresh.status_code == 200


async def test_lineage_shows_the_origin(server: Facade) -> None:
    await merge(server.ana, source_patient="Patient/d", target_patient="Patient/s")
    parameters = loads((await server.reader.get("Patient/s/$lineage")).content)
    claims = [
        {part["name"]: part for part in claim["part"]}
        for unit in parameters["parameter"]
        if {"name": "path", "valueString": "Patient.gender"} in unit["part"]
        for claim in unit["part"]
        if claim["name"] == "claim"
    ]
    wins = next(claim for claim in claims if claim["role"]["valueCode"] == "wins")
    assert wins["origin"]["valueString"] == "Patient/d" and wins["source"]["valueString"] == "ehr"


async def test_both_have_a_provenance_of_the_merge(server: Facade) -> None:
    await merge(server.ana, source_patient="Patient/d", target_patient="Patient/s")
    found = [
        entry["resource"]
        for entry in (await server.reader.get("Provenance?target=Patient/d")).json()["entry"]
        if entry["resource"]["activity"]["coding"][0]["code"] == "merge"
    ]
    assert len(found) == 1
    targets = {target["reference"].partition("/_history")[0] for target in found[0]["target"]}
    assert {"Patient/s", "Patient/d"} <= targets
    assert found[0]["agent"][0]["who"]["display"] == "ana"


async def test_practitioners_organizations_and_locations(server: Facade) -> None:
    for type in ("Practitioner", "Organization", "Location"):
        for id in ("s", "d"):
            await server.ehr("PUT", f"{type}/{id}", {"resourceType": type, "id": id, "language": "en"})
        inputs = {"source_resource": f"{type}/d", "target_resource": f"{type}/s"}
        answer = await merge(server.ana, type, **inputs)
        assert answer.status_code == 200, answer.text
        answer = await server.ana("POST", f"{type}/d/$unmerge", asked())
        assert answer.status_code == 200, answer.text


async def test_a_review_item_of_the_duplicate_is_decided_at_the_survivor(server: Facade) -> None:
    """What an agent said of the duplicate waits for an operator, who comes after the merge."""
    await server.agent.put(patient("d", gender="male"), x_provenance=said("0.5", mode="partial"))
    while not (tasks := await server.reader.ids("Task?focus=Patient/d&code=review")):
        await asyncio.sleep(0.02)
    await merge(server.ana, source_patient="Patient/d", target_patient="Patient/s")
    await eventually(lambda: server.reader.ids(f"Task?focus=Patient/s&_id={tasks[0]}"))  # references follow
    answer = await server.ana("POST", f"Task/{tasks[0]}/$approve", asked())
    assert answer.status_code == 200, answer.text
    assert (await server.reader.get("Patient/s")).json()["gender"] == "male"
    await server.ana("POST", "Patient/d/$unmerge", asked())
    assert (await server.reader.get("Patient/d")).json()["gender"] == "male"
    assert "gender" not in (await server.reader.get("Patient/s")).json()
