"""One call's inbox: what the caller, the tools and an operator do comes in any order, and the call goes on."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from practice import EVE, NOW, practice

from agent.call import Call, CallRecord, Event
from agent.channels.script import Script, parse
from agent.channels.terminal import ScriptedLine
from agent.line import WrittenLine
from agent.manner import PLAIN, Manner
from agent.signals import (
    Alarm,
    BargeIn,
    Drafted,
    Emotion,
    HangUp,
    Operator,
    Ringing,
    Signal,
    Spoken,
    Utterance,
)
from agent.tools.client import FhirClient
from fhirserver.kernel.instants import FixedClock


class OpenLine(WrittenLine):
    """A line on which the test speaks whenever it wants, and hears at once what the agent says."""

    in_turns = False

    def __init__(self) -> None:
        self.said: asyncio.Queue[str] = asyncio.Queue()
        self.heard: asyncio.Queue[Signal] = asyncio.Queue()
        self.ended: list[str] = []
        self.stopped = 0
        self.here = True

    async def answered(self) -> bool:
        return self.here

    async def say(self, text: str, turn: int, manner: Manner = PLAIN, shielded: bool = False) -> None:
        self.said.put_nowait(text)

    async def listen(self) -> Signal:
        return await self.heard.get()

    async def stop(self) -> None:
        self.stopped += 1

    async def transfer(self, reason: str) -> None:
        self.ended.append(f"transfer: {reason}")

    async def hang_up(self) -> None:
        self.ended.append("hang up")

    def speak(self, text: str) -> None:
        self.heard.put_nowait(Utterance(NOW, text))


class Held(httpx.AsyncBaseTransport):
    """A server that answers nothing on ``path`` until it may ``go``."""

    def __init__(self, inner: httpx.AsyncBaseTransport, path: str):
        self.inner, self.path = inner, path
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.path in request.url.path:
            self.asked.set()
            await self.go.wait()
        return await self.inner.handle_async_request(request)


class Room:
    """A call under way on an open line."""

    def __init__(
        self,
        ring_seconds: float = 5.0,
        transport: httpx.AsyncBaseTransport | None = None,
        line: OpenLine | None = None,
    ):
        self.server = practice()
        self.line = line or OpenLine()
        self.events: list[Event] = []
        self.client = FhirClient("http://test/fhir", "t", transport or self.server.transport)
        clock = FixedClock(NOW)
        self.call = Call(
            self.client, self.line, EVE, clock=clock, on_event=self.events.append, ring_seconds=ring_seconds
        )
        self.running = asyncio.create_task(self.call.run())

    async def says(self, part: str) -> str:
        """Wait until the agent says something with ``part`` in it."""
        async with asyncio.timeout(5):
            while True:
                text = await self.line.said.get()
                if part.lower() in text.lower():
                    return text

    async def ends(self) -> CallRecord:
        async with asyncio.timeout(5):
            record = await self.running
        await self.client.close()
        return record


async def test_a_caller_may_speak_while_a_tool_runs() -> None:
    slow = Held(practice().transport, "/Slot")
    room = Room(transport=slow)
    await room.says("how can i help")
    room.line.speak("I need to move my appointment")
    await room.says("date of birth")
    room.line.speak("Eve Bradtke, March third nineteen eighty two")
    await room.says("day and time")
    room.line.speak("thursday the third of december in the morning please")
    await asyncio.wait_for(slow.asked.wait(), 5)
    room.line.speak("are you still there?")
    while not any(e.text == "are you still there?" for e in room.events):
        await asyncio.sleep(0.01)
    slow.go.set()
    await room.says("december")
    room.line.heard.put_nowait(HangUp(NOW))
    record = await room.ends()
    assert record.outcome == "hang-up"


async def test_an_operator_takes_over_and_hands_back() -> None:
    room = Room()
    await room.says("how can i help")
    room.call.put(Alarm(NOW, "risk of a caller who is lost"))
    room.call.put(Operator(NOW, "take_over"))
    room.call.put(Utterance(NOW, "are you a person now?"))
    room.call.put(Operator(NOW, "hand_back"))
    await room.says("back with you")
    room.line.heard.put_nowait(HangUp(NOW))
    record = await room.ends()
    assert room.line.stopped == 1
    assert record.quality is not None and record.quality.of("missed-escalations").value == 0
    said = [t.text for t in record.turns if t.speaker == "agent"]
    assert len(said) == 2, "while a person had the call the agent was silent"


async def test_a_caller_who_is_gone_before_the_answer_leaves_a_record() -> None:
    room = Room()
    room.line.here = False
    record = await room.ends()
    assert record.outcome == "hang-up"
    assert not record.turns
    assert room.server.of("Communication")[0]["status"] == "completed"


async def test_the_call_is_answered_though_the_look_up_takes_long() -> None:
    slow = Held(practice().transport, "/Patient")
    room = Room(ring_seconds=0.05, transport=slow)
    await room.says("how can i help")
    assert not slow.go.is_set()
    slow.go.set()
    room.line.heard.put_nowait(HangUp(NOW))
    await room.ends()


async def test_a_hard_escalation_says_its_words_and_transfers() -> None:
    room = Room()
    await room.says("how can i help")
    room.line.speak("I think I'm having a heart attack")
    await room.says("nine one one")
    record = await room.ends()
    assert room.line.ended == ["transfer: emergency words"]
    assert record.outcome == "escalate: emergency words"


async def test_the_transcript_keeps_what_was_heard_and_when() -> None:
    room = Room()
    await room.says("how can i help")
    later = NOW.replace(second=9)
    room.line.heard.put_nowait(Spoken(NOW, 1, later))
    room.line.heard.put_nowait(BargeIn(NOW, "Thank you for calling", 1))
    room.line.heard.put_nowait(Utterance(NOW, "I want to cancel", later, 0.7))
    await room.says("date of birth")
    room.line.heard.put_nowait(HangUp(NOW))
    record = await room.ends()
    assert record.turns[0].text == "Thank you for calling—"
    assert record.turns[0].at == later
    assert record.turns[1].at == later


async def test_feelings_reach_the_timeline() -> None:
    room = Room()
    await room.says("how can i help")
    room.call.put(Emotion(NOW, "frustrated", "full empathy", 0.8, -0.6, -0.2))
    room.line.heard.put_nowait(HangUp(NOW))
    await room.ends()
    told = [e for e in room.events if e.kind == "emotion"]
    assert told and isinstance(told[0].detail, Emotion) and told[0].detail.arousal == 0.8


async def test_a_line_in_turns_is_asked_only_when_nothing_is_under_way() -> None:
    server = practice()
    asked: list[bool] = []

    class Watching(ScriptedLine):
        async def listen(self) -> Signal:
            asked.append(bool(call._running) or not call._inbox.empty())
            return await super().listen()

    clock = FixedClock(NOW)
    script = "I need to cancel my appointment\nEve Bradtke march third nineteen eighty two\nyes\nI'm travelling\nyes"
    client = FhirClient("http://test/fhir", "t", server.transport)
    call = Call(client, Watching(Script(parse(script.splitlines())), clock), EVE, clock=clock)
    await call.run()
    await client.close()
    assert asked and not any(asked)


def test_signals_say_when() -> None:
    assert Ringing(NOW, EVE).medium == "phone"
    assert Drafted(NOW, 1, "Hello.").text == "Hello."


class BreakingLine(OpenLine):
    """A line whose end of the wire is a program that has a fault."""

    async def listen(self) -> Signal:
        signal = await super().listen()
        if isinstance(signal, Utterance) and signal.text == "break":
            raise ValueError("Eve Bradtke said something")
        return signal


async def test_a_line_that_fails_ends_the_call_with_its_record(caplog: pytest.LogCaptureFixture) -> None:
    room = Room(line=BreakingLine())
    await room.says("how can i help")
    room.line.speak("break")
    record = await room.ends()
    assert record.outcome == "hang-up"
    assert record.communication
    assert [r.getMessage() for r in caplog.records if r.name == "credence.call"] == [
        "the line of a call failed: ValueError"
    ]
