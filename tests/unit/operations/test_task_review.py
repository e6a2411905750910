"""Task ``$claim``, ``$release``, ``$approve``, ``$reject``, ``$correct``."""

from __future__ import annotations

import asyncio

import httpx

from fhirserver.kernel.json import JsonObject, loads
from tests.facade import Client, Facade, expressions, issues, said
from tests.review_items import NEW, OLD, review_items


async def operate(client: Client, id: str, name: str, **inputs: str) -> httpx.Response:
    parameters = [{"name": key, "valueString": value} for key, value in inputs.items()]
    body: JsonObject = {"resourceType": "Parameters"}
    if parameters:
        body["parameter"] = parameters
    return await client("POST", f"Task/{id}/${name}", body)


def confidence(resource: JsonObject) -> float:
    return float(resource["meta"]["extension"][0]["valueDecimal"])


async def test_approval_changes_the_world_and_leaves_a_trace(server: Facade) -> None:
    items = await review_items(server)
    answer = await operate(server.ana, items["phone"], "approve")
    task = answer.json()
    assert answer.status_code == 200, answer.text
    assert (task["status"], task["businessStatus"]["text"]) == ("completed", "approved")
    ada = (await server.reader.get("Patient/ada")).json()
    assert [one["value"] for one in ada["telecom"]] == [NEW]
    history = (await server.reader.get(f"Task/{items['phone']}/_history")).json()
    assert history["entry"][0]["resource"]["status"] == "completed"
    assert history["entry"][1]["resource"]["status"] == "requested"
    bundle = loads(
        (await server.reader.get("Provenance?target=Patient/ada&_sort=-recorded&_count=1")).content
    )
    provenance = bundle["entry"][0]["resource"]
    assert provenance["activity"]["coding"][0]["code"] == "approve"
    assert provenance["agent"][0]["who"]["display"] == "ana"


async def test_rejection_needs_a_reason_and_keeps_the_old_value(server: Facade) -> None:
    items = await review_items(server)
    refused = await operate(server.ana, items["phone"], "reject")
    assert refused.status_code == 400
    assert "reason" in expressions(refused)[0]
    answer = await operate(server.ana, items["phone"], "reject", reason="misheard")
    assert answer.json()["statusReason"]["text"] == "misheard"
    ada = (await server.reader.get("Patient/ada")).json()
    assert [one["value"] for one in ada["telecom"]] == [OLD]


async def test_correction_settles_the_elements_it_states(server: Facade) -> None:
    items = await review_items(server)
    answer = await operate(server.ana, items["coverage"], "correct", value='{"subscriberId":"XQH 4471 8821"}')
    task = answer.json()
    assert task["status"] == "requested", "two claims are left"
    assert "subscriberId" not in task["description"]
    coverage = (await server.reader.get("Coverage/blue")).json()
    assert (coverage["subscriberId"], confidence(coverage)) == ("XQH 4471 8821", 1.0)
    for wrong in ("{", "[]", "{}", '{"subscriberId":5}', '{"nonsense":"x"}'):
        refused = await operate(server.ana, items["coverage"], "correct", value=wrong)
        assert refused.status_code in (400, 422), wrong


async def test_approval_of_some_units_leaves_the_others_open(server: Facade) -> None:
    items = await review_items(server)
    answer = await operate(server.ana, items["coverage"], "approve", unit="Coverage.payor")
    assert answer.json()["status"] == "requested"
    coverage = (await server.reader.get("Coverage/blue")).json()
    assert confidence(coverage) == 0.95
    assert "_subscriberId" in coverage
    unknown = await operate(server.ana, items["coverage"], "approve", unit="Coverage.period")
    assert unknown.status_code == 400
    assert (await operate(server.ana, items["coverage"], "approve", nonsense="x")).status_code == 400


async def test_two_reviewers_never_hold_one_item(server: Facade) -> None:
    items = await review_items(server)
    answers = await asyncio.gather(
        *(operate(who, items["phone"], "claim") for who in (server.ana, server.ben))
    )
    assert sorted(answer.status_code for answer in answers)[0] == 200
    assert sorted(answer.status_code for answer in answers)[1] in (412, 423)
    winner, loser = (server.ana, server.ben) if answers[0].status_code == 200 else (server.ben, server.ana)
    for name in ("claim", "release", "approve"):
        refused = await operate(loser, items["phone"], name)
        assert (refused.status_code, expressions(refused)) == (423, ["Task.owner"])
    assert (await operate(winner, items["phone"], "release")).json()["status"] == "requested"
    assert (await operate(loser, items["phone"], "claim")).json()["status"] == "accepted"


async def test_a_decided_item_is_409(server: Facade) -> None:
    items = await review_items(server)
    await operate(server.ana, items["birth"], "reject", reason="contradicted")
    for name in ("approve", "claim", "release"):
        answer = await operate(server.ana, items["birth"], name)
        assert (answer.status_code, expressions(answer)) == (409, ["Task.status"])


async def test_a_claim_that_its_source_replaced_is_409(server: Facade) -> None:
    items = await review_items(server)
    before = (await server.reader.get(f"Task/{items['birth']}")).json()
    changed = {"resourceType": "Patient", "id": "ada-2", "birthDate": "1984-07-22"}
    await server.agent.put(changed, x_provenance=said("0.3", mode="partial"))
    answer = await operate(server.ana, items["birth"], "approve")
    if answer.status_code == 200:  # the server has brought the item up to date in between
        assert (await server.reader.get("Patient/ada-2")).json()["birthDate"] == "1984-07-22"
        assert before["description"]
    else:
        assert answer.status_code in (409, 412)
        assert issues(answer)[0]["code"] == "conflict"


async def test_other_tasks_are_not_review_items(server: Facade) -> None:
    await server.ehr.put({"resourceType": "Task", "id": "t", "status": "requested", "intent": "order"})
    answer = await operate(server.ana, "t", "approve")
    assert (answer.status_code, expressions(answer)) == (422, ["Task.code"])
    assert (await operate(server.ana, "none", "approve")).status_code == 404
    assert (await operate(server.agent, "t", "approve")).status_code == 403
