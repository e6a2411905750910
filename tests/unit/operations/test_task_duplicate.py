"""Probable duplicates are decided like every review item: one person, two people, and taking that back."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.model.validation import validate
from tests.duplicate_items import CALLER, duplicate_item, pairs
from tests.facade import Client, Facade, expressions
from tests.unit.operations.test_task_review import operate

BATCH = {"resourceType": "Parameters"}


async def read(server: Facade, path: str) -> JsonObject:
    return loads((await server.ana.get(path)).content)


async def beneficiary(server: Facade) -> str:
    return str((await read(server, "Coverage/plan-kat-call"))["beneficiary"]["reference"])


async def follows(server: Facade, reference: str) -> None:
    async with asyncio.timeout(10):
        while await beneficiary(server) != reference:
            await asyncio.sleep(0.02)


async def the_two(server: Facade, item: str) -> set[str]:
    task = await read(server, f"Task/{item}")
    return {task["focus"]["reference"], task["for"]["reference"]}


async def merge_task(server: Facade, text: str) -> str:
    found = (await read(server, "Task?code=merge&_sort=-authored-on"))["entry"]
    return next(e["resource"]["status"] for e in found if e["resource"]["code"]["text"] == text)


async def statistics(server: Facade) -> dict[tuple[str, str], int]:
    answer = loads((await server.ana.get("Task/$review-statistics")).content)
    counts = {}
    for parameter in answer["parameter"]:
        parts = {one["name"]: one for one in parameter.get("part", ())}
        if "code" in parts:
            counts[parameter["name"], parts["code"]["valueCode"]] = parts["count"]["valueUnsignedInt"]
    return counts


async def test_one_person_and_back_again(server: Facade) -> None:
    item = await duplicate_item(server)
    before = await read(server, "Patient/kat"), await read(server, "Patient/kat-call")
    task = await read(server, f"Task/{item}")
    assert [i for i in validate(task) if i.severity == "error"] == []
    assert item in await server.ana.ids("Task?code=review&status=requested&_tag=duplicate")
    assert "MRN" not in str(task), "no value of a patient is in it"

    answer = await operate(server.ana, item, "approve")
    assert answer.status_code == 200, answer.text
    task = loads(answer.content)
    assert (task["status"], task["businessStatus"]["text"]) == ("completed", "approved")
    assert task["owner"]["display"] == "ana"
    assert [i for i in validate(task) if i.severity == "error"] == []
    gone, left = await read(server, "Patient/kat-call"), await read(server, "Patient/kat")
    assert gone["link"][0] == {"other": {"reference": "Patient/kat"}, "type": "replaced-by"}
    assert left["identifier"][0]["value"] == "MRN-30998"
    assert "kat@example.org" in [one["value"] for one in left["telecom"]]
    await follows(server, "Patient/kat")
    assert await merge_task(server, "merge") in ("in-progress", "completed")
    provenance = await read(server, f"Provenance?target=Task/{item}&_sort=-recorded&_count=1")
    targets = {one["reference"].split("/_history")[0] for one in provenance["entry"][0]["resource"]["target"]}
    assert {"Patient/kat", "Patient/kat-call", f"Task/{item}"} <= targets, "one commit"
    counts = await statistics(server)
    assert (counts["reason", "duplicate"], counts["decision", "approve"]) == (1, 1)

    back = await operate(server.ben, item, "undo", reason="Her sister")
    assert back.status_code == 200, back.text
    assert (back.json()["status"], back.json()["businessStatus"]["text"]) == ("requested", "reopened")
    assert "owner" not in back.json()
    await follows(server, "Patient/kat-call")
    after = await read(server, "Patient/kat"), await read(server, "Patient/kat-call")
    assert [{**one, "meta": None} for one in after] == [{**one, "meta": None} for one in before]
    async with asyncio.timeout(10):
        while (await the_two(server, item)) != {"Patient/kat", "Patient/kat-call"}:
            await asyncio.sleep(0.02)
    assert (await operate(server.ana, item, "undo")).status_code == 409
    assert (await operate(server.ana, item, "approve")).status_code == 200, "it can be decided again"
    await follows(server, "Patient/kat")
    assert (await operate(server.ana, item, "undo")).status_code == 200, "and taken back again"


async def test_the_survivor_may_be_chosen(server: Facade) -> None:
    item = await duplicate_item(server)
    wrong = await operate(server.ana, item, "approve", survivor="kit")
    assert (wrong.status_code, expressions(wrong)) == (400, ["Parameters.parameter.where(name='survivor')"])
    chosen: Any = {"name": "survivor", "valueReference": {"reference": "Patient/kat-call"}}
    answer = await server.ana("POST", f"Task/{item}/$approve", {**BATCH, "parameter": [chosen]})
    assert answer.status_code == 200, answer.text
    assert (await read(server, "Patient/kat"))["active"] is False
    assert "active" not in await read(server, "Patient/kat-call")


async def test_two_people_are_never_asked_about_again(server: Facade) -> None:
    item = await duplicate_item(server)
    assert (await operate(server.ana, item, "reject")).status_code == 400
    answer = await operate(server.ana, item, "reject", reason="Two cousins")
    task = answer.json()
    assert (task["businessStatus"]["text"], task["statusReason"]["text"]) == ("rejected", "Two cousins")
    await server.agent.put({**CALLER, "id": "kat-call", "birthDate": "1979-03-14"})
    await server.agent.put({**CALLER, "id": "other"})
    async with asyncio.timeout(10):  # the follower has come past the change once it asks about the third
        while not await pairs(server, "other"):
            await asyncio.sleep(0.02)
    assert item not in await pairs(server, "kat")
    assert (await read(server, f"Task/{item}"))["status"] == "completed"
    assert (await operate(server.ben, item, "undo")).json()["status"] == "requested"


async def test_contention_and_what_does_not_fit(server: Facade) -> None:
    item = await duplicate_item(server)
    assert (await operate(server.ana, item, "claim")).json()["status"] == "accepted"
    for name, inputs in (("approve", {}), ("reject", {"reason": "no"}), ("undo", {}), ("release", {})):
        assert (await operate(server.ben, item, name, **inputs)).status_code == 423, name
    assert (await operate(server.ana, item, "release")).json()["status"] == "requested"
    assert (await operate(server.agent, item, "approve")).status_code == 403
    assert (await operate(server.ana, item, "correct", value="{}")).status_code == 422
    assert (await operate(server.ana, item, "approve", unit="birthDate")).status_code == 400
    hints = await server.ana.get(f"Task/{item}/$hints")
    assert (hints.status_code, expressions(hints)) == (422, ["Task.code"])
    both = await asyncio.gather(*(operate(client, item, "approve") for client in (server.ana, server.ben)))
    assert sorted(answer.status_code for answer in both) == [200, 409]
    assert (await operate(server.ana, item, "reject", reason="late")).status_code == 409
    assert (await operate(server.ana, "nobody", "approve")).status_code == 404


async def test_an_item_about_one_who_is_gone_is_refused(server: Facade) -> None:
    item = await duplicate_item(server)
    await server.agent("DELETE", "Patient/kat-call")
    answer = await operate(server.ana, item, "approve")
    assert answer.status_code == 409
    async with asyncio.timeout(10):
        while (await read(server, f"Task/{item}"))["status"] != "cancelled":
            await asyncio.sleep(0.02)
    assert (await read(server, f"Task/{item}"))["businessStatus"]["text"] == "moot"


@pytest.mark.parametrize("name", ["approve", "reject"])
async def test_many_at_once(server: Facade, name: str) -> None:
    item = await duplicate_item(server)
    answer = await batch(server.ana, name, item, "nobody")
    results = [{one["name"]: one for one in p["part"]} for p in loads(answer.content)["parameter"]]
    assert [one["status"]["valueInteger"] for one in results] == [200, 404]
    assert results[0]["task"]["resource"]["status"] == "completed"


async def batch(client: Client, name: str, *ids: str) -> httpx.Response:
    items: list[Any] = [{"name": "item", "valueReference": {"reference": f"Task/{id}"}} for id in ids]
    reason: list[Any] = [{"name": "reason", "valueString": "Two people"}] if name == "reject" else []
    return await client("POST", f"Task/${name}", {**BATCH, "parameter": [*items, *reason]})
