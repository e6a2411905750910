"""A chat room against the practice that stands in, with a caller who writes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from fhir_stand_in import StandIn
from practice import NOW, practice

from agent.chat.past_talks import PastTalks
from agent.chat.room import ChatRoom
from agent.chat.talk import Parts
from agent.live.board import LiveBoard
from agent.memory import Setting
from agent.tools.client import FhirClient
from fhirserver.kernel.instants import FixedClock
from fhirserver.ports.chats import ChatEvent, ChatService, ChatUser
from fhirserver.ports.journals import Journals
from fhirserver.storage.memory.journals import MemoryJournals

ANN = ChatUser("default", "app:ann")
ADA = ChatUser("default", "patient:Patient/ada", "Patient/ada")


class ChatDesk:
    """One process after the other over the same journals and the same practice."""

    def __init__(self, journals: Journals | None = None, server: StandIn | None = None, **parts: Any):
        self.journals, self.server = journals or MemoryJournals(), server or practice()
        self.parts, self.rooms, self.most = parts, list[ChatRoom](), 100
        self.setting = Setting(practice="Lakeside", written=True)
        self.clock = FixedClock(NOW)

    async def room(self) -> ChatRoom:
        """Another process."""
        client = FhirClient("http://test/fhir", "t", self.server.transport)
        parts = Parts(client, LiveBoard(), clock=self.clock, **self.parts)
        room = ChatRoom(parts, PastTalks(self.journals, self.clock), self._setting, self.most)
        self.rooms.append(room)
        await room.open()
        return room

    async def _setting(self, service: ChatService) -> Setting:
        return self.setting

    async def close(self) -> None:
        for room in self.rooms:
            await room.close()
            await room.parts.client.close()


async def answer(room: ChatRoom, user: ChatUser, id: str, number: int) -> list[ChatEvent]:
    """The events from a message to the end of its answer."""
    found: list[ChatEvent] = []
    async with asyncio.timeout(20):
        async for lot in room.follow(user, id, number - 1):
            for event in lot:
                found.append(event)
                if event.kind == "ended" or (event.kind == "answered" and event.data["message"] >= number):
                    return found
    return found


async def say(room: ChatRoom, user: ChatUser, id: str, text: str, key: str = "") -> str:
    """What the agent answers."""
    number = await room.say(user, id, text, key)
    return said(await answer(room, user, id, number))


def said(events: list[ChatEvent]) -> str:
    """What the practice's side says in these."""
    return " ".join(e.data["text"] for e in events if e.kind == "message" and e.data["from"] != "user")


async def until(met: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while not met():
            await asyncio.sleep(0.005)
