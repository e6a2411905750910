"""A persona who chats: what it does as messages, pictures and new connections of a user of ``/chat``."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agent.channels.chat_client import ChatClient, ChatLost, ChatRefused
from agent.evaluation.cards import photo
from agent.evaluation.persona import Act, Persona
from agent.evaluation.scenario import InvalidScenario

_MOST_TURNS = 60
_SILENT = 1.0
"""Seconds that a persona who has nothing to say waits for more."""


@dataclass
class _Device:
    """One of the user's devices: a client that follows the conversation. ``numbers`` are those of its events."""

    client: ChatClient
    numbers: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    task: asyncio.Task[None] | None = None


class PersonaInChat:
    """Holds one conversation to its end. ``connect`` makes a client of the same user; ``failure`` says what went wrong
    with the conversation itself: events that were lost, came twice, or differ between devices."""

    def __init__(self, persona: Persona, connect: Callable[[], ChatClient]):
        self.persona, self._connect = persona, connect
        self.turns = 0
        self.failure = ""
        self._devices: list[_Device] = []
        self._now = 0
        self._heard: list[str] = []
        self._changed = asyncio.Event()
        self._sent, self._answered, self._seen, self._greeted = 0, -1, 0, False
        self.ended = False

    async def run(self) -> None:
        """From the first word to the end; leaves when the persona hangs up."""
        try:
            await self._device(0)
            await self._until(lambda: self._greeted)
            while not self.ended and self.turns < _MOST_TURNS:
                said, self._heard = " ".join(self._heard), []
                self.turns += 1
                if not await self._all(self._reply(said)):
                    break
            if not self.ended:
                await self._here.finish()
            await self._until(lambda: self.ended)
        except (ChatRefused, ChatLost) as error:
            self.failure = self.failure or f"the conversation broke: {error}"
        finally:
            await self._leave()
        self._compare()

    def _reply(self, said: str) -> list[Act]:
        try:
            return self.persona.reply(said)
        except InvalidScenario as error:
            self.failure = str(error)
            return [Act("hangup")]

    async def _all(self, acts: list[Act]) -> bool:
        """Do them, then wait for the answer; False where the persona leaves."""
        for act in acts:
            if self.ended or act.kind == "hangup":
                return False
            await self._act(act)
        if acts and acts[-1].kind == "silence":
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SILENT):
                    await self._until(lambda: bool(self._heard))
            return bool(self._heard)
        await self._until(lambda: self._answered >= self._sent)
        return True

    async def _act(self, act: Act) -> None:
        if act.kind == "say":
            self._sent = self._seen + 1
            await self._here.send(act.text)
        elif act.kind == "card":
            printed = self.persona.facts.printed
            self._sent = self._seen + 1
            await self._here.attach(photo(printed, self.persona.scenario.name), "image/jpeg", "card.jpg")
        elif act.kind == "device":
            await self._device(int(act.text or 1) - 1)
        elif act.kind == "resume":
            device = self._devices[self._now]
            await self._stop(device)
            self._devices[self._now] = await self._begin()

    @property
    def _here(self) -> ChatClient:
        return self._devices[self._now].client

    async def _device(self, place: int) -> None:
        while len(self._devices) <= place:
            self._devices.append(await self._begin())
        self._now = place

    async def _begin(self) -> _Device:
        device = _Device(self._connect())
        await device.client.begin()
        device.task = asyncio.create_task(self._follow(device))
        return device

    async def _follow(self, device: _Device) -> None:
        try:
            async for event in device.client.events():
                device.numbers.append(int(event["number"]))
                self._see(device, event)
        except (ChatRefused, ChatLost) as error:
            self.failure = self.failure or f"the events broke: {error}"
            self.ended = True
        self._changed.set()

    def _see(self, device: _Device, event: dict[str, Any]) -> None:
        kind, first = event["kind"], event["number"] > self._seen
        if kind == "message":
            device.texts.append(str(event["text"]))
        if not first:
            return
        self._seen = int(event["number"])
        if kind == "message" and event["from"] != "user":
            self._heard.append(str(event["text"]))
            self._greeted = True
        elif kind == "answered":
            self._answered = int(event["message"])
        elif kind == "state" and event["state"] == "waiting":
            self._answered = self._seen
        elif kind == "ended":
            self.ended = True
        self._changed.set()

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds() and not self.ended:
            self._changed.clear()
            await self._changed.wait()

    async def _stop(self, device: _Device) -> None:
        if device.task is not None:
            device.task.cancel()
            await asyncio.gather(device.task, return_exceptions=True)
        await device.client.close()

    async def _leave(self) -> None:
        for device in self._devices:
            if device.task is not None and self.ended:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(device.task), 10)
            await self._stop(device)

    def _compare(self) -> None:
        for device in self._devices:
            if device.numbers != list(range(1, len(device.numbers) + 1)):
                self.failure = self.failure or "events were lost, or came twice"
        if len({tuple(device.texts) for device in self._devices}) > 1:
            self.failure = self.failure or "two devices saw different conversations"
