"""Merges, moves, changed numbers, links and deletions, by the events of chapter 3."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.hl7v2.intake.ingest import Rejected
from fhirserver.kernel.json import JsonObject
from tests.unit.adapters.hl7_feed import Bench, adt, bench, pid

MRG = "MRG|200^^^HOSP^MR"
OTHER = {"name": "OTHER^ADAM", "rest": "19550101|M"}


async def two(feed: Bench) -> None:
    await feed.send(adt("A28", pid("100"), id="1", at="20261128090000"))
    await feed.send(adt("A28", pid("200", "ANDER^EVA", "|F|||||5550002222"), id="2", at="20261128090001"))


async def by_record(feed: Bench, mrn: str) -> JsonObject:
    fact = await feed.store.fact("record", f"adt/Patient/HOSP|{mrn}")
    assert fact is not None
    return await feed.world(f"Patient/{fact.value['world']}")


async def test_a_merge_makes_two_one_and_claims_come_along(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await two(feed)
        gone = (await by_record(feed, "200"))["id"]
        await feed.put("agent", "Patient", gone, {"birthDate": "1999-09-09"}, mode="partial")
        await feed.send(adt("A40", pid("100"), MRG, id="3", at="20261128090100"))
        survivor = await by_record(feed, "100")
        assert {"other": {"reference": f"Patient/{gone}"}, "type": "replaces"} in survivor["link"]
        assert survivor["telecom"][0]["value"] == "5550002222" and survivor["birthDate"] == "1980-02-03"
        entity = await feed.store.entity("Patient", survivor["id"])
        assert entity is not None and f"agent@{gone}" in {view.source for view in entity.ledger.views}
        assert (await by_record(feed, "200"))["active"] is False


async def test_a_late_message_about_the_merged_number_goes_to_the_survivor(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await two(feed)
        await feed.send(adt("A40", pid("100"), MRG, id="3", at="20261128090100"))
        await feed.send(adt("A08", pid("200", "ANDER^EVA", "|F|||||5550007777"), id="4", at="20261128090200"))
        await feed.send(adt("A01", pid("200", "ANDER^EVA"), "PV1|1|I", id="5", at="20261128090300"))
        survivor = await by_record(feed, "100")
        assert "5550007777" in {item["value"] for item in survivor["telecom"]}
        assert (await feed.one("Encounter"))["subject"]["reference"] == f"Patient/{survivor['id']}"


async def test_a_merge_of_one_nobody_saw_and_its_first_message_after_it(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await feed.send(adt("A40", pid("100"), MRG, id="1", at="20261128090100"))
        await feed.send(adt("A28", pid("200", "ANDER^EVA", "|F|||||5550002222"), id="2", at="20261128090000"))
        survivor = await by_record(feed, "100")
        assert survivor["telecom"][0]["value"] == "5550002222" and survivor["name"][0]["given"] == ["EVE"]


async def test_a_merge_twice_is_no_news_and_chains_hold(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await two(feed)
        merge = adt("A34", pid("100"), MRG, id="3", at="20261128090100")
        await feed.send(merge)
        await feed.send(adt("A40", pid("100"), MRG, id="4", at="20261128090101"))
        await feed.send(adt("A40", pid("300", **OTHER), "MRG|100^^^HOSP^MR", id="5", at="20261128090200"))
        last = await by_record(feed, "300")
        assert last["telecom"][0]["value"] == "5550002222"
        await feed.send(merge)
        assert (await by_record(feed, "300"))["meta"]["versionId"] == last["meta"]["versionId"]


async def test_a_merge_without_a_number_is_rejected(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        with pytest.raises(Rejected) as caught:
            await feed.send(adt("A40", pid("100"), "MRG|", id="3"))
        assert (caught.value.error, caught.value.place) == ("101", "MRG[1]-1")


async def test_several_merges_in_one_message(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await two(feed)
        await feed.send(
            adt("A40", pid("100"), MRG, pid("300", **OTHER), "MRG|400^^^HOSP^MR", id="3", at="20261128090100")
        )
        assert (await by_record(feed, "200"))["active"] is False
        assert (await by_record(feed, "400"))["active"] is False
        assert (await by_record(feed, "300"))["gender"] == "male"


async def test_a_changed_number_leads_to_the_same_patient(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await feed.send(adt("A28", pid("100"), id="1", at="20261128090000"))
        rename = adt("A47", pid("900"), "MRG|100^^^HOSP^MR", id="2", at="20261128090100")
        await feed.send(rename)
        patient = await feed.one("Patient")
        assert [item["value"] for item in patient["identifier"]] == ["900"]
        await feed.send(adt("A08", pid("900", rest="|M"), id="3", at="20261128090200"))
        await feed.send(adt("A08", pid("100", rest="|F"), id="4", at="20261128090030"))
        await feed.send(rename)
        patient = await feed.one("Patient")
        assert patient["gender"] == "male" and [item["value"] for item in patient["identifier"]] == ["900"]


async def test_a_changed_number_that_is_anothers_is_rejected(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await two(feed)
        with pytest.raises(Rejected) as caught:
            await feed.send(adt("A47", pid("100"), MRG, id="3", at="20261128090100"))
        assert caught.value.error == "205"


def visit(number: str) -> str:
    return f"PV1|1|I|||||||||||||||||{number}^^^HOSP^VN"


async def test_a_moved_visit_is_the_other_patients(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await two(feed)
        await feed.send(adt("A01", pid("200", "ANDER^EVA"), visit("V1"), id="3", at="20261128090100"))
        move = adt(
            "A45", pid("100"), "MRG|200^^^HOSP^MR||||V1^^^HOSP^VN", visit("V1"), id="4", at="20261128090200"
        )
        await feed.send(move)
        mine = (await by_record(feed, "100"))["id"]
        assert (await feed.one("Encounter"))["subject"]["reference"] == f"Patient/{mine}"
        assert (await by_record(feed, "200")).get("active") is not False


async def test_a_visit_that_has_another_number_and_one_that_was_two(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await feed.send(adt("A01", pid(), visit("V1"), id="1", at="20261128090000"))
        rename = adt(
            "A50", pid(), "MRG|100^^^HOSP^MR||||V1^^^HOSP^VN", visit("V2"), id="2", at="20261128090100"
        )
        await feed.send(rename)
        assert (await feed.one("Encounter"))["status"] == "in-progress"
        await feed.send(adt("A01", pid(), visit("V3"), id="3", at="20261128090200"))
        merge = adt(
            "A42", pid(), "MRG|100^^^HOSP^MR||||V3^^^HOSP^VN", visit("V2"), id="4", at="20261128090300"
        )
        await feed.send(merge)
        assert sorted(one["status"] for one in await feed.all("Encounter")) == [
            "entered-in-error",
            "in-progress",
        ]


async def test_linked_patients_stay_two_and_can_be_unlinked(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await two(feed)
        await feed.send(adt("A24", pid("100"), pid("200", "ANDER^EVA"), id="3", at="20261128090100"))
        one, other = await by_record(feed, "100"), await by_record(feed, "200")
        assert one["link"] == [{"other": {"reference": f"Patient/{other['id']}"}, "type": "seealso"}]
        await feed.send(adt("A37", pid("100"), pid("200", "ANDER^EVA"), id="4", at="20261128090200"))
        assert "link" not in await by_record(feed, "100") and "link" not in await by_record(feed, "200")


async def test_unlinking_undoes_a_merge_of_the_same_source(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await two(feed)
        await feed.send(adt("A40", pid("100"), MRG, id="3", at="20261128090100"))
        await feed.send(adt("A37", pid("100"), pid("200", "ANDER^EVA"), id="4", at="20261128090200"))
        assert "telecom" not in await by_record(feed, "100")
        assert (await by_record(feed, "200"))["telecom"][0]["value"] == "5550002222"


async def test_a_deleted_patient_is_no_more(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await two(feed)
        await feed.send(adt("A29", pid("200", "ANDER^EVA"), id="3", at="20261128090100"))
        assert [one["identifier"][0]["value"] for one in await feed.all("Patient")] == ["100"]
