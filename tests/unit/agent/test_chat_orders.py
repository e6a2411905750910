"""A conversation that is ordered begins once, and is never told to have begun where it has not, whatever dies."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

import pytest
from chat_desk import ADA, ChatDesk, said, say, until

from agent.chat.past_talks import PastTalks
from agent.chat.room import ChatRoom
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.chats import ChatUser, Outreach
from fhirserver.storage.memory.journals import MemoryJournals


class Dead(Exception):
    """The process is."""


class Mortal(MemoryJournals):
    """The process dies at its write number ``dies``, before it is done or (``after``) right behind it: from then on
    nothing more is written."""

    def __init__(self, kept: MemoryJournals, dies: int, after: bool):
        self._journals, self._dies, self._after, self.writes = kept._journals, dies, after, 0

    def _step(self) -> bool:
        """Whether this write is still done."""
        self.writes += 1
        return self.writes < self._dies or (self._after and self.writes == self._dies)

    async def append(self, name: str, after: int, values: Sequence[JsonObject]) -> bool:
        done = await super().append(name, after, values) if self._step() else False
        if self.writes >= self._dies:
            raise Dead
        return done

    async def remove(self, name: str) -> None:
        if self._step():
            await super().remove(name)
        if self.writes >= self._dies:
            raise Dead


def order(number: int = 1) -> Outreach:
    return Outreach(f"order-{number}", "default", "Patient/ada", "confirm", request="CommunicationRequest/1")


async def words(room: ChatRoom) -> list[str]:
    """What was said first in each conversation of the patient."""
    found = []
    for one in await room.of_user(ADA):
        await until(lambda id=one.id: room._talks[id].diary.unread > 0)
        found.append(said(list(await room.events(ADA, one.id))))
    return found


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("dies", range(1, 9))
async def test_the_process_dies_at_each_step_of_an_order(dies: int, after: bool) -> None:
    kept = MemoryJournals()
    first = ChatDesk(Mortal(kept, dies, after))
    with contextlib.suppress(Dead):
        await (await first.room()).reach(order(), "campaign")
    for room in first.rooms:
        for task in room._tasks.values():
            task.cancel()
    desk = ChatDesk(kept, first.server)
    room = await desk.room()
    before = await room.ordered("order-1")
    assert len(await room.of_user(ADA)) == (1 if before else 0), "what is told is what there is"
    if before:
        one, fresh = await room.reach(order(), "campaign")
        assert one.id == before and not fresh
    else:
        _, fresh = await room.reach(order(2), "campaign")
        assert fresh
    (told,) = await words(room)
    assert told.count("appointment") == 1, "the patient is told once"
    assert len(await PastTalks(kept, desk.clock).under_way()) == 1, "nothing is left behind"
    await desk.close()


async def test_an_order_while_the_patient_is_in_another_conversation_is_refused_and_tells_nothing() -> None:
    desk = ChatDesk()
    room = await desk.room()
    one, _ = await room.begin(ADA)
    with pytest.raises(Refusal) as refused:
        await room.reach(order(), "campaign")
    assert refused.value.category is Category.CONFLICT
    assert await room.ordered("order-1") == ""
    await room.finish(ADA, one.id)
    made, fresh = await room.reach(order(), "campaign")
    assert fresh and await room.ordered("order-1") == made.id
    await desk.close()


async def test_an_order_has_words_of_its_own() -> None:
    desk = ChatDesk()
    room = await desk.room()
    await room.reach(replace(order(), words="Lakeside: su cita es el jueves. Responda SI."), "campaign")
    (told,) = await words(room)
    assert "su cita es el jueves" in told and "appointment" not in told
    await desk.close()


async def test_an_order_that_could_not_be_noted_is_known_nevertheless() -> None:
    kept = MemoryJournals()
    desk = ChatDesk(kept)
    room = await desk.room()

    async def full(name: str, id: str) -> bool:
        raise OSError("the disk is full")

    note, room._past.carry_out = room._past.carry_out, full
    with pytest.raises(OSError, match="full"):
        await room.reach(order(), "campaign")
    room._past.carry_out = note
    assert await room.ordered("order-1")
    one, fresh = await room.reach(order(), "campaign")
    assert fresh and one.id == await room.ordered("order-1")
    assert len(await room.of_user(ADA)) == 1
    await desk.close()


async def test_a_yes_in_spanish_is_noted_and_answered_in_spanish() -> None:
    desk = ChatDesk()
    room = await desk.room()
    eve = ChatUser("default", "patient:Patient/eve", "Patient/eve")
    one, _ = await room.reach(Outreach("order-1", "default", "Patient/eve", "confirm"), "campaign")
    await until(lambda: room._talks[one.id].diary.unread > 0)
    assert "Will you be there" in said(list(await room.events(eve, one.id)))
    assert "he anotado que vendrá" in await say(room, eve, one.id, "Sí, ahí estaré")
    assert "Que tenga un buen día" in await say(room, eve, one.id, "no, gracias")
    await desk.close()


async def test_what_is_more_than_a_yes_waits_for_a_person() -> None:
    desk = ChatDesk()
    room = await desk.room()
    one, _ = await room.reach(order(), "campaign")
    await words(room)
    assert "se comunicará con usted" in await say(room, ADA, one.id, "quiero cambiar mi cita, por favor")
    assert (await room.read(ADA, one.id)).state == "waiting"
    await desk.close()
