"""``Task/$approve`` and ``Task/$reject`` at the level of the type, ``$hints``, ``$review-statistics``, the profile."""

from __future__ import annotations

import asyncio
from typing import Any

from fhirserver.kernel.json import JsonObject, loads
from tests.facade import Client, Facade, expressions, issues
from tests.review_items import review_items
from tests.unit.operations.test_task_review import operate

PROFILE = "https://credence.health/fhir/StructureDefinition/review-task"


async def batch(client: Client, name: str, *items: Any, **inputs: str) -> Any:
    given: list[JsonObject] = [
        {"name": "item", "valueReference": {"reference": one}}
        if "/" in one
        else {"name": "item", "valueString": one}
        for one in items
    ]
    given += [{"name": key, "valueString": value} for key, value in inputs.items()]
    body: JsonObject = {"resourceType": "Parameters", **({"parameter": given} if given else {})}
    return await client("POST", f"Task/${name}", body)


def results(answer: Any) -> list[dict[str, Any]]:
    """Each result as a mapping of its parts' values."""
    assert answer.status_code == 200, answer.text
    found = []
    for result in loads(answer.content)["parameter"]:
        parts = {part["name"]: part for part in result["part"]}
        found.append({name: next(v for k, v in part.items() if k != "name") for name, part in parts.items()})
    return found


async def test_each_item_of_a_batch_stands_alone(server: Facade) -> None:
    items = await review_items(server)
    await operate(server.ben, items["birth"], "claim")
    done = results(
        await batch(
            server.ana, "approve", f"Task/{items['phone']}", items["coverage"], items["birth"], "nothing"
        )
    )
    assert [one["status"] for one in done] == [200, 200, 423, 404]
    assert done[0]["item"]["reference"] == f"Task/{items['phone']}"
    assert done[0]["task"]["businessStatus"]["text"] == "approved"
    assert done[2]["outcome"]["issue"][0]["expression"] == ["Task.owner"]
    assert (await server.reader.get(f"Task/{items['birth']}")).json()["status"] == "accepted"
    again = results(await batch(server.ben, "reject", items["birth"], items["phone"], reason="noise"))
    assert [one["status"] for one in again] == [200, 409]
    assert again[0]["task"]["statusReason"]["text"] == "noise"


async def test_a_batch_that_cannot_be_meant_is_refused_whole(server: Facade) -> None:
    assert (await batch(server.ana, "approve")).status_code == 400
    twice = await batch(server.ana, "approve", "a", "Task/a")
    assert (twice.status_code, issues(twice)[0]["code"]) == (400, "duplicate")
    assert (await batch(server.ana, "approve", "Patient/a")).status_code == 400
    assert (await batch(server.ana, "approve", *(f"t{n}" for n in range(101)))).status_code == 413
    assert (await batch(server.ana, "approve", "a", reason="x")).status_code == 400
    assert (await batch(server.agent, "approve", "a")).status_code == 403
    lacking = results(await batch(server.ana, "reject", "nothing", reason="x"))
    assert lacking[0]["status"] == 404


async def test_hints_say_how_a_claim_can_be_corrected(server: Facade) -> None:
    items = await review_items(server)
    answer = await server.ana.get(f"Task/{items['birth']}/$hints")
    assert answer.status_code == 200, answer.text
    (birth,) = results(answer)
    parts = {one["name"]: one for one in loads(answer.content)["parameter"][0]["part"]}
    element = {one["name"]: one for one in parts["element"]["part"]}
    assert birth["path"] == "Patient.birthDate"
    assert element["type"]["valueCode"] == "date" and "YYYY-MM-DD" in element["format"]["valueString"]
    coverage = (await server.ana.get(f"Task/{items['phone']}/$hints")).json()["parameter"]
    telecom = next(p for p in coverage[0]["part"] if p["name"] == "element")["part"]
    told = {one["name"]: one for one in telecom}
    assert (told["max"]["valueString"], told["type"]["valueCode"]) == ("*", "ContactPoint")
    example = loads(told["example"]["valueString"].encode())
    assert example["telecom"][0]["system"] == "code"
    fixed = '{"telecom": [{"system": "phone", "value": "+15550150"}]}'
    assert (await operate(server.ana, items["phone"], "correct", value=fixed)).status_code == 200
    assert (await server.ana.get("Task/nothing/$hints")).status_code == 404


async def test_hints_name_the_codes_of_a_required_binding(server: Facade) -> None:
    await review_items(server)
    changed: JsonObject = {
        "resourceType": "Patient",
        "id": "ada",
        "gender": "other",
        "deceasedBoolean": False,
    }
    await server.agent.put(changed, x_provenance=_partial())
    from tests.unit.operations.test_task_undo import pending

    item = await pending(server.ana, "Patient/ada")
    for _ in range(400):
        claims = loads((await server.ana.get(f"Task/{item}/$hints")).content)["parameter"]
        units = {claim["part"][0]["valueString"]: claim["part"] for claim in claims}
        if "gender" in units:
            break
        await asyncio.sleep(0.02)
    (gender,) = [p["part"] for p in units["gender"] if p["name"] == "element"]
    binding = next(p["part"] for p in gender if p["name"] == "binding")
    assert {p["valueCoding"]["code"] for p in binding if p["name"] == "code"} == {
        "male",
        "female",
        "other",
        "unknown",
    }
    deceased = [p["part"] for p in units["deceased[x]"] if p["name"] == "element"]
    assert [part[0]["valueString"] for part in deceased] == ["deceasedBoolean", "deceasedDateTime"]


