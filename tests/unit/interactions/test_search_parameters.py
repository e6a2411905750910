"""Search parameters that users define, over the REST API. https://hl7.org/fhir/R4/searchparameter.html"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.contracts.parameters_contract import EYES, definition
from tests.facade import Facade, entry, expressions, facade, issues, patient, settings


def blue_eyed(id: str) -> dict[str, Any]:
    return patient(id, extension=[{"url": EYES, "valueCodeableConcept": {"coding": [{"code": "blue"}]}}])


async def status(server: Facade, id: str = "eyes") -> dict[str, Any]:
    answer = await server.ehr.get(f"SearchParameter/{id}/$status")
    assert answer.status_code == 200, answer.text
    return {one["name"]: next(v for n, v in one.items() if n != "name") for one in answer.json()["parameter"]}


async def test_from_definition_to_retirement(server: Facade) -> None:
    await server.ehr.put(blue_eyed("p"))
    assert (await server.ehr.get("Patient?eyes=blue")).status_code == 400
    async with server.store.indexing:
        assert (await server.ehr.put(definition())).status_code == 201
        waiting = await server.ehr.get("Patient?eyes=blue")
        assert (waiting.status_code, expressions(waiting)) == (503, ["http.eyes"])
        assert "retry-after" in waiting.headers
        assert (await status(server))["status"] == "indexing"
    await server.store.complete_index()
    assert await status(server) == {"status": "ready"}
    assert await server.ehr.ids("Patient?eyes=blue") == ["p"]
    rest = (await server.anonymous.get("metadata")).json()["rest"][0]
    told = next(one for one in rest["resource"] if one["type"] == "Patient")["searchParam"]
    assert {"name": "eyes", "definition": definition()["url"], "type": "token"} in told
    await server.ehr.put(definition(status="retired"))
    assert (await server.ehr.get("Patient?eyes=blue")).status_code == 400
    assert (await status(server))["status"] == "inactive"


async def test_in_chains_has_sorts_includes_and_conditions(server: Facade) -> None:
    await server.ehr.put(definition())
    favourite = definition(
        id="favourite",
        url="http://x.org/SearchParameter/favourite",
        code="favourite",
        type="reference",
        target=["Practitioner"],
        expression="Patient.extension.where(url = 'http://x.org/favourite').value.ofType(Reference)",
    )
    assert (await server.ehr.put(favourite)).status_code == 201
    await server.store.complete_index()
    await server.ehr.put({"resourceType": "Practitioner", "id": "dr", "name": [{"family": "Who"}]})
    given = blue_eyed("p")
    reference = {"url": "http://x.org/favourite", "valueReference": {"reference": "Practitioner/dr"}}
    given["extension"].append(reference)
    await server.ehr.put(given)
    subject = {"reference": "Patient/p"}
    observed = {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}}
    await server.ehr.put({**observed, "subject": subject})
    assert await server.ehr.ids("Observation?subject:Patient.eyes=blue") == ["o"]
    assert await server.ehr.ids("Patient?favourite.name=who&_sort=-eyes") == ["p"]
    assert await server.ehr.ids("Practitioner?_has:Patient:favourite:eyes=blue") == ["dr"]
    assert await server.ehr.ids("Patient?eyes=blue&_include=Patient:favourite") == ["p", "dr"]
    assert await server.ehr.ids("Practitioner?_revinclude=Patient:favourite") == ["dr", "p"]
    assert await server.ehr.ids("?_type=Patient&eyes=blue") == ["p"]
    created = await server.ehr.post(patient(), if_none_exist="eyes=blue")
    assert created.status_code == 200


@pytest.mark.parametrize(
    ("members", "element"),
    [
        ({"expression": "Patient.nme"}, "expression"),
        ({"code": "gender"}, "code"),
        ({"type": "special"}, "type"),
        ({"base": ["Pasient"]}, "base[0]"),
    ],
)
async def test_one_that_cannot_be_used_is_refused(
    server: Facade, members: dict[str, Any], element: str
) -> None:
    bad = definition(**members)
    path = f"SearchParameter.{element}"
    for answer in (await server.ehr.put(bad), await server.ehr.post({**bad, "id": "x"})):
        assert (answer.status_code, expressions(answer)) == (422, [path]), answer.text
    transaction = await server.ehr.transaction(entry("PUT", "SearchParameter/eyes", bad))
    assert transaction.status_code == 422
    assert expressions(transaction) == [f"Bundle.entry[0].resource.{element}"]
    assert (await server.ehr.put(definition(**members, status="draft"))).status_code == (
        422 if element == "base[0]" else 201
    )


async def test_a_patch_into_one_that_cannot_be_used_is_refused(server: Facade) -> None:
    await server.ehr.put(definition())
    patch = [{"op": "replace", "path": "/expression", "value": "Patient.nme"}]
    answer = await server.ehr("PATCH", "SearchParameter/eyes", patch, "application/json-patch+json")
    assert (answer.status_code, expressions(answer)) == (422, ["SearchParameter.expression"])


async def test_a_code_is_defined_once(server: Facade) -> None:
    await server.ehr.put(definition())
    answer = await server.ehr.put(definition(id="again"))
    assert (answer.status_code, issues(answer)[0]["code"]) == (422, "duplicate")
    assert (await server.ehr.put(definition(description="the same one, changed"))).status_code == 200


async def test_r4s_own_may_be_stored_and_changes_nothing(server: Facade) -> None:
    own = definition(
        id="us-core-patient-gender",
        code="gender",
        expression="Patient.gender",
        derivedFrom="http://hl7.org/fhir/SearchParameter/individual-gender",
    )
    assert (await server.ehr.put(own)).status_code == 201
    assert (await server.ehr.get("Patient?gender=male")).status_code == 200
    assert (await status(server, own["id"]))["status"] == "standard"


async def test_a_running_server_completes_the_index_by_itself(tmp_path: Path) -> None:
    import asyncio

    async with facade(tmp_path, "sqlite") as server:
        await server.ehr.put(blue_eyed("p"))
        await server.ehr.put(definition())
        for _ in range(100):
            answer = await server.ehr.get("Patient?eyes=blue")
            if answer.status_code == 200:
                break
            assert answer.status_code == 503
            await asyncio.sleep(0.05)
        assert answer.json()["total"] == 1


async def test_a_rebuild_makes_the_same_bytes(tmp_path: Path) -> None:
    from fhirserver.app.commands.rebuild import _verify

    async with facade(tmp_path, "sqlite") as server:
        await server.ehr.put(blue_eyed("p"))
        await server.ehr.put(definition())
        await server.ehr.put(definition(code="colour"))
        await server.ehr.put(definition(id="gone", code="gone", url="http://x.org/SearchParameter/gone"))
        await server.ehr.put(blue_eyed("q"))
        await server.store.complete_index()
        await server.ehr("DELETE", "SearchParameter/gone")
    assert await _verify(settings(tmp_path, "sqlite")) == 0
