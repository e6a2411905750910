"""One conversation that is under way: a call whose line is text and whose journal is a diary."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from agent.brain import Brain
from agent.call import Call, Model
from agent.chat.beginning import Beginning
from agent.chat.chat_line import ChatLine, Written
from agent.chat.codec import kept, signal_of
from agent.chat.diary import Diary, Lost, Told, started_of
from agent.chat.telling import Telling
from agent.effects import Effect, RunTool
from agent.kept_call import Past
from agent.live.board import LiveBoard
from agent.memory import Setting
from agent.signals import UNREAD, HangUp, Signal, Utterance
from agent.tools.client import FhirClient
from fhirserver.kernel.instants import Clock, SystemClock
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.chats import Conversation

log = logging.getLogger("credence.chat")


@dataclass
class Parts:
    """What conversations of one process share. ``idle``: seconds after which one is over, ``outreach_idle`` where the
    user has not written yet. ``think`` makes a brain; None: the policy."""

    client: FhirClient
    board: LiveBoard
    idle: float = 1800.0
    outreach_idle: float = 3 * 86400.0
    ring_seconds: float = 2.0
    clock: Clock = field(default_factory=SystemClock)
    model: Model | None = None
    think: Callable[[Setting, Beginning], Brain | None] = lambda setting, beginning: None


class Talk:
    """Drives one conversation from its first entry, or from where another process has left it."""

    def __init__(self, parts: Parts, id: str, diary: Diary, entries: Sequence[JsonObject], begun: Beginning):
        self.id, self.diary, self.begun = id, diary, begun
        self._parts, self._why = parts, ""
        self.started = started_of(entries)
        self.line = ChatLine(parts.clock, self._patience(entries))
        self._answering = 0
        self._past(entries)
        self.call = Call(
            parts.client,
            self.line,
            begun.phone,
            begun.setting,
            parts.clock,
            medium="WRITTEN",
            brain=parts.think(begun.setting, begun),
            model=parts.model,
            ring_seconds=parts.ring_seconds,
            title=begun.title,
            stays=True,
            id=id,
            journal=self,
            past=Past(self.started, self._signals, self._opened),
        )
        self._telling = Telling(self.call.session)
        turn, texts = untold(entries)
        if texts:
            self._telling.reopen(turn, texts)
        self.attended = parts.board.register(self.call, id)

    def _past(self, entries: Sequence[JsonObject]) -> None:
        """What was kept: the signals, and the messages that nobody has taken yet."""
        self._signals = [signal_of(entry["s"]) for entry in entries if "s" in entry]
        self._opened = any("o" in entry for entry in entries)
        taken = {entry["m"] for entry in entries if "m" in entry}
        for entry in entries:
            if "w" in entry and entry["n"] not in taken:
                self.line.write(
                    Written(entry["n"], entry["w"], float(entry.get("c", 1.0)), entry.get("p", ""))
                )
        answered = [
            event[1]["message"] for entry in entries for event in entry["e"] if event[0] == "answered"
        ]
        self.line.taken = max(taken, default=0)
        if self.line.taken > max(answered, default=0):
            self._answering = self.line.taken

    def _patience(self, entries: Sequence[JsonObject]) -> float:
        written = any("w" in entry for entry in entries)
        return self._parts.idle if written or not self.begun.order else self._parts.outreach_idle

    async def run(self) -> None:
        """To the end and the record. Raises :class:`Lost` where another process has gone on with it."""
        await self._parts.board.run(self.attended)
        for type in self.call.keeper.failures:
            log.error("of a conversation the %s could not be written", type)
        await self.diary.add(r=True)

    # what the user does

    async def say(self, text: str, key: str = "") -> int:
        """Take a message; the number of its event."""
        told = ("message", {"from": "user", "text": text})
        number, fresh = await self.diary.add_once(key, text, told, w=text)
        if fresh:
            self._written(Written(number, text))
        return number

    async def show(self, told: JsonObject, said: str, confidence: float, key: str) -> int:
        """Take an attachment, of which ``said`` is what the user says by it; empty where it could not be read."""
        picture, words = told["reference"], said or UNREAD
        more = {"w": words, "c": confidence, "p": picture}
        number, fresh = await self.diary.add_once(key, picture, ("attachment", told), **more)
        if fresh:
            self._written(Written(number, words, confidence, picture))
        return number

    def _written(self, message: Written) -> None:
        self.line.idle = self._parts.idle
        self.line.write(message)

    async def greeted(self, seconds: float) -> None:
        """Return when the user has something to read, or it takes too long."""
        with contextlib.suppress(TimeoutError, Lost):
            async with asyncio.timeout(seconds):
                async for _ in self.diary.follow(0):
                    if self.diary.unread:
                        return

    def finish(self, why: str) -> None:
        """End it."""
        self._why = self._why or why
        self.call.put(HangUp(self._parts.clock.now()))

    def conversation(self) -> Conversation:
        """How it is now."""
        return conversation_of(self.id, self.begun, self.diary, self.started)

    # agent.kept_call.Journal

    async def keep(self, signal: Signal, effects: Sequence[Effect]) -> None:
        events = self._telling.of(signal, effects)
        more: JsonObject = {"s": kept(signal)}
        if isinstance(signal, Utterance):
            self._answering = more["m"] = self.line.taken
        if self.diary.ended:
            events = []  # nothing is told after the end; what is written then is
        elif self.call.session.over:
            events += [*self._all_said(), ("ended", {"reason": self._reason()})]
        elif self.call.idle and not any(isinstance(effect, RunTool) for effect in effects):
            events += self._all_said()
        elif not self._telling.goes_on(signal):
            events += self._whole()
        await self.diary.add(*events, **more)

    async def opened(self, communication: str) -> None:
        await self.diary.add(o=communication)

    async def quiet(self) -> None:
        events = self._all_said()
        if events and not self.diary.ended:
            await self.diary.add(*events)

    def _all_said(self) -> list[Told]:
        events = self._whole()
        self._telling.done()
        if self._answering:
            events.append(("answered", {"message": self._answering}))
            self._answering = 0
        return events

    def _whole(self) -> list[Told]:
        return self._telling.whole()

    def _reason(self) -> str:
        over = self.call.session.over
        if over == "hang-up":
            return "idle" if self.line.timed_out else self._why or "user"
        return "operator" if over == "end: operator" else "agent"


def conversation_of(id: str, begun: Beginning, diary: Diary, started: datetime) -> Conversation:
    """How a conversation is, from its diary."""
    reason = begun.errand.purpose if begun.errand else ""
    return Conversation(
        id, begun.service, begun.title, started,
        diary.state, diary.ended, diary.last, diary.unread, diary.stars, reason,
    )  # fmt: skip


def untold(entries: Sequence[JsonObject]) -> tuple[int, list[str]]:
    """The words of the last turn that were told without the message that they make."""
    turn, texts = 0, list[str]()
    for entry in entries:
        for kind, data in entry["e"]:
            if kind == "token":
                text = "".join(data["texts"])
                texts = [*texts, text.strip()] if data["turn"] == turn and texts else [text]
                turn = data["turn"]
            elif kind == "message" and data.get("turn") == turn:
                texts = []
    return turn, texts
