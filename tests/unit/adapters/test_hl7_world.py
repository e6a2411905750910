"""Messages become statements: who is meant, what is not said, what is stated absent, which came first."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from adapters.hl7v2.convert.conversion import Conversion
from adapters.hl7v2.ingest.again import Again
from adapters.hl7v2.ingest.dead_letters import DeadLetters
from adapters.hl7v2.intake.archive import Archive
from adapters.hl7v2.intake.ingest import Lane, Rejected
from adapters.hl7v2.intake.reception import Reading, Reception
from adapters.hl7v2.message import Message, parse
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.log import Statement
from fhirserver.ports.storage import Key
from fhirserver.search.expression import Query, ReferenceIs, TokenIs
from fhirserver.store import as_of
from fhirserver.store.commands import Command, Decide, Ruling
from fhirserver.world.vocabulary import SAID_AGAIN
from tests.unit.adapters.hl7_feed import Bench, adt, bench, convert, pid


async def test_an_admission_is_a_patient_and_a_visit(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        done = await feed.send(adt("A01", pid(), "PV1|1|I|||||||||||||||||V7^^^HOSP^VN", "ZXX|1"))
        patient, visit = await feed.one("Patient"), await feed.one("Encounter")
        assert patient["birthDate"] == "1980-02-03" and patient["meta"]["source"] == "urn:credence:source:adt"
        assert visit["subject"]["reference"] == f"Patient/{patient['id']}"
        assert done.unmapped == ("ZXX[1]",)
        assert {f"Patient/{patient['id']}", f"Encounter/{visit['id']}"} <= set(done.resources)


async def test_an_absent_field_says_nothing_and_a_null_says_that_there_is_none(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await feed.send(adt("A28", pid(rest="19800203|F|||||5550001111")))
        await feed.send(adt("A08", pid(rest="|"), id="2", at="20261128100100"))
        patient = await feed.one("Patient")
        assert patient["gender"] == "female" and patient["telecom"][0]["value"] == "5550001111"
        await feed.send(adt("A08", pid(rest='|F|||||""'), id="3", at="20261128100200"))
        patient = await feed.one("Patient")
        assert "telecom" not in patient and patient["birthDate"] == "1980-02-03"


async def test_a_null_takes_away_what_others_said_before(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await feed.send(adt("A28", pid()))
        id = (await feed.one("Patient"))["id"]
        phone = {"telecom": [{"system": "phone", "value": "5559998888"}]}
        await feed.put("ehr", "Patient", id, phone, mode="partial", effective="2026-11-28T10:00:30Z")
        await feed.send(adt("A08", pid(rest='|F|||||""'), id="2", at="20261128100100"))
        assert "telecom" not in await feed.one("Patient")


async def test_a_repeating_field_is_the_list_as_it_is_now(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await feed.send(adt("A28", pid(rest="19800203|F|||||5550001111|5550002222")))
        await feed.send(adt("A08", pid(rest="19800203|F|||||5550003333"), id="2", at="20261128100100"))
        phones = {(item["use"], item["value"]) for item in (await feed.one("Patient"))["telecom"]}
        assert phones == {("home", "5550003333"), ("work", "5550002222")}
        await feed.send(adt("A08", pid(name="ANDERS^EVE"), id="3", at="20261128100200"))
        assert [name["family"] for name in (await feed.one("Patient"))["name"]] == ["ANDERS"]


async def test_numbers_of_one_patient_lead_to_one_patient(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await feed.send(adt("A28", pid("100~E-9^^^EPI^PI")))
        await feed.send(adt("A08", pid("E-9^^^EPI^PI", rest="|M"), id="2", at="20261128100100"))
        patient = await feed.one("Patient")
        assert patient["gender"] == "male" and {i["value"] for i in patient["identifier"]} == {"100", "E-9"}


async def test_the_same_number_of_another_authority_is_another_patient(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await feed.send(adt("A28", pid("100^^^EAST^MR")))
        await feed.send(adt("A28", pid("100^^^WEST^MR", name="OTHER^ADAM", rest="19550101|M"), id="2"))
        assert len(await feed.all("Patient")) == 2


async def test_what_comes_late_stays_behind_also_after_a_repetition(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await feed.send(adt("A28", pid(rest="19800203|F"), at="20261128090000"))
        await feed.send(adt("A08", pid(rest="19800203|F"), id="2", at="20261128100000"))
        await feed.send(adt("A08", pid(rest="19800203|M|||||5550001111"), id="3", at="20261128093000"))
        patient = await feed.one("Patient")
        assert patient["gender"] == "female"
        assert patient["telecom"][0]["value"] == "5550001111", "nobody spoke of it since"


async def test_a_clock_that_is_ahead_makes_nothing_late(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await feed.send(adt("A28", pid(rest="19800203|F"), at="20290101000000"))
        await feed.send(
            adt("A08", pid(rest="19800203|M"), id="2", at="20261128120100"), "2026-11-28T12:01:01.000Z"
        )
        assert (await feed.one("Patient"))["gender"] == "male"


async def test_a_repetition_does_not_flip_what_an_operator_approved(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await feed.send(adt("A28", pid(rest="19800203|F")))
        id = (await feed.one("Patient"))["id"]
        await feed.put("agent", "Patient", id, {"gender": "male"}, mode="partial")
        entity = await feed.store.entity("Patient", id)
        assert entity is not None
        view = entity.ledger.view("agent")
        assert view is not None
        ruling = Ruling("approve", "gender", "agent", view.stamps[0].position)
        await feed.store.submit(Command(Statement("operator"), (Decide("Patient", id, [ruling]),)))
        assert (await feed.one("Patient"))["gender"] == "male"
        await feed.send(adt("A08", pid(rest="19800203|F"), id="2", at="20261128110000"))
        assert (await feed.one("Patient"))["gender"] == "male"
        await feed.send(adt("A08", pid(rest='19800203|""'), id="4", at="20261128112000"))
        assert "gender" not in await feed.one("Patient"), "something new is heard"


async def test_every_message_is_traced_to_its_resources_and_back(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        text = adt("A01", pid(), "PV1|1|I", id="MSG-7")
        await feed.send(text)
        again = adt("A08", pid(), id="MSG-8", at="20261128100100")
        await feed.send(again)
        patient = await feed.one("Patient")
        await feed.store.derive_provenance()
        about = Query("Provenance", ReferenceIs("target", "Patient", patient["id"]), count=10)
        found = [loads(v.content) for v in (await feed.store.search(about)).versions]
        binaries = [await feed.world(one["entity"][0]["what"]["reference"]) for one in found]
        codes = [binary["meta"]["tag"][0]["code"] for binary in binaries]
        again = dict(
            zip(codes, (_is_said_again(one, f"Patient/{patient['id']}") for one in found), strict=True)
        )
        assert again == {"MSG-7": False, "MSG-8": True}, "also the one that said nothing new"
        assert {binary["contentType"] for binary in binaries} == {"x-application/hl7-v2+er7"}
        by_tag = await feed.store.search(Query("Binary", TokenIs("_tag", None, "MSG-7"), count=5))
        (raw,) = by_tag.versions
        assert base64.b64decode(loads(raw.content)["data"]).decode() == text
        cites = await feed.store.search(Query("Provenance", ReferenceIs("entity", "Binary", raw.id), count=5))
        targets = {
            t["reference"].partition("/_")[0] for v in cites.versions for t in loads(v.content)["target"]
        }
        assert f"Patient/{patient['id']}" in targets


async def test_what_was_only_said_again_is_not_read_for_what_was_at_a_moment(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await feed.send(adt("A28", pid()))
        for minute in (1, 2, 3):
            await feed.send(adt("A08", pid(), id=f"R{minute}", at=f"202611281001{minute:02}"))
        await feed.send(adt("A08", pid(rest="19800203|M"), id="N", at="20261128100200"))
        key = Key("Patient", (await feed.one("Patient"))["id"])
        with mock.patch.object(as_of, "commit_at", wraps=as_of.commit_at) as read:
            then = await as_of.entity_as_of(feed.store, key, as_of.Moment(4, ""))
        assert then is not None
        assert (then.json["gender"], then.version, read.call_count) == ("female", 1, 1)


def _is_said_again(provenance: JsonObject, reference: str) -> bool:
    (target,) = (one for one in provenance["target"] if one["reference"].startswith(reference))
    return {"url": SAID_AGAIN, "valueBoolean": True} in target.get("extension", ())


async def test_a_replay_changes_nothing(tmp_path: Path) -> None:
    texts = [
        adt("A01", pid(), "PV1|1|I|||||||||||||||||V7^^^HOSP^VN", "AL1|1||PEN", "AL1|2||NUT", id="1"),
        adt("A08", pid(rest="19800203|M"), "AL1|1||PEN", id="2", at="20261128100100"),
        adt("S12", "SCH|P1|F1|||||||30|min", pid(), id="3", at="20261128100200"),
        adt("A40", pid(), "MRG|200^^^HOSP^MR", id="4", at="20261128100300"),
    ]
    async with bench(tmp_path) as feed:
        for text in texts:
            await feed.send(text)
        before = await feed.state()
        for text in texts:
            await feed.send(text)
        assert await feed.state() == before
        for text in reversed(texts):
            await feed.send(text)
        assert await feed.state() == before


async def test_a_known_patient_of_another_source_is_found(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        known = {
            "identifier": [{"system": "urn:HOSP", "value": "100", "type": {"coding": [{"code": "MR"}]}}],
            "name": [{"family": "Ander", "given": ["Eve"]}],
            "birthDate": "1980-02-03",
            "gender": "female",
        }
        await feed.put("ehr", "Patient", "world-1", known, mode="partial")
        await feed.send(adt("A28", pid(rest="19800203|F|||||5550001111")))
        patient = await feed.one("Patient")
        assert patient["id"] == "world-1" and patient["telecom"]


async def test_two_names_in_passing_of_one_payer_are_one(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        in1 = "IN1|1|P|1|BLUE" + "|" * 32 + "M1"
        other = "IN1|2|P|1|BLUE" + "|" * 32 + "M2"
        await feed.send(adt("A28", pid(), in1, other))
        assert len(await feed.all("Organization")) == 1 and len(await feed.all("Coverage")) == 2


async def test_a_list_that_lost_an_item_takes_it_away_and_an_older_list_does_not_bring_it_back(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path) as feed:
        await feed.send(adt("A28", pid(), "AL1|1||PEN", "AL1|2||NUT"))
        await feed.send(adt("A08", pid(), "AL1|1||PEN", id="2", at="20261128110000"))
        assert await _codes(feed) == ["PEN"]
        await feed.send(
            adt("A08", pid(), "AL1|1||PEN", "AL1|2||NUT", "AL1|3||CAT", id="3", at="20261128103000")
        )
        assert await _codes(feed) == ["PEN"]
        await feed.send(adt("A08", pid(), id="4", at="20261128113000"))
        assert await _codes(feed) == ["PEN"], "no segment says nothing"
        await feed.send(adt("A08", pid(), "AL1|1||NUT", id="5", at="20261128114000"))
        assert await _codes(feed) == ["NUT"]


async def _codes(feed: Bench) -> list[str]:
    return sorted(one["code"]["coding"][0]["code"] for one in await feed.all("AllergyIntolerance"))


async def test_what_cannot_be_stated_is_rejected_with_its_place(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        bad = adt("A28", pid(rest="19801399|F"))
        with pytest.raises(Rejected) as caught:
            await feed.send(bad)
        assert (caught.value.code, caught.value.place) == ("AE", "PID-7")
        assert "19801399" not in str(caught.value)
        assert not await feed.all("Patient") and not await feed.all("Binary")
        await feed.send(adt("A28", pid(rest="19800203|F")))
        assert (await feed.one("Patient"))["birthDate"] == "1980-02-03"


async def test_a_type_that_the_source_may_not_write_is_rejected(tmp_path: Path) -> None:
    async with bench(tmp_path, "lab") as feed:
        with pytest.raises(Rejected) as caught:
            await feed.send(adt("R01", pid(), "PV1|1|I", "OBX|1|ST|8867-4||60"))
        assert caught.value.error == "207" and "Encounter" in caught.value.text
        assert not await feed.all("Patient"), "all or nothing"
        await feed.send(adt("R01", pid(), "OBX|1|ST|8867-4||60", "OBX|2|ST|8867-4||61", id="2"))
        assert len(await feed.all("Observation")) == 2


async def test_lanes(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:

        def lane(text: str) -> Lane:
            return feed.feed.lane(parse(text))

        one, same = lane(adt("A08", pid("E-9^^^EPI^PI~100"))), lane(adt("S12", "SCH|1", pid("100"), id="2"))
        assert one == same and not one.barrier_with
        merge = lane(adt("A40", pid("100"), "MRG|200^^^HOSP^MR", id="3"))
        assert merge.key == one.key and merge.barrier_with == (lane(adt("A08", pid("200"))).key,)
        assert lane(adt("A08", "PID|1", id="4")) != lane(adt("A08", "PID|1", id="5"))


async def test_a_message_is_tried_again_when_its_task_asks_for_it(tmp_path: Path) -> None:
    maps = {"13": "wrong"}

    def mended(message: Message, site: Any) -> Conversion:
        return convert(
            parse(message.text.replace("19801399", maps["13"])) if "wrong" not in maps.values() else message
        )

    async with bench(tmp_path, map=mended) as feed:
        letters = DeadLetters(feed.store, "hospital")
        reception = Reception(Reading("hospital", "adt"), feed.store, feed.feed, letters=letters)
        (answer,) = await reception.receive(adt("A28", pid(rest="19801399|F")).encode())
        assert b"|AE|" in answer and b"PID^1^7" in answer
        again = Again(feed.store, "hospital", reception)
        assert await again.step() == 0
        for status, fixed in (("failed", False), ("completed", True)):
            if fixed:
                maps["13"] = "19801231"
            (task,) = await feed.all("Task")
            await feed.put("credence", "Task", task["id"], {**task, "status": "requested"})
            assert await again.step() == 1
            (task,) = await feed.all("Task")
            assert task["status"] == status
        assert (await feed.one("Patient"))["birthDate"] == "1980-12-31"
        assert not await Archive(feed.store).failures("hospital")


async def test_what_is_told_by_its_patient_is_so_by_any_of_the_numbers(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await feed.send(adt("A28", pid("100~E-9^^^EPI^PI"), "AL1|1||PEN"))
        await feed.send(adt("A08", pid("E-9^^^EPI^PI"), "AL1|1||PEN", id="2", at="20261128100100"))
        assert len(await feed.all("AllergyIntolerance")) == 1


async def test_an_appointment_is_told_by_either_number(tmp_path: Path) -> None:
    async with bench(tmp_path) as feed:
        await feed.send(adt("S12", "SCH|P1|", pid()))
        await feed.send(adt("S14", "SCH|P1|F1|||||||30", pid(), id="2", at="20261128100100"))
        await feed.send(adt("S15", "SCH||F1" + "|" * 23 + "CANCELLED", pid(), id="3", at="20261128100200"))
        booked = await feed.one("Appointment")
        assert booked["minutesDuration"] == 30 and len(booked["identifier"]) == 2
        assert booked["status"] == "cancelled"


async def test_a_cover_that_was_sent_comes_back_as_itself_however_its_payer_is_written(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path) as feed:
        await feed.send(adt("A28", pid()))
        patient = (await feed.one("Patient"))["id"]
        cover = {
            "status": "active",
            "subscriberId": "M1",
            "beneficiary": {"reference": f"Patient/{patient}"},
            "payor": [{"display": "Plan 1352"}],
        }
        await feed.put("operator", "Coverage", "ours", cover)
        await feed.send(adt("A31", pid(), _in1("Plan 1352", "M1"), id="2", at="20261128100100"))
        there = await feed.one("Coverage")
        assert (there["id"], there["payor"]) == ("ours", [{"display": "Plan 1352"}]), "its payer is no news"
        # Another spelling of the payer is another name of the record, not another record.
        await feed.send(adt("A31", pid(), _in1("PLAN 1352 Inc.", "M1"), id="3", at="20261128100200"))
        assert (await feed.one("Coverage"))["id"] == "ours"
        await feed.send(
            adt("A31", pid(), _in1("Plan 1352", "M1"), _in1("Plan 1352", "M2"), id="4", at="20261128100300")
        )
        assert {one["subscriberId"] for one in await feed.all("Coverage")} == {"M1", "M2"}


def _in1(payer: str, member: str) -> str:
    return f"IN1|1|P|1|{payer}{'|' * 32}{member}"
