"""``$withdraw``: a source takes back what it said; an operator may do it for another, with a reason."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from fhirserver.kernel.json import JsonObject, loads
from tests.facade import Client, Facade, expressions, patient, said
from tests.review_items import review_items


async def withdraw(client: Client, where: str, *inputs: tuple[str, str], **headers: str) -> httpx.Response:
    parameters = [{"name": name, "valueString": value} for name, value in inputs]
    body: JsonObject = {"resourceType": "Parameters"}
    if parameters:
        body["parameter"] = parameters
    return await client("POST", f"{where}/$withdraw", body, **headers)


async def two_sources(server: Facade) -> None:
    await server.ehr.put(patient("p", gender="female"))
    await server.lab.put(
        patient("p", gender="male", birthDate="1980-02-03"), x_provenance=said(mode="partial")
    )


async def test_the_world_falls_back_and_the_provenance_says_who_did_it(server: Facade) -> None:
    await two_sources(server)
    answer = await withdraw(server.lab, "Patient/p", ("reason", "another patient's sample"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["gender"] == "female" and "birthDate" not in answer.json()
    assert answer.headers["etag"] == 'W/"3"'
    found = loads((await server.reader.get("Provenance?target=Patient/p&_sort=-recorded&_count=1")).content)
    provenance = found["entry"][0]["resource"]
    assert provenance["activity"]["coding"][0]["code"] == "withdraw"
    assert provenance["agent"][0]["who"]["display"] == "lab"
    assert provenance["reason"] == [{"text": "another patient's sample"}]
    lineage = (await server.reader.get("Patient/p/$lineage")).text
    assert '"lab"' not in lineage and "birthDate" not in lineage


async def test_some_units_by_path_or_by_name(server: Facade) -> None:
    await two_sources(server)
    answer = await withdraw(server.lab, "Patient/p", ("unit", "Patient.birthDate"), ("unit", "gender"))
    assert answer.status_code == 200 and "birthDate" not in answer.json()
    missing = await withdraw(server.lab, "Patient/p", ("unit", "Patient.telecom"))
    assert missing.status_code == 404 and expressions(missing) == ["Patient.telecom"]


async def test_nothing_left_is_deleted(server: Facade) -> None:
    await server.ehr.put(patient("q"))
    answer = await withdraw(server.ehr, "Patient/q")
    assert answer.status_code == 200 and answer.json()["resourceType"] == "OperationOutcome"
    assert (await server.reader.get("Patient/q")).status_code == 410
    assert (await withdraw(server.ehr, "Patient/q")).status_code == 404
    assert (await server.ehr.put(patient("q"))).status_code == 201


async def test_only_operators_take_back_what_others_said_and_say_why(server: Facade) -> None:
    await two_sources(server)
    refused = await withdraw(server.ehr, "Patient/p", ("source", "lab"), ("reason", "wrong"))
    assert refused.status_code == 403 and "source" in expressions(refused)[0]
    without = await withdraw(server.ana, "Patient/p", ("source", "lab"))
    assert without.status_code == 400 and "reason" in expressions(without)[0]
    assert (await withdraw(server.reader, "Patient/p")).status_code == 403
    done = await withdraw(server.ana, "Patient/p", ("source", "lab"), ("reason", "wrong"))
    assert done.status_code == 200 and done.json()["gender"] != "male"
    nothing = await withdraw(server.ana, "Patient/p")
    assert nothing.status_code == 404, "the operator has said nothing"


async def test_the_version_is_minded_and_nothing_is_passed_over(server: Facade) -> None:
    await two_sources(server)
    assert (await withdraw(server.lab, "Patient/p", if_match='W/"1"')).status_code == 412
    assert (await withdraw(server.lab, "Patient/p", ("units", "gender"))).status_code == 400
    assert (await server.lab.get("Patient/p/$withdraw")).status_code == 405
    assert (await withdraw(server.lab, "CodeSystem/task-code")).status_code == 405


async def _item(server: Facade, id: str) -> Any:
    return (await server.reader.get(f"Task/{id}")).json()


async def test_what_waits_for_review_is_called_off(server: Facade) -> None:
    items = await review_items(server)
    task = await _item(server, items["phone"])
    assert task["status"] == "requested"
    answer = await withdraw(server.agent, task["focus"]["reference"])
    assert answer.status_code == 200, answer.text
    for _ in range(100):
        if (await _item(server, items["phone"]))["status"] == "cancelled":
            return
        await asyncio.sleep(0.05)
    pytest.fail("the item still waits")
