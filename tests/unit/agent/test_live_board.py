"""The board of live calls: timelines for late readers, escalations in FHIR, and faults that cost the caller nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fhir_stand_in import StandIn
from hypothesis import given
from hypothesis import strategies as st
from practice import ADA, NOW, practice

from agent.call import Call
from agent.live.board import LiveBoard
from agent.live.timeline import Timeline
from agent.memory import Setting
from agent.tools.client import FhirClient
from fhirserver.kernel.json import dumps, loads
from fhirserver.kernel.outcomes import Refusal
from fhirserver.model.validation import validate
from fhirserver.ports.live_calls import LiveEvent
from tests.live_call import HeldLine

_KINDS = st.sampled_from(["caller", "partial", "agent", "tool"])


async def read(timeline: Timeline, after: int = 0) -> list[LiveEvent]:
    return [event async for event in timeline.follow(after)]


@given(st.lists(_KINDS, max_size=40), st.integers(0, 40))
def test_a_late_reader_gets_all_that_lasts_and_at_most_the_latest_unfinished_words(
    kinds: list[str], after: int
) -> None:
    timeline = Timeline()
    for i, kind in enumerate(kinds):
        timeline.add(NOW, kind, str(i))
    timeline.close()
    got = asyncio.run(read(timeline, after))
    lasting = [str(i) for i, kind in enumerate(kinds) if kind != "partial" and i >= after]
    assert [e.text for e in got if e.kind != "partial"] == lasting
    assert [e.id for e in got] == sorted({e.id for e in got})
    assert sum(e.kind == "partial" for e in got) <= 1


def test_memory_is_bounded_and_the_latest_stay() -> None:
    timeline = Timeline(most=5)
    for i in range(20):
        timeline.add(NOW, "tool", str(i))
    timeline.close()
    assert [e.text for e in asyncio.run(read(timeline))] == ["15", "16", "17", "18", "19"]


async def test_a_reader_hears_of_what_happens_while_it_waits() -> None:
    timeline = Timeline()
    reading = asyncio.create_task(read(timeline))
    for text in ("a", "b"):
        await asyncio.sleep(0)
        timeline.add(NOW, "agent", text)
    await asyncio.sleep(0)
    timeline.close()
    assert [e.text for e in await reading] == ["a", "b"]


class Desk:
    """A board with one call on it, against a practice."""

    def __init__(self, **parts: Any):
        self.server: StandIn = practice()
        self.line, self.board = HeldLine(), LiveBoard()
        client = FhirClient("http://test/fhir", "t", self.server.transport)
        self.call = Call(client, self.line, ADA, Setting())
        self.attended = self.board.register(self.call, "c1", **parts)
        self.running = asyncio.create_task(self.board.run(self.attended))

    async def identified(self) -> None:
        await self.line.spoken("Thank you for calling")
        self.line.hear("When is my appointment?")
        await self.line.spoken("full name")
        self.line.hear("Ada Quinn, December twelfth nineteen fifty five")
        await self.line.spoken("Ada")

    async def end(self) -> None:
        self.line.hang_up_now()
        await asyncio.wait_for(self.running, 20)

    def of(self, type: str) -> list[dict[str, Any]]:
        return self.server.of(type)


async def test_a_concern_of_safety_is_flagged_on_the_patient_until_it_is_wrapped_up() -> None:
    desk = Desk()
    await desk.identified()
    desk.line.hear("I'll shoot the doctor")
    await desk.end()
    (flag,) = desk.of("Flag")
    assert (flag["status"], flag["subject"]["reference"]) == ("active", "Patient/ada")
    assert flag["code"]["coding"][0]["code"] == "safety_concern"
    await desk.board.act("c1", "wrap_up", "ana", "Police told.", "resolved")
    (flag,), (task,) = desk.of("Flag"), desk.of("Task")
    assert flag["status"] == "inactive"
    assert flag["period"].keys() == {"start", "end"}
    assert (task["status"], task["for"]["reference"]) == ("completed", "Patient/ada")
    assert task["input"][1]["valueString"] == "A threat: 75 points, turn 6"
    written = [flag, task, *desk.of("AuditEvent")]
    assert [i for r in written for i in validate(loads(dumps(r))) if i.severity == "error"] == []


async def test_what_is_asked_for_otherwise_leaves_no_mark_on_the_patient() -> None:
    desk = Desk()
    await desk.identified()
    desk.line.hear("let me speak to a person")
    await desk.end()
    assert [task["reasonCode"]["coding"][0]["code"] for task in desk.of("Task")] == ["asked"]
    assert desk.of("Flag") == []
    await asyncio.sleep(0)
    assert not [t for t in asyncio.all_tasks() if "Scribe" in str(t)], (
        "nobody waits for what may be written some day"
    )


async def test_a_server_that_takes_nothing_costs_the_caller_nothing() -> None:
    desk = Desk()
    desk.server.faults.append(
        lambda request: (
            httpx.Response(503) if set(request.url.path.split("/")) & {"Task", "AuditEvent"} else None
        )
    )
    desk.attended.scribe.writing.patience = 0.2
    await desk.identified()
    await desk.board.act("c1", "take_over", "ana")
    await desk.board.act("c1", "hand_back", "ana")
    await desk.line.spoken("I'm back")
    await desk.end()
    assert desk.of("Task") == []
    assert desk.attended.scribe.writing.failures.count("Task") == 2


async def test_a_fault_of_the_watch_costs_the_caller_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    monkeypatch.setattr(desk.attended.watch, "see", None)
    await desk.identified()
    await desk.end()
    assert desk.call.memory.patient is not None


class Bridge:
    """A conference that may be out of order."""

    def __init__(self, works: bool = True):
        self.works, self.log = works, []  # type: ignore[var-annotated]

    async def join(self, call: str, operator: str) -> None:
        self.log.append(("join", call, operator))
        if not self.works:
            raise OSError("no line")

    async def leave(self, call: str, operator: str) -> None:
        self.log.append(("leave", call, operator))


async def test_the_operators_voice_is_put_on_the_call_and_off_it() -> None:
    bridge = Bridge()
    desk = Desk(bridge=bridge)
    await desk.identified()
    await desk.board.act("c1", "take_over", "ana")
    await desk.board.act("c1", "hand_back", "ana")
    assert bridge.log == [("join", "c1", "ana"), ("leave", "c1", "ana")]
    await desk.end()


async def test_an_operator_who_ends_the_call_is_off_the_line() -> None:
    bridge = Bridge()
    desk = Desk(bridge=bridge)
    await desk.identified()
    await desk.board.act("c1", "take_over", "ana")
    await desk.board.act("c1", "wrap_up", "ana", "All done.", "resolved")
    await asyncio.wait_for(desk.running, 20)
    assert bridge.log[-1] == ("leave", "c1", "ana")


async def test_an_operator_who_cannot_be_connected_does_not_leave_the_caller_with_nobody() -> None:
    desk = Desk(bridge=Bridge(works=False))
    await desk.identified()
    with pytest.raises(Refusal, match="could not be connected"):
        await desk.board.act("c1", "take_over", "ana")
    await desk.line.spoken("I'm back")
    assert desk.board.calls()[0].holder == ""
    await desk.end()


class Ear:
    async def listen(self) -> AsyncIterator[bytes]:
        yield b"\x01\x00\x02\x00"


async def test_the_sound_is_a_stereo_wav_without_end() -> None:
    desk = Desk(ear=Ear())
    await desk.identified()
    chunks = [chunk async for chunk in desk.board.audio("c1")]
    assert chunks[0][:4] + chunks[0][8:16] == b"RIFFWAVEfmt "
    assert len(chunks[0]) == 44
    assert chunks[0][22:28] == (2).to_bytes(2, "little") + (8000).to_bytes(4, "little")
    assert chunks[1] == b"\x01\x00\x02\x00"
    assert desk.board.calls()[0].hears
    await desk.end()


async def test_the_most_pressing_call_comes_first() -> None:
    calm, asked, danger = Desk(), Desk(), Desk()
    for name, desk in (("calm", calm), ("asked", asked), ("danger", danger)):
        await desk.identified()
        desk.attended.id = name
    asked.attended.request("the caller asked for a person", asked.attended.now)
    danger.attended.request("threat words", danger.attended.now)
    board = LiveBoard()
    board._calls = {d.attended.id: d.attended for d in (calm, asked, danger)}
    assert [call.id for call in board.calls()] == ["danger", "asked", "calm"]
    for desk in (calm, asked, danger):
        await desk.end()