def _partial() -> str:
    from tests.facade import said

    return said("0.5", "confirmed", "partial")


async def test_a_correction_says_where_it_is_wrong(server: Facade) -> None:
    items = await review_items(server)
    wrong = {
        '{"status":null}': "Coverage.status",
        '{"nonsense":null}': "Coverage.nonsense",
        '{"subscriberId":["x"]}': "Coverage.subscriberId",
        '{"payor":[{"display":"Blue","displey":"x"}]}': "Coverage.payor[0].displey",
        '{"id":"other","subscriberId":"x"}': "Coverage.id",
        '{"payor":[{"type":"nonsense type"}]}': "Coverage.payor[0]",
        '{"order":1}': "Parameters.parameter.where(name='value')",
    }
    for value, place in wrong.items():
        refused = await operate(server.ana, items["coverage"], "correct", value=value)
        assert refused.status_code == 422, (value, refused.text)
        assert place in expressions(refused)[0], (value, refused.text)


async def test_statistics_count_what_was_decided(server: Facade) -> None:
    items = await review_items(server)
    await operate(server.ana, items["phone"], "approve")
    await operate(server.ben, items["birth"], "reject", reason="contradicted")
    answer = await server.ana.get("Task/$review-statistics?start=2026-01-01")
    assert answer.status_code == 200, answer.text
    found = loads(answer.content)["parameter"]
    single = {one["name"]: one for one in found if "part" not in one}
    assert single["items"]["valueUnsignedInt"] == 3 and single["complete"]["valueBoolean"]
    counts = {
        (one["name"], one["part"][0].get("valueCode")): one["part"][1:] for one in found if "part" in one
    }
    assert counts["status", "completed"][0]["valueUnsignedInt"] == 2
    assert counts["outcome", "rejected"][0]["valueUnsignedInt"] == 1
    assert counts["decision", "reject"][0]["valueUnsignedInt"] == 1
    assert ("reason", "contradicted") in counts and ("priority", "urgent") in counts
    reviewers = [one["part"] for one in found if one["name"] == "reviewer"]
    assert {parts[0]["valueString"] for parts in reviewers} == {"ana", "ben"}
    took = next(one["part"] for one in found if one["name"] == "timeToDecision")
    assert [one["name"] for one in took] == ["count", "median", "p90"]
    nothing = loads((await server.ana.get("Task/$review-statistics?end=2020-01-01")).content)["parameter"]
    assert {one["name"]: one for one in nothing}["items"]["valueUnsignedInt"] == 0
    assert (await server.ana.get("Task/$review-statistics?start=soon")).status_code == 400
    assert (
        await server.ana.get("Task/$review-statistics?start=2026-02-01&end=2026-01-01")
    ).status_code == 400
    assert (await server.reader.get("Task/$review-statistics")).status_code == 403


async def test_items_are_valid_by_their_profile_and_found_by_reason(server: Facade) -> None:
    items = await review_items(server)
    await operate(server.ana, items["phone"], "claim")
    await operate(server.ana, items["birth"], "reject", reason="contradicted")
    await operate(server.ana, items["birth"], "undo")
    await operate(server.ana, items["coverage"], "approve")
    for name, id in items.items():
        task = loads((await server.reader.get(f"Task/{id}")).content)
        assert task["meta"]["profile"] == [PROFILE]
        for path in (f"Task/{id}/$validate", f"Task/{id}/$validate?profile={PROFILE}"):
            outcome = loads((await server.reader.get(path)).content)["issue"]
            assert [one for one in outcome if one["severity"] in ("error", "fatal")] == [], (name, outcome)
    broken = {**task, "status": "completed"}
    del broken["businessStatus"], broken["reasonCode"]
    wrong = issues(await server.reader("POST", f"Task/$validate?profile={PROFILE}", broken))
    told = {one["diagnostics"] for one in wrong if one["severity"] == "error"}
    assert any("review-4" in one for one in told) and any("reasonCode" in one for one in told)
    system = "https://credence.health/fhir/CodeSystem/review-reason"
    assert await server.ana.ids(f"Task?_tag={system}|contradicted") == [items["birth"]]
    assert await server.ana.ids("Task?priority=urgent") == [items["birth"]]
    owner = "owner:identifier=urn:credence:source:principal|ana"
    assert await server.ana.ids(f"Task?{owner}&status=accepted") == [items["phone"]]


async def test_a_task_that_only_looks_like_an_item_is_no_item(server: Facade) -> None:
    """Whoever may write Tasks may write this; nothing of it may break what is done with others."""
    items = await review_items(server)
    task = loads((await server.reader.get(f"Task/{items['phone']}")).content)
    for number, wrong in enumerate(
        (
            {"contained": [{"resourceType": "Parameters", "id": "claims"}]},
            {"contained": [{**task["contained"][0], "parameter": [{"name": "claim", "valueString": "x"}]}]},
            {"restriction": {"period": {"end": "2026"}}, "authoredOn": "2026"},
        )
    ):
        forged = {**task, "id": f"forged-{number}", **wrong}
        assert (await server.ehr.put(forged)).status_code == 201
        answer = await operate(server.ana, f"forged-{number}", "claim")
        assert answer.status_code in (200, 422), answer.text
    assert (await server.ana.get("Task/$review-statistics?start=2020")).status_code == 200
