"""Writes of resources that claim profiles, where the settings hold them to that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fhirserver.kernel.json import JsonObject
from tests.facade import Facade, entry, expressions, facade, issues, patient, said

URL = "http://example.org/StructureDefinition/named"
PROFILE: JsonObject = {
    "resourceType": "StructureDefinition",
    "id": "named",
    "url": URL,
    "name": "Named",
    "status": "active",
    "kind": "resource",
    "abstract": False,
    "type": "Patient",
    "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
    "derivation": "constraint",
    "differential": {
        "element": [
            {"id": "Patient", "path": "Patient"},
            {"id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1},
        ]
    },
}
CLAIMING = patient("p", meta={"profile": [URL]})
RIGHT = {**CLAIMING, "birthDate": "2000-01-01"}


@pytest.fixture(params=["off", "warn", "enforce"])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Facade]:
    async with facade(tmp_path, claims=request.param) as running:
        running.claims = request.param  # type: ignore[attr-defined]
        assert (await running.ehr.put(PROFILE)).status_code == 201
        yield running


async def test_update_and_create(server: Facade) -> None:
    for send in (server.ehr.put, server.ehr.post):
        answer = await send(CLAIMING, prefer="return=OperationOutcome")
        if server.claims == "enforce":
            assert answer.status_code == 422
            assert "Patient" in expressions(answer)[0]
            continue
        assert answer.status_code == 201
        texts = " ".join(issue["diagnostics"] for issue in issues(answer))
        assert ("birthDate" in texts) is (server.claims == "warn")
    assert (await server.ehr.put(RIGHT)).status_code in (200, 201)
    assert (await server.ehr.put(patient("q"))).status_code == 201


async def test_transaction(server: Facade) -> None:
    answer = await server.ehr.transaction(
        entry("PUT", "Patient/q", patient("q")), entry("PUT", "Patient/p", CLAIMING)
    )
    if server.claims == "enforce":
        assert answer.status_code == 422
        assert expressions(answer)[0].startswith("Bundle.entry[1].resource")
        assert (await server.ehr.get("Patient/q")).status_code == 404
        return
    assert answer.status_code == 200
    outcomes = [one["response"].get("outcome") for one in answer.json()["entry"]]
    assert (outcomes[0], bool(outcomes[1])) == (None, server.claims == "warn")


async def test_patch(server: Facade) -> None:
    await server.ehr.put(RIGHT)
    body = [{"op": "remove", "path": "/birthDate"}]
    answer = await server.ehr("PATCH", "Patient/p", body, "application/json-patch+json")
    assert answer.status_code == (422 if server.claims == "enforce" else 200)
    assert ("birthDate" in (await server.ehr.get("Patient/p")).json()) is (server.claims == "enforce")


async def test_what_a_partial_statement_leaves_out_may_be_there(server: Facade) -> None:
    await server.ehr.put(RIGHT)
    answer = await server.ehr.put({**CLAIMING, "gender": "other"}, x_provenance=said(mode="partial"))
    assert answer.status_code == 200
    assert (await server.ehr.get("Patient/p")).json()["birthDate"] == "2000-01-01"


async def test_a_profile_that_changes_counts_at_once(server: Facade) -> None:
    if server.claims != "enforce":
        return
    assert (await server.ehr.put(CLAIMING)).status_code == 422
    await server.ehr.put({**PROFILE, "differential": {"element": [{"id": "Patient", "path": "Patient"}]}})
    assert (await server.ehr.put(CLAIMING)).status_code == 201


async def test_an_extension_that_nobody_knows_refuses_no_write(server: Facade) -> None:
    given = {**RIGHT, "extension": [{"url": "http://far.test/e", "valueString": "x"}]}
    assert (await server.ehr.put(given)).status_code == 201
    asked = await server.ehr("POST", "Patient/$validate", given)
    assert ["Patient.extension[0]"] in [i["expression"] for i in issues(asked) if i["severity"] == "error"]
