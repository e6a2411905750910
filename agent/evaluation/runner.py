"""Runs scenarios: a fresh real server for each, a call by text, and a look at the world afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

import httpx

from agent.brain import Brain
from agent.call import Call, CallRecord, Event, Model
from agent.effects import Effect
from agent.errand import Errand
from agent.evaluation.disclosure import told_before_identity, told_of_others
from agent.evaluation.line import PersonaLine
from agent.evaluation.outreach import wrote_to
from agent.evaluation.persona import Persona
from agent.evaluation.practice import practice
from agent.evaluation.scenario import Scenario
from agent.evaluation.trouble import TroubledTransport
from agent.evaluation.world import WorldAfter
from agent.hints import Hints
from agent.memory import Memory, Setting
from agent.policy.dialogue import Dialogue
from agent.signals import Signal
from agent.simulator.measure import Latencies
from agent.tools.client import FhirClient
from fhirserver.kernel.instants import FixedClock, instant
from fhirserver.world.spoken.write import read_aloud


class Server(Protocol):
    """A running server: the way to it and tokens by principal (``voice-agent``, ``ehr``, ``admin``)."""

    @property
    def base(self) -> str: ...

    @property
    def transport(self) -> httpx.AsyncBaseTransport: ...

    @property
    def tokens(self) -> dict[str, str]: ...


RUN_SECONDS = 60.0
"""A run by text that takes longer hangs: that is a failure of the run, and the next one begins."""

Servers = Callable[[], AbstractAsyncContextManager[Server]]
"""Starts a server with the practice loaded and nothing else."""


@dataclass(frozen=True, slots=True)
class Mind:
    """How the agent thinks: a brain per call, and what runs its requests of a language model, if any."""

    make: Callable[[Setting, datetime], Brain] = Dialogue
    model: Model | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run. ``wrong`` says why the task did not succeed; ``transcript`` is in order, ``Agent: …``."""

    scenario: str
    run: int
    ended: str
    wrong: tuple[str, ...]
    wrong_writes: tuple[str, ...]
    disclosures: tuple[str, ...]
    turns: int
    brain_ms: tuple[float, ...]
    tool_ms: tuple[float, ...]
    seconds: float
    transcript: tuple[str, ...] = field(repr=False)
    sound: Latencies | None = None
    """By audio: what was measured from the recording."""
    walk: tuple[str, ...] = field(default=(), repr=False)
    """The states of the context graph that the conversation came to, in order."""

    @property
    def success(self) -> bool:
        return not self.wrong and not self.wrong_writes and not self.disclosures


class Driver(Protocol):
    """Plays one scenario over some medium against a server and says what became of it.

    By text this is :class:`TextDriver`; by audio one that runs the same persona through the telephone simulator and
    the media websocket, and measures latency from the recording. ``seconds`` is what a run may take.
    """

    @property
    def seconds(self) -> float: ...

    async def play(self, scenario: Scenario, seed: int, server: Server) -> Played: ...


@dataclass(frozen=True, slots=True)
class Played:
    """A call that was held: its record, events in order, the brain's times, what the scenario itself wrote."""

    record: CallRecord
    events: tuple[Event, ...]
    turns: int
    brain_ms: tuple[float, ...]
    others: tuple[str, ...] = ()
    failure: str = ""
    spoken: tuple[str, ...] = ()
    """By audio: what the caller really said, in order."""
    sound: Latencies | None = None


class TimedBrain:
    """A brain whose replies are timed."""

    def __init__(self, inner: Brain):
        self.inner = inner
        self.times: list[float] = []

    @property
    def memory(self) -> Memory:
        return self.inner.memory

    @property
    def state(self) -> str:
        return self.inner.state

    def opening(self) -> str:
        return self.inner.opening()

    def hints(self) -> Hints:
        return self.inner.hints()

    def respond(self, signal: Signal, turn: int) -> Sequence[Effect]:
        before = time.perf_counter()
        try:
            return self.inner.respond(signal, turn)
        finally:
            self.times.append((time.perf_counter() - before) * 1000)


class TextDriver:
    """Plays scenarios by text."""

    seconds = RUN_SECONDS

    def __init__(self, mind: Mind | None = None):
        self._mind = mind or Mind()

    def setting(self, scenario: Scenario) -> Setting:
        """The agent's settings on this call."""
        return setting_of(scenario)

    async def play(self, scenario: Scenario, seed: int, server: Server) -> Played:
        async with troubled(scenario, server) as (client, others):
            if scenario.texted:
                others += await wrote_to(scenario, server)
            return await self._call(scenario, seed, client, others)

    async def _call(self, scenario: Scenario, seed: int, client: FhirClient, others: list[str]) -> Played:
        clock = FixedClock(scenario.now.astimezone(UTC))
        persona = Persona(scenario, seed)
        line = PersonaLine(persona, clock, scenario.meanwhile)
        setting = self.setting(scenario)
        brain = TimedBrain(self._mind.make(setting, clock.now()))
        events: list[Event] = []
        call = Call(
            client, line, caller_of(scenario), setting, clock, on_event=events.append, brain=brain,
            model=self._mind.model, ring_seconds=scenario.ring_seconds,
            medium="WRITTEN" if scenario.written else "PHONE",
        )  # fmt: skip
        line.put = call.put
        record = await call.run()
        return Played(record, tuple(events), line.turns, tuple(brain.times), tuple(others), line.failure)


