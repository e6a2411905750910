"""Task ``$undo``: what was decided is taken back, all of it or some, unless something rests on it."""

from __future__ import annotations

from decimal import Decimal

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.log import Statement
from fhirserver.ports.storage import Key
from fhirserver.store.commands import Command, Note
from fhirserver.store.sent import SENT, digest
from fhirserver.world.survivorship import claims_on
from tests.facade import Client, Facade, expressions, issues, said
from tests.review_items import NEW, OLD, review_items
from tests.unit.operations.test_task_review import operate


async def content(server: Facade, path: str) -> JsonObject:
    """A resource without what changes with every version."""
    resource: JsonObject = loads((await server.reader.get(path)).content)
    meta = {
        name: value for name, value in resource["meta"].items() if name not in ("versionId", "lastUpdated")
    }
    return {**resource, "meta": meta}


async def test_approval_rejection_and_correction_are_taken_back(server: Facade) -> None:
    items = await review_items(server)
    decisions: list[tuple[str, dict[str, str]]] = [
        ("approve", {}),
        ("reject", {"reason": "misheard"}),
        ("correct", {"value": '{"telecom":[{"system":"phone","value":"+15550199"}]}'}),
    ]
    before, seen = await content(server, "Patient/ada"), 0
    for name, inputs in decisions:
        done = await operate(server.ana, items["phone"], name, **inputs)
        assert (done.status_code, done.json()["status"]) == (200, "completed"), done.text
        assert name == "reject" or await content(server, "Patient/ada") != before
        undone = await operate(server.ben, items["phone"], "undo", reason="wrong patient")
        task = undone.json()
        assert (undone.status_code, task["status"]) == (200, "requested"), undone.text
        assert task["businessStatus"]["text"] == "reopened" and "owner" not in task
        assert await content(server, "Patient/ada") == before
        seen += 2
    history = (await server.reader.get(f"Task/{items['phone']}/_history?_count=50")).json()["entry"]
    words = [one["resource"].get("businessStatus", {}).get("text", "") for one in reversed(history)]
    assert words[-6:] == ["approved", "reopened", "rejected", "reopened", "corrected", "reopened"]
    last = loads((await server.reader.get("Provenance?target=Patient/ada&_sort=-recorded&_count=1")).content)
    provenance = last["entry"][0]["resource"]
    (agent,) = provenance["agent"]
    assert provenance["activity"]["coding"][0]["code"] == "undo"
    assert (agent["who"]["identifier"]["value"], agent["who"]["display"]) == ("ben", "ben")
    assert agent["onBehalfOf"]["identifier"]["value"] == "urn:credence:source:operator"
    ledger = await server.store.ledger("Patient", "ada")
    assert ledger is not None
    assert {(d.kind, d.principal) for d in ledger.decisions if d.kind == "undo"} == {("undo", "ben")}
    assert {d.principal for d in ledger.decisions if d.kind in ("approve", "reject")} == {"ana"}


async def test_some_units_are_taken_back_and_the_others_stay_decided(server: Facade) -> None:
    items = await review_items(server)
    done = await operate(server.ana, items["coverage"], "approve")
    assert done.json()["status"] == "completed"
    undone = await operate(server.ana, items["coverage"], "undo", unit="Coverage.subscriberId")
    assert undone.json()["status"] == "requested"
    assert "subscriberId - 1 claim" in undone.json()["description"]
    coverage = loads((await server.reader.get("Coverage/blue")).content)
    assert coverage["meta"]["extension"][0]["valueDecimal"] == Decimal("0.95")
    assert coverage["_subscriberId"]["extension"][0]["valueDecimal"] == Decimal("0.5")
    again = await operate(
        server.ana, items["coverage"], "reject", reason="not his", unit="Coverage.subscriberId"
    )
    assert again.json()["businessStatus"]["text"] == "mixed"
    both = await operate(server.ana, items["coverage"], "undo")
    assert both.status_code == 200, both.text
    ledger = await server.store.ledger("Coverage", "blue")
    assert ledger is not None
    assert {c.status for u in ("subscriberId", "payor") for c in claims_on(ledger, u)} == {"live"}


async def test_what_later_words_rest_on_is_not_taken_back(server: Facade) -> None:
    items = await review_items(server)
    await operate(server.ana, items["birth"], "approve")
    changed = {"resourceType": "Patient", "id": "ada-2", "birthDate": "1984-07-22"}
    await server.agent.put(changed, x_provenance=said("0.3", mode="partial"))
    refused = await operate(server.ana, items["birth"], "undo")
    assert (refused.status_code, expressions(refused)) == (409, ["Patient.birthDate"])
    assert "something else since" in issues(refused)[0]["diagnostics"]


async def test_nothing_decided_is_409_and_a_held_item_423(server: Facade) -> None:
    items = await review_items(server)
    assert (await operate(server.ana, items["phone"], "undo")).status_code == 409
    await operate(server.ana, items["coverage"], "approve", unit="Coverage.payor")
    await operate(server.ana, items["coverage"], "claim")
    assert (await operate(server.ben, items["coverage"], "undo")).status_code == 423
    assert (await operate(server.ana, items["coverage"], "undo")).status_code == 200
    assert (await operate(server.agent, items["coverage"], "undo")).status_code == 403


async def test_what_an_ehr_was_sent_stays(server: Facade) -> None:
    """The connector notes what it is about to send before it sends it."""
    items = await review_items(server)
    await operate(server.ana, items["phone"], "approve")
    entity = await server.store.entity("Patient", "ada")
    assert entity is not None
    unit = next(unit for unit in entity.world.units if unit.startswith("telecom"))
    sent = {"tried": {unit: {digest(entity.world.units[unit]): Decimal("0.95")}}}
    await server.store.submit(
        Command(Statement("credence"), [Note(SENT, f"lab/{Key('Patient', 'ada')}", sent)])
    )
    refused = await operate(server.ana, items["phone"], "undo")
    assert (refused.status_code, expressions(refused)) == (409, ["Patient.telecom"])
    assert "state the right value" in issues(refused)[0]["diagnostics"]
    assert [one["value"] for one in (await content(server, "Patient/ada"))["telecom"]] == [NEW]


async def test_an_item_made_since_goes_into_the_one_that_opens_again(server: Facade) -> None:
    items = await review_items(server)
    await operate(server.ana, items["phone"], "approve")
    newer = {"resourceType": "Patient", "id": "ada", "gender": "other"}
    await server.agent.put(newer, x_provenance=said("0.3", mode="partial"))
    made = await pending(server.ana, "Patient/ada", "gender")
    assert made != items["phone"]
    undone = await operate(server.ana, items["phone"], "undo")
    assert undone.status_code == 200, undone.text
    assert "gender" in undone.json()["description"] and "telecom" in undone.json()["description"]
    other = (await server.reader.get(f"Task/{made}")).json()
    assert (other["status"], other["businessStatus"]["text"]) == ("cancelled", "merged")
    assert [one["value"] for one in (await content(server, "Patient/ada"))["telecom"]] == [OLD]
    assert await pending(server.ana, "Patient/ada") == items["phone"]


async def pending(client: Client, focus: str, unit: str = "") -> str:
    """The one pending item about a resource, once it has this unit too."""
    import asyncio

    async with asyncio.timeout(10):
        while True:
            found = await client.ids(f"Task?code=review&focus={focus}&status=requested,accepted")
            if found:
                (id,) = found
                if unit in (await client.get(f"Task/{id}")).json()["description"]:
                    return id
            await asyncio.sleep(0.02)
