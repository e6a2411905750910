"""Conversations whose journals are removed: their record in FHIR answers for them, as far as it goes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from chat_desk import ADA, ANN, ChatDesk, answer, say, until

from agent.chat.keeping import Keeping
from agent.chat.past_talks import PastTalks
from agent.chat.room import ChatRoom
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.chats import ChatUser, Outreach


async def _removed(desk: ChatDesk, room: ChatRoom) -> None:
    """Thirty days go by."""
    await until(lambda: not room.under_way)
    desk.clock.at += timedelta(days=31)
    await Keeping(PastTalks(desk.journals, desk.clock), desk.clock, timedelta(days=30)).step()
    assert await desk.journals.names("chat/") == []


async def _held(desk: ChatDesk) -> tuple[ChatRoom, str]:
    room = await desk.room()
    one, _ = await room.begin(ANN)
    await until(lambda: room._talks[one.id].diary.unread > 0)
    await say(room, ANN, one.id, "I need to reschedule my appointment")
    await say(room, ANN, one.id, "Eve Bradtke, March 3rd 1982")
    await room.finish(ANN, one.id)
    return room, one.id


async def test_the_record_tells_what_was_said() -> None:
    desk = ChatDesk()
    room, id = await _held(desk)
    before = await room.read(ANN, id)
    said = [
        (e.data["from"], e.data["text"])
        for e in await room.events(ANN, id)
        if e.kind == "message" and e.data["text"]
    ]
    await _removed(desk, room)
    after = await room.read(ANN, id)
    assert (after.id, after.started, after.service) == (id, before.started, "default")
    assert after.ended == "archived" and after.unread == 0
    assert [one.id for one in await room.of_user(ANN)] == [id]
    events = await room.events(ANN, id)
    assert [e.number for e in events] == list(range(1, len(events) + 1)) and after.last == len(events)
    assert [(e.data["from"], e.data["text"]) for e in events[:-1]] == said
    assert events[-1].kind == "ended" and events[-1].data == {"reason": "archived"}
    followed = [event async for lot in room.follow(ANN, id) for event in lot]
    assert followed == list(events)
    assert list(await room.events(ANN, id, limit=2)) == list(events)[:2]
    await desk.close()


async def test_who_goes_on_where_a_removed_one_was_is_told_that_it_is_gone() -> None:
    desk = ChatDesk()
    room, id = await _held(desk)
    await _removed(desk, room)
    for going_on in (room.events(ANN, id, 3), anext(room.follow(ANN, id, 3)), room.rate(ANN, id, 5)):
        with pytest.raises(Refusal, match="no longer kept") as refused:
            await going_on
        assert refused.value.category is Category.GONE
    with pytest.raises(Refusal, match="is over") as refused:
        await room.say(ANN, id, "hello?")
    assert refused.value.category is Category.CONFLICT
    assert (await room.finish(ANN, id)).ended == (await room.see(ANN, id, 2)).ended == "archived"
    again, fresh = await room.begin(ANN)
    assert fresh and again.id != id
    await desk.close()


async def test_a_removed_one_is_still_its_users_alone() -> None:
    desk = ChatDesk()
    room, id = await _held(desk)
    await _removed(desk, room)
    for other in (ADA, ChatUser("default", ANN.key, "Patient/ada"), ChatUser("default", "app:bob")):
        assert await room.of_user(other) == []
        for asked in (room.read(other, id), room.events(other, id), room.events(other, id, 3)):
            with pytest.raises(Refusal, match="no such conversation"):
                await asked
    await desk.close()


async def test_where_the_record_is_gone_too_nothing_is_made_up() -> None:
    desk = ChatDesk()
    room, id = await _held(desk)
    await _removed(desk, room)
    del desk.server.store[f"DocumentReference/{id}-transcript"]
    (ended,) = await room.events(ANN, id)
    assert ended.kind == "ended"
    del desk.server.store[f"Communication/{id}"]
    assert await room.of_user(ANN) == []
    with pytest.raises(Refusal, match="no longer kept"):
        await room.read(ANN, id)
    await desk.close()


async def test_an_order_that_led_to_a_removed_one_is_not_carried_out_again() -> None:
    desk = ChatDesk(outreach_idle=0.2)
    room = await desk.room()
    order = Outreach("order-1", "default", "Patient/ada", "confirm")
    one, fresh = await room.reach(order, "campaign")
    assert fresh
    await _removed(desk, room)
    again, fresh = await room.reach(order, "campaign")
    assert not fresh and again.id == one.id
    await desk.close()


async def test_the_time_counts_from_the_end() -> None:
    desk = ChatDesk()
    room, id = await _held(desk)
    await until(lambda: not room.under_way)
    number = (await room.read(ANN, id)).last
    desk.clock.at += timedelta(days=29)
    await Keeping(PastTalks(desk.journals, desk.clock), desk.clock, timedelta(days=30)).step()
    assert (await room.read(ANN, id)).last == number and (await room.read(ANN, id)).ended == "user"
    assert (await answer(room, ANN, id, number))[-1].kind == "ended"
    await desk.close()
