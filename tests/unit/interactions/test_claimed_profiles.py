"""Writes of resources that claim profiles, where the settings hold them to that."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Issue
from fhirserver.model.validation.profiles import Validator
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
REMOVED = b'[{"op":"remove","path":"/birthDate"}]'
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


async def test_a_patch_is_validated_beside_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_the_loop: list[bool] = []
    validate = Validator.validate

    def spied(self: Validator, *given: Any, **named: Any) -> list[Issue]:
        on_the_loop.append(threading.current_thread() is threading.main_thread())
        return validate(self, *given, **named)

    async with facade(tmp_path, claims="enforce") as server:
        await server.ehr.put(PROFILE)
        await server.ehr.put(RIGHT)
        monkeypatch.setattr(Validator, "validate", spied)
        for body, status in ((b'[{"op":"replace","path":"/birthDate","value":"2001"}]', 200), (REMOVED, 422)):
            answer = await server.ehr("PATCH", "Patient/p", body, "application/json-patch+json")
            assert answer.status_code == status, answer.text
        assert on_the_loop == [False, False]


async def test_a_patch_of_what_has_changed_meanwhile_is_validated_again(tmp_path: Path) -> None:
    async with facade(tmp_path, claims="enforce") as server:
        await server.ehr.put(PROFILE)
        free = {**patient("p"), "birthDate": "2000-01-01"}
        for _ in range(5):
            await server.ehr.put(free)
            patched = server.ehr("PATCH", "Patient/p", REMOVED, "application/json-patch+json")
            await asyncio.gather(patched, server.ehr.put({**free, "meta": {"profile": [URL]}}))
            stored = (await server.ehr.get("Patient/p")).json()
            assert "birthDate" in stored or URL not in stored["meta"].get("profile", ())