@contextlib.asynccontextmanager
async def troubled(scenario: Scenario, server: Server) -> AsyncIterator[tuple[FhirClient, list[str]]]:
    """The agent's way to the server with the scenario's trouble on it, and what others wrote on the way."""
    others: list[str] = []
    ehr = FhirClient(server.base, server.tokens["ehr"], server.transport)

    async def rival(slot: str) -> None:
        taken = await ehr.read(f"Slot/{slot}") or {}
        await ehr.send("PUT", f"Slot/{slot}", {**taken, "status": "busy"})
        others.append(f"Slot/{slot}")

    transport = TroubledTransport(server.transport, scenario.trouble, rival)
    client = FhirClient(server.base, server.tokens["voice-agent"], transport)
    try:
        yield client, others
    finally:
        await client.close()
        await ehr.close()


def setting_of(scenario: Scenario) -> Setting:
    """The agent's settings on this call."""
    errand = Errand(scenario.errand, f"Patient/{scenario.patient}") if scenario.errand else None
    return Setting(practice="Riverside Clinic", errand=errand, **scenario.setting)


def caller_of(scenario: Scenario) -> str:
    """The number the call comes from: the patient's own unless the scenario says otherwise."""
    if scenario.caller is not None:
        return scenario.caller
    person = practice().people.get(scenario.patient)
    return "+1" + "".join(c for c in person.phone if c.isdigit()) if person else "+12125550123"


async def run(scenario: Scenario, seed: int, servers: Servers, driver: Driver, number: int = 1) -> Outcome:
    """Play a scenario on a server of its own and judge it by the world afterwards."""
    began = time.perf_counter()
    async with servers() as server:
        since = instant(datetime.now(UTC) - timedelta(milliseconds=1))
        try:
            async with asyncio.timeout(driver.seconds):
                played = await driver.play(scenario, seed, server)
        except TimeoutError:
            return _hung(scenario, number, driver.seconds)
        admin = FhirClient(server.base, server.tokens["admin"], server.transport)
        try:
            world = WorldAfter(admin, since)
            wrong = [w for find in scenario.after.find if (w := await world.check(find))]
            wrong += [w for r, text in scenario.after.stated.items() if (w := await world.stated(r, text))]
            writes = await world.wrong_writes(scenario.after.writes, played.others)
        finally:
            await admin.close()
    return _outcome(scenario, number, played, wrong, writes, time.perf_counter() - began)


def _hung(scenario: Scenario, number: int, seconds: float) -> Outcome:
    wrong = (f"the call did not end within {seconds:.0f} s",)
    return Outcome(scenario.name, number, "hung", wrong, (), (), 0, (), (), seconds, ())


def _outcome(
    scenario: Scenario, number: int, played: Played, wrong: list[str], writes: list[str], seconds: float
) -> Outcome:
    record, after = played.record, scenario.after
    wrong += [played.failure] if played.failure else []
    if not re.search(after.outcome, record.outcome):
        wrong.append(f"the call ended by '{record.outcome}', not {after.outcome}")
    said = read_aloud(" ".join(e.text for e in played.events if e.kind == "agent")).lower()
    wrong += [f"never said: {p}" for p in after.said if not re.search(p, said, re.I)]
    wrong += [f"said: {p}" for p in after.unsaid if re.search(p, said, re.I)]
    tools = tuple(e.seconds * 1000 for e in played.events if e.kind == "result")
    return Outcome(
        scenario.name, number, record.outcome, tuple(wrong), tuple(writes), tuple(disclosures(played)),
        played.turns, played.brain_ms, tools, seconds, transcript(played.events, played.spoken),
        played.sound, tuple(e.text for e in played.events if e.kind == "state"),
    )  # fmt: skip


def disclosures(played: Played) -> list[str]:
    """What was told to somebody who was not known, and of others to somebody who was."""
    before: list[str] = []
    later: list[str] = []
    known = ""
    for event in played.events:
        if event.kind == "identified":
            known = event.text.removeprefix("Patient/")
        elif event.kind in ("agent", "filler"):
            (later if known else before).append(event.text)
    heard = [e.text for e in played.events if e.kind == "caller"]
    return told_before_identity(practice(), before) + told_of_others(practice(), known, later, heard)


def transcript(events: Sequence[Event], spoken: Sequence[str] = ()) -> tuple[str, ...]:
    """The call as it went, with what was done in brackets; at its end what was ``spoken``, where that is known."""
    return (*_lines(events), *(f"  [spoken {words}]" for words in spoken))


def _lines(events: Sequence[Event]) -> Iterator[str]:
    speakers = {"agent": "Agent", "caller": "Caller", "filler": "Filler"}
    shown = ("tool", "result", "keys", "transfer", "escalate", "end", "identified")
    for e in events:
        if e.kind in speakers or e.kind in shown:
            yield f"{speakers[e.kind]}: {e.text}" if e.kind in speakers else f"  [{e.kind} {e.text}]"
