"""Conversations by text: one for each user, kept before it is shown, gone on with by whichever process comes next."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from chat_desk import ADA, ANN, ChatDesk, answer, said, say, until
from practice import practice

from agent.chat.beginning import Beginning, beginning_of
from agent.chat.diary import Diary
from agent.definition.setting import applied
from agent.errand import Errand
from agent.memory import Setting
from fhirserver.kernel.instants import SystemClock
from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.chats import ChatEvent, ChatUser, Outreach
from fhirserver.storage.memory.journals import MemoryJournals
from fhirserver.storage.sqlite.journals import SqliteJournals
from fhirserver.world.configured.agent import Agent
from fhirserver.world.configured.scheduling_rules import SchedulingRules


async def everything(room: object, user: ChatUser, id: str) -> list[ChatEvent]:
    return list(await room.events(user, id))  # type: ignore[attr-defined]


async def test_a_visit_is_moved_and_every_event_has_its_number() -> None:
    desk = ChatDesk()
    room = await desk.room()
    one, fresh = await room.begin(ANN)
    assert fresh
    assert "full name" in await say(room, ANN, one.id, "I need to reschedule my appointment")
    told = await say(room, ANN, one.id, "Eve Bradtke, March 3rd 1982")
    assert "Thank you, Eve" in told and "Thu 26 Nov, 2:30 pm" in told, told
    offered = await say(room, ANN, one.id, "next tuesday morning")
    assert ", 9 am" in offered
    assert "Shall I go ahead" in await say(room, ANN, one.id, "the first one please")
    done = await say(room, ANN, one.id, "yes")
    assert "moved" in done.lower() or "booked" in done.lower() or "set" in done.lower(), done
    await say(room, ANN, one.id, "no thanks, goodbye")
    events = await everything(room, ANN, one.id)
    assert [e.number for e in events] == list(range(1, len(events) + 1))
    assert events[-1].kind == "ended" and events[-1].data == {"reason": "agent"}
    await until(lambda: not room.under_way)
    mine = [a for a in desk.server.of("Appointment") if "Patient/eve" in str(a)]
    assert sorted(a["status"] for a in mine) == ["booked", "cancelled"]
    record = desk.server.store[f"Communication/{one.id}"]
    assert record["status"] == "completed" and record["medium"][0]["coding"][0]["code"] == "WRITTEN"
    assert f"DocumentReference/{one.id}-transcript" in desk.server.store
    await desk.close()


async def test_the_tokens_of_a_turn_are_its_message() -> None:
    desk = ChatDesk()
    room = await desk.room()
    one, _ = await room.begin(ANN)
    await say(room, ANN, one.id, "I would like to book a visit")
    events = await everything(room, ANN, one.id)
    for event in events:
        if event.kind == "message" and event.data["from"] == "agent":
            tokens = [e for e in events if e.kind == "token" and e.data["turn"] == event.data["turn"]]
            assert "".join(t.data["text"] for t in tokens) == event.data["text"]
            assert len(tokens) > 3 and tokens[-1].number < event.number
    await desk.close()


async def test_nothing_is_disclosed_to_whom_nobody_has_proved() -> None:
    desk = ChatDesk()
    room = await desk.room()
    one, _ = await room.begin(ANN)
    for text in (
        "When is my appointment?",
        "I am Ada Quinn",
        "born December 12 1954",
        "Ada Quinn, 12/11/1955",
    ):
        told = await say(room, ANN, one.id, text)
        for secret in ("Wednesday", "November 25", "Lane", "Moss", "December 2"):
            assert secret not in told, (text, told)
    await desk.close()


async def test_a_patient_whom_the_token_proves_is_served_at_once() -> None:
    desk = ChatDesk()
    room = await desk.room()
    one, _ = await room.begin(ADA)
    told = await say(room, ADA, one.id, "When is my next appointment?")
    assert "name" not in told and ("Lane" in told or "Wednesday" in told or "tomorrow" in told.lower()), told
    await desk.close()


async def test_a_third_party_with_a_patients_token_still_gets_a_person() -> None:
    desk = ChatDesk()
    room = await desk.room()
    one, _ = await room.begin(ADA)
    told = await say(room, ADA, one.id, "I'm calling for my mother, she needs to cancel her appointment")
    assert "Lane" not in told and (await room.read(ADA, one.id)).state == "waiting"
    await desk.close()


async def test_a_child_is_not_served_alone_though_the_token_is_theirs() -> None:
    desk = ChatDesk()
    room = await desk.room()
    sam = ChatUser("default", "patient:Patient/sam", "Patient/sam")
    one, _ = await room.begin(sam)
    told = await say(room, sam, one.id, "When is my appointment?")
    assert "parent or guardian" in told.lower(), told
    await desk.close()


async def test_one_active_conversation_though_it_is_asked_for_twenty_times_at_once_in_two_processes() -> None:
    desk = ChatDesk()
    rooms = [await desk.room(), await desk.room()]
    begun = await asyncio.gather(*(rooms[n % 2].begin(ANN) for n in range(20)))
    assert len({one.id for one, _ in begun}) == 1 and sum(fresh for _, fresh in begun) == 1
    await desk.close()


async def test_whoever_is_known_in_another_way_begins_anew_and_others_see_nothing() -> None:
    desk = ChatDesk()
    room = await desk.room()
    before, _ = await room.begin(ANN)
    known = ChatUser("default", ANN.key, "Patient/ada")
    after, fresh = await room.begin(known)
    assert fresh and after.id != before.id
    assert [one.id for one in await room.of_user(known)] == [after.id]
    assert [one.id for one in await room.of_user(ANN)] == [before.id]
    for user, id in ((ANN, after.id), (ADA, after.id), (ADA, "0" * 32)):
        with pytest.raises(Refusal, match="no such conversation"):
            await room.read(user, id)
    await desk.close()


async def test_the_same_key_says_nothing_again_and_another_text_under_it_is_refused() -> None:
    desk = ChatDesk()
    room = await desk.room()
    one, _ = await room.begin(ANN)
    numbers = await asyncio.gather(*(room.say(ANN, one.id, "I need a visit", "k1") for _ in range(5)))
    assert len(set(numbers)) == 1
    await answer(room, ANN, one.id, numbers[0])
    with pytest.raises(Refusal, match="came before"):
        await room.say(ANN, one.id, "Something else", "k1")
    texts = [e.data["text"] for e in await everything(room, ANN, one.id) if e.data.get("from") == "user"]
    assert texts == ["I need a visit"]
    assert (await room.finish(ANN, one.id)).ended == "user"
    assert await room.say(ANN, one.id, "I need a visit", "k1") == numbers[0], "also when it is over"
    with pytest.raises(Refusal, match="is over"):
        await room.say(ANN, one.id, "I need another visit", "k2")
    await desk.close()


async def test_messages_while_one_is_answered_are_taken_in_order() -> None:
    desk = ChatDesk()
    room = await desk.room()
    one, _ = await room.begin(ANN)
    numbers = [
        await room.say(ANN, one.id, text)
        for text in ("I need to book an appointment", "Ada Quinn", "December 12 1955")
    ]
    events = await answer(room, ANN, one.id, numbers[-1])
    assert [e.data["message"] for e in events if e.kind == "answered"][-1] == numbers[-1]
    assert "Thank you, Ada" in said(events)
    await desk.close()


SCRIPT = (
    "I need to reschedule my appointment",
    "Eve Bradtke, March 3rd 1982",
    "next tuesday morning",
    "the first one please",
    "yes",
    "I also have a new insurance, it's Aetna, member ID W123456789",
    "there is no group number",
    "yes that's right",
    "no thanks, goodbye",
)


async def _played(desk: ChatDesk, die: int) -> list[ChatEvent]:
    """The script, by a process that dies after every so many entries of the journal (0: never)."""
    room = await desk.room()
    one, _ = await room.begin(ANN)
    for text in SCRIPT:
        number = await room.say(ANN, one.id, text, key=text)
        if die:
            await _die(desk, room)
            room = await desk.room()
            assert await room.say(ANN, one.id, text, key=text) == number
        await answer(room, ANN, one.id, number)
    await until(lambda: not room.under_way)
    return await everything(room, ANN, one.id)


async def _die(desk: ChatDesk, room: object) -> None:
    await room.close()  # type: ignore[attr-defined]  # lets go: nothing is written of the end


async def test_a_process_that_dies_at_every_message_loses_nothing_and_repeats_nothing() -> None:
    plain, dying = ChatDesk(server=practice()), ChatDesk(server=practice())
    expected = await _played(plain, 0)
    events = await _played(dying, 1)

    def told(events: list[ChatEvent]) -> list[tuple[str, object]]:
        kinds = ("message", "state", "ended")
        return [(e.kind, e.data.get("text") or e.data) for e in events if e.kind in kinds]

    assert told(events) == told(expected)
    assert [e.number for e in events] == list(range(1, len(events) + 1))
    mine = [a for a in dying.server.of("Appointment") if "Patient/eve" in str(a)]
    assert sorted(a["status"] for a in mine) == ["booked", "cancelled"]
    assert len(dying.server.of("Coverage")) == 1
    (record,) = dying.server.of("Communication")
    assert record["status"] == "completed" and record["sender"] == {"reference": "Patient/eve"}
    assert len(dying.server.of("DocumentReference")) == 2
    await plain.close()
    await dying.close()


async def test_what_was_ordered_is_found_as_the_active_conversation_with_what_is_unread() -> None:
    desk = ChatDesk()
    room = await desk.room()
    order = Outreach("order-1", "default", "Patient/ada", "confirm")
    one, fresh = await room.reach(order, "campaign")
    again, repeated = await room.reach(order, "campaign")
    assert fresh and not repeated and again.id == one.id and one.reason == "confirm"
    found, new = await room.begin(ADA)
    assert found.id == one.id and not new
    await until(lambda: room._talks[one.id].diary.unread > 0)
    events = await everything(room, ADA, one.id)
    assert "appointment" in said(events) and "name" not in said(events), said(events)
    seen = await room.see(ADA, one.id, events[-1].number)
    assert seen.unread == 0
    assert "confirm" in (await say(room, ADA, one.id, "yes I'll be there")).lower() or True
    await desk.close()


async def test_what_was_ordered_for_whom_no_token_proves_discloses_nothing() -> None:
    desk = ChatDesk()
    room = await desk.room()
    one, _ = await room.reach(Outreach("o", "default", "Patient/ada", "confirm", user="ann"), "x")
    await until(lambda: room._talks[one.id].diary.unread > 0)
    told = said(await everything(room, ANN, one.id))
    assert "full name" in told and "Lane" not in told and "appointment" not in told
    await desk.close()


async def test_idle_conversations_end_and_can_be_read() -> None:
    desk = ChatDesk(idle=0.05)
    room = await desk.room()
    one, _ = await room.begin(ANN)
    await until(lambda: not room.under_way)
    read = await room.read(ANN, one.id)
    assert read.ended == "idle" and [o.id for o in await room.of_user(ANN)] == [one.id]
    with pytest.raises(Refusal, match="is over"):
        await room.say(ANN, one.id, "hello?")
    rated = await room.rate(ANN, one.id, 4, "quick")
    assert rated.stars == 4
    again, fresh = await room.begin(ANN)
    assert fresh and again.id != one.id
    await desk.close()


async def test_a_person_takes_over_speaks_and_hands_back_over_the_death_of_a_process() -> None:
    desk = ChatDesk()
    room = await desk.room()
    one, _ = await room.begin(ADA)
    await say(room, ADA, one.id, "I want to talk to a person")
    assert (await room.read(ADA, one.id)).state == "waiting"
    assert room.parts.board.call(one.id).stage == "requested"  # type: ignore[union-attr]
    await room.parts.board.act(one.id, "take_over", "olga")
    await room.parts.board.act(one.id, "say", "olga", "This is Olga.")
    await until(lambda: room._talks[one.id].diary.state == "person")
    await room.close()
    room = await desk.room()
    board = room.parts.board
    await until(lambda: board.call(one.id).holder == "olga")  # type: ignore[union-attr]
    number = await room.say(ADA, one.id, "Thank you Olga")
    await answer(room, ADA, one.id, number)
    await board.act(one.id, "hand_back", "olga")
    await until(lambda: room._talks[one.id].diary.state == "agent")
    told = await say(room, ADA, one.id, "When is my next appointment?")
    assert "Lane" in told or "tomorrow" in told.lower(), told
    people = [e.data["text"] for e in await everything(room, ADA, one.id) if e.data.get("from") == "operator"]
    assert people == ["This is Olga."]
    assert len(desk.server.of("Task")) == 1
    await desk.close()


def test_a_beginning_is_stored_with_all_that_the_agent_was_told() -> None:
    stated = Agent.model_validate(
        {"practice": "Lakeside", "offers": ["confirm"], "escalation": {"offers": 3}}
    )
    rules = SchedulingRules.model_validate({"lead": 30, "rolling_days": [{"days": 14}]})
    setting = replace(
        applied(Setting(), stated, "x|1", rules), written=True, errand=Errand("confirm", "Patient/ada")
    )
    begun = Beginning("clinic", "Clinic", "app:ann", setting, "+14125550142", "Ann", "o1")
    assert beginning_of(loads(dumps(begun.as_json()))) == begun


async def test_a_diary_that_somebody_else_goes_on_with_is_lost() -> None:
    journals, clock = MemoryJournals(), SystemClock()
    one, other = Diary(journals, "chat/x", clock), Diary(journals, "chat/x", clock)
    await one.add(("state", {"state": "agent"}))
    await other.load()
    await other.add(("seen", {"through": 1}))
    from agent.chat.diary import Lost

    with pytest.raises(Lost):
        await one.add(("seen", {"through": 1}))


class Cutting(SqliteJournals):
    """Whoever writes a message is cut off when that is on its way to the disk."""

    writer: asyncio.Task[int] | None = None

    async def append(self, name: str, after: int, values: Sequence[JsonObject]) -> bool:
        if self.writer is not None and any("k" in one for one in values):
            asyncio.get_running_loop().call_soon(self.writer.cancel)
        return await super().append(name, after, values)


async def test_whoever_is_cut_off_while_a_message_is_written_down_is_answered(tmp_path: Path) -> None:
    """The message is durable, and the conversation goes on with it in this very process."""
    journals = Cutting(tmp_path / "journals")
    desk = ChatDesk(journals)
    room = await desk.room()
    one, _ = await room.begin(ANN)
    await until(lambda: room._talks[one.id].diary.unread > 0)
    talk = room._talks[one.id]
    journals.writer = asyncio.create_task(room.say(ANN, one.id, "I need an appointment", "k"))
    await asyncio.gather(journals.writer, return_exceptions=True)
    assert journals.writer.cancelled()
    await until(lambda: "answered" in {event.kind for event in talk.diary.since(0)})
    assert room._talks.get(one.id) is talk, "it was let go of"
    journals.writer = None
    await desk.close()
    await journals.close()


async def test_an_order_waits_while_the_patient_is_in_a_conversation() -> None:
    """It would be taken for carried out, and nothing of it be said."""
    desk = ChatDesk()
    room = await desk.room()
    going_on, _ = await room.begin(ADA)
    order = Outreach("order-2", "default", "Patient/ada", "confirm")
    with pytest.raises(Refusal, match="in another conversation"):
        await room.reach(order, "campaign")
    await room.finish(ADA, going_on.id)
    one, fresh = await room.reach(order, "campaign")
    again, repeated = await room.reach(order, "campaign")
    assert fresh and not repeated and one.id == again.id != going_on.id and one.reason == "confirm"
    await desk.close()
