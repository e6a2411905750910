"""A RelatedPerson writes for the patient: let in as the record has it, and named in what is written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chat_desk import ChatDesk, say, until

from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.chats import ChatUser

MUM = ChatUser("default", "related:RelatedPerson/mum", "Patient/sam", related="RelatedPerson/mum")


def _desk(**person: Any) -> ChatDesk:
    desk = ChatDesk()
    related = {"resourceType": "RelatedPerson", "id": "mum", "patient": {"reference": "Patient/sam"}}
    desk.server.store["RelatedPerson/mum"] = related | person
    return desk


async def test_who_is_related_speaks_for_the_patient_and_the_record_says_so() -> None:
    desk = _desk()
    room = await desk.room()
    one, _ = await room.begin(MUM)
    told = await say(room, MUM, one.id, "Sam has a new phone number, 412 555 0199")
    assert "guardian" not in told.lower() and "birth" not in told, told
    if "right" in told:
        told = await say(room, MUM, one.id, "yes")
    await room.finish(MUM, one.id)
    await until(lambda: not room.under_way)
    record = desk.server.store[f"Communication/{one.id}"]
    assert record["sender"] == {"reference": "RelatedPerson/mum"}
    assert record["subject"] == {"reference": "Patient/sam"}
    told = [json.loads(headers["x-provenance"]) for _, _, _, headers in desk.server.writes()]
    assert len(told) >= 3
    for said in told:
        (informant,) = [a for a in said["agent"] if a["type"]["coding"][0]["code"] == "informant"]
        assert informant["who"] == {"reference": "RelatedPerson/mum"}
    await desk.close()


@pytest.mark.parametrize(
    ("person", "why"),
    [
        ({"patient": {"reference": "Patient/ada"}}, "not related to the patient"),
        ({"active": False}, "not active"),
        ({"period": {"end": "2020-05"}}, "does not hold"),
        ({"period": {"start": "2099"}}, "does not hold"),
    ],
)
async def test_who_is_not_related_or_not_any_more_is_refused(person: dict[str, Any], why: str) -> None:
    desk = _desk(**person)
    room = await desk.room()
    with pytest.raises(Refusal, match=why) as refused:
        await room.begin(MUM)
    assert refused.value.category is Category.FORBIDDEN
    del desk.server.store["RelatedPerson/mum"]
    with pytest.raises(Refusal, match="no such RelatedPerson"):
        await room.of_user(MUM)
    await desk.close()


async def test_a_relation_that_ends_ends_the_conversation_for_them_at_once() -> None:
    desk = _desk(active=True)
    room = await desk.room()
    one, _ = await room.begin(MUM)
    await say(room, MUM, one.id, "When is the appointment?")
    desk.server.store["RelatedPerson/mum"]["active"] = False
    for asked in (room.say(MUM, one.id, "hello?"), room.events(MUM, one.id), room.read(MUM, one.id)):
        with pytest.raises(Refusal, match="not active"):
            await asked
    await desk.close()


async def test_the_patients_own_conversation_is_another() -> None:
    desk = _desk()
    room = await desk.room()
    one, _ = await room.begin(MUM)
    sam = ChatUser("default", MUM.key, "Patient/sam")
    with pytest.raises(Refusal, match="no such conversation"):
        await room.read(sam, one.id)
    other, fresh = await room.begin(sam)
    assert fresh and other.id != one.id
    await desk.close()
