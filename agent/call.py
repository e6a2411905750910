"""One call from ringing to its record: the session core, the tools, and a line to speak on.

Everything that happens comes through one inbox, in the order in which it happened: what the caller does, what tools
answer, what an operator does, how the voice sounds. So the caller may speak while a tool runs, and a tool may
answer while the agent speaks.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime

from agent.brain import Brain
from agent.call_events import Event, OnEvent
from agent.call_record import CallRecord, Keeper
from agent.effects import Effect, End, Escalate, Filler, RunTool, Say, Transfer
from agent.insisting import Insisting
from agent.kept_call import Journal, Past
from agent.line import Line
from agent.manner import Manner, manner_of
from agent.memory import Memory, Setting
from agent.model import Model
from agent.policy.dialogue import Dialogue
from agent.requests import Request
from agent.results import Failed, Result
from agent.session import Session
from agent.signals import (
    Alarm,
    Answered,
    AnsweredBy,
    Drafted,
    Emotion,
    HangUp,
    Keys,
    Operator,
    Partial,
    Ringing,
    Signal,
    Speakers,
    ToolResult,
    Utterance,
)
from agent.tools.client import FhirClient
from agent.tools.toolbox import Toolbox
from fhirserver.kernel.instants import Clock, SystemClock

__all__ = ["Call", "CallRecord", "Event", "Line", "Model", "OnEvent"]

log = logging.getLogger("credence.call")

_PATIENCE = 20.0
"""Seconds after the end of a call within which tools that still run are waited for."""


@dataclass
class Call:
    """Drives one session over one line. ``medium`` is PHONE, WRITTEN or SMSWRIT (v3 ParticipationMode).

    ``notice`` is said before the greeting (that the call is recorded). ``ring_seconds``: how long the look-ups may
    take before the call is answered without them. ``stays``: see :class:`~agent.session.Session`; ``id`` and
    ``carried``: see :class:`~agent.call_record.Keeper`. ``past`` is what another process has kept of this call in its
    ``journal``.
    """

    client: FhirClient
    line: Line
    caller: str
    setting: Setting = field(default_factory=Setting)
    clock: Clock = field(default_factory=SystemClock)
    medium: str = "PHONE"
    on_event: OnEvent | None = None
    brain: Brain | None = None
    model: Model | None = None
    ring_seconds: float = 5.0
    title: str = "Inbound call"
    notice: str = ""
    stays: bool = False
    id: str = ""
    carried: str = ""
    journal: Journal | None = None
    past: Past | None = None
    insisting: Insisting = field(default_factory=Insisting)

    def __post_init__(self) -> None:
        self.started = self.past.started if self.past else self.clock.now()
        self.mind: Brain = self.brain or Dialogue(self.setting, self.started)
        self.session = Session(self.mind, self.notice, self.stays)
        self.unreached = ""
        """Why nobody was reached by a call out: Twilio's status of the call, or what kept it from being made."""
        self.tools = Toolbox(
            self.client, self.clock, self.setting.zone, rules=self.setting.rules, insisting=self.insisting
        )
        self.signals: list[Signal] = []
        self.keeper = Keeper(
            self.client, self.tools, self.clock, self.mind.memory,
            self.caller, self.medium, self.started, self.title, self.id, self.carried,
        )  # fmt: skip
        self._inbox: asyncio.Queue[Signal] = asyncio.Queue()
        self._quiet = asyncio.Event()
        self._running: dict[int, asyncio.Task[None]] = {}
        self._opened: asyncio.Task[None] | None = None
        self._state = ""
        self._walked = 0
        self._known = ""
        self._escalated = False
        self.replaying = False
        """Whether what another process has kept is being taken once more."""

    @property
    def memory(self) -> Memory:
        return self.mind.memory

    @property
    def written(self) -> list[str]:
        """References of everything the call wrote."""
        return self.keeper.written

    def put(self, signal: Signal) -> None:
        """Tell the call of something that happened: an operator's act, how the voice sounds."""
        self._inbox.put_nowait(signal)

    async def run(self) -> CallRecord:
        """From ringing to the record."""
        self._tell("ringing", self.caller or "number withheld", at=self.started)
        again = self._replay()
        self._opened = asyncio.create_task(self._open())
        listening: asyncio.Task[None] | None = None
        try:
            for effect in again:
                self._begin(effect, again=True)
            if self._is_answered or await self._ring():
                if not self._is_answered:
                    await self._take(Answered(self.clock.now()))
                listening = asyncio.create_task(self._listen())
                while not self.session.over:
                    await self._take(await self._next())
            return await self._leave(listening)
        finally:
            for task in (listening, self._opened, *self._running.values()):
                if task is not None:
                    task.cancel()

    @property
    def _is_answered(self) -> bool:
        return any(isinstance(one, Answered) for one in self.signals)

    async def _open(self) -> None:
        """Put the call on record, where that was not done."""
        if self.past is not None and self.past.opened:
            self.keeper.reopen()
            return
        await self.keeper.open()
        if self.journal is not None and self.keeper.communication:
            await self.journal.opened(self.keeper.communication)

    def _replay(self) -> list[RunTool]:
        """Take once more what was taken before; nothing is said of it. The tools whose results were never kept."""
        running: dict[int, RunTool] = {}
        self.replaying = True
        for signal in self.past.signals if self.past else ():
            self.signals.append(signal)
            effects = self.session.handle(signal)
            self._tell_signal(signal)
            self._tell_identified(signal.at)
            if isinstance(signal, ToolResult):
                running.pop(signal.id, None)
                self.tools.remember(signal.result)
                self.written.extend(filter(None, [getattr(signal.result, "reference", "")]))
            for effect in effects:
                self._tell_effect(effect, signal.at)
                if isinstance(effect, RunTool):
                    running[effect.id] = effect
                self._escalated = self._escalated or isinstance(effect, Escalate)
        self._state = self.mind.state if self.signals else ""
        self._walked = len(self.memory.walked)
        self.replaying = False
        if self.signals:
            self._tell("resumed", "")
        return list(running.values())

    async def _ring(self) -> bool:
        """Look the caller up; answer when that is done or has taken its time. False when nobody is left."""
        if not self.signals:
            await self._take(
                Ringing(self.clock.now(), self.caller, "phone" if self.medium == "PHONE" else "written")
            )
        preparing = asyncio.create_task(self.line.prepare(f"{self.notice} {self.mind.opening()}".strip()))
        until = asyncio.get_running_loop().time() + self.ring_seconds
        if not await self._settle(until):
            self._tell("record", "answered before the look-ups were done")
        await asyncio.wait({preparing}, timeout=max(until - asyncio.get_running_loop().time(), 0.05))
        if await self.line.answered():
            return True
        await self._take(HangUp(self.clock.now()))
        return False

    async def _leave(self, listening: asyncio.Task[None] | None) -> CallRecord:
        """The conversation is over: let what was said be heard, give up the line, write the record."""
        await self._part()
        if listening is not None and not listening.done():
            listening.cancel()
        while not self._inbox.empty():  # how much was heard of the last words
            await self._take(self._inbox.get_nowait())
        if not any(isinstance(s, HangUp) for s in self.signals):
            await self._take(HangUp(self.clock.now()))
        if not await self._settle(asyncio.get_running_loop().time() + _PATIENCE):
            self._tell("record", "a tool did not answer in time")
        if self._opened is not None:
            await self._opened
        turns = tuple(self.session.transcript.turns)
        self.keeper.sound, self.keeper.began = self.line.sounds(), self.line.began
        self.keeper.missed = int(self._missed())
        if self.unreached:
            record = await self.keeper.unreached(self.unreached, tuple(self.signals))
        else:
            record = await self.keeper.close(turns, self.session.over or "finished", tuple(self.signals))
        for type in self.keeper.failures:
            self._tell("record", f"{type} could not be written")
        self._tell("record", f"{record.communication or 'call not recorded'}: {record.outcome}")
        return record

    def _missed(self) -> bool:
        """Whether operators were asked for and none came; whether a transfer was taken is known only later."""
        came = any(isinstance(one, Operator) for one in self.signals)
        return self._escalated and not came and not self.session.over.startswith(("transfer", "escalate"))

    async def _part(self) -> None:
        over = self.session.over
        if over != "hang-up":
            await self.line.finish()
        if over.startswith(("transfer", "escalate")):
            await self.line.transfer(over.partition(": ")[2])
        else:
            await self.line.hang_up()

    # what comes in

    async def _listen(self) -> None:
        """Bring what the caller does into the inbox; a line in turns only when nothing else is under way.

        A line that fails is a caller who is gone: the call ends, and its record is written.
        """
        try:
            while True:
                if self.line.in_turns:
                    await self._quiet.wait()
                    self._quiet.clear()
                signal = await self.line.listen()
                self._inbox.put_nowait(signal)
                if isinstance(signal, HangUp):
                    return
        except Exception as error:  # any line may stand here, and none may leave the call waiting for ever
            log.error("the line of a call failed: %s", type(error).__name__)
            self._inbox.put_nowait(HangUp(self.clock.now()))

    async def _next(self) -> Signal:
        if self.idle:
            if self.journal is not None:
                await self.journal.quiet()
            self._quiet.set()
        signal = await self._inbox.get()
        self._quiet.clear()
        return signal

    async def _settle(self, until: float) -> bool:
        """Take what comes in until no tool runs; False where that is not so at ``until`` (the loop's clock)."""
        while self._running or not self._inbox.empty():
            left = until - asyncio.get_running_loop().time()
            try:
                signal = await asyncio.wait_for(self._inbox.get(), max(left, 0))
            except TimeoutError:
                return False
            await self._take(signal)
        return True

    @property
    def idle(self) -> bool:
        """Whether no tool runs and nothing waits to be taken."""
        return not self._running and self._inbox.empty()

    async def _take(self, signal: Signal) -> None:
        self.signals.append(signal)
        effects = self.session.handle(signal)
        if self.journal is not None:
            await self.journal.keep(signal, effects)
        self._tell_signal(signal)
        if isinstance(signal, Operator):
            self.line.held(self.session.operator)
        if _interrupts(signal, effects):
            await self.line.stop()
        self._tell_identified()
        for effect in effects:
            await self._do(effect)
        self._tell_state()
        if not isinstance(signal, Partial):
            self.line.expect(self.mind.hints())

    # what is done

    async def _do(self, effect: Effect) -> None:
        self._tell_effect(effect)
        if isinstance(effect, Say):
            await self.line.say(effect.text, effect.turn, self._manner, effect.shielded)
        elif isinstance(effect, Filler):
            await self.line.fill(effect, self._manner)
        elif isinstance(effect, RunTool):
            self._begin(effect)
        elif isinstance(effect, Escalate):
            self._escalated = True

    def _begin(self, effect: RunTool, again: bool = False) -> None:
        self.line.working(effect.request)
        self._running[effect.id] = asyncio.create_task(self._run_tool(effect, again))

    @property
    def _manner(self) -> Manner:
        felt = self.session.emotions
        return self.setting.manner.by(manner_of(felt[-1].tier)) if felt else self.setting.manner

    async def _run_tool(self, effect: RunTool, again: bool) -> None:
        before = asyncio.get_running_loop().time()
        result = await self._result(effect, again)
        seconds = asyncio.get_running_loop().time() - before
        self._tell("result", type(result).__name__, detail=result, seconds=seconds)
        reference = getattr(result, "reference", "")
        if reference:
            self.written.append(reference)
        self._inbox.put_nowait(ToolResult(self.clock.now(), effect.id, result))
        # In this order and without a pause between: whoever sees that nothing runs also sees the result.
        del self._running[effect.id]
        if not self._running:
            self.line.working(None)

    async def _result(self, effect: RunTool, again: bool) -> Result:
        if self.model is not None and self.model.runs(effect.request):
            if again and any(isinstance(one, Drafted) and one.id == effect.id for one in self.signals):
                return Failed("the answer was cut off")
            async for piece in self.model.run(effect.request):
                if not isinstance(piece, str):
                    return piece
                self._inbox.put_nowait(Drafted(self.clock.now(), effect.id, piece))
            return Failed("the model gave no answer")
        if hasattr(effect.request, "basis") and self._opened is not None:
            # What is written names the call it was said on, so the call must be on record first.
            await asyncio.shield(self._opened)
        return await self.tools.run(effect.request, str(effect.id) if self.id else "", again)

    # what is told of it

    def _tell_signal(self, signal: Signal) -> None:
        if isinstance(signal, Utterance) and signal.text:
            turns = (t.number for t in self.session.transcript.turns if t.speaker == "caller")
            self._tell("caller", signal.text, max(turns, default=0), signal, at=signal.at)
        elif isinstance(signal, Partial):
            self._tell("partial", signal.text)
        elif isinstance(signal, Keys):
            self._tell("keys", f"{len(signal.digits)} pressed")
        elif isinstance(signal, Emotion):
            self._tell("emotion", signal.label, detail=signal)
        elif isinstance(signal, Speakers):
            self._tell("speakers", signal.kind)
        elif isinstance(signal, Operator) and signal.action == "spoke":
            self._tell("agent", signal.text, len(self.session.transcript.turns))
        elif isinstance(signal, Operator):
            self._tell("operator", signal.action, detail=signal, at=signal.at)

    def _tell_effect(self, effect: Effect, at: datetime | None = None) -> None:
        if isinstance(effect, Say):
            self._tell("agent", effect.text, effect.turn, at=at)
        elif isinstance(effect, Filler):
            self._tell("filler", effect.text, at=at)
        elif isinstance(effect, RunTool):
            self._tell("tool", type(effect.request).__name__, detail=effect.request, at=at)
        else:
            self._tell(type(effect).__name__.lower(), effect.reason, at=at)

    def _tell_state(self) -> None:
        """Where the conversation is now, and which states of the practice's own it has passed on the way."""
        for name in self.memory.walked[self._walked :]:
            self._tell("state", name)
            self._state = name
        self._walked = len(self.memory.walked)
        if self.mind.state != self._state:
            self._state = self.mind.state
            self._tell("state", self._state)

    def _tell_identified(self, at: datetime | None = None) -> None:
        patient = self.memory.patient
        if patient and not self._known:
            self._known = patient.reference
            self._tell("identified", patient.reference, at=at)

    def _tell(
        self,
        kind: str,
        text: str,
        turn: int = 0,
        detail: Request | Result | Signal | None = None,
        seconds: float = 0.0,
        at: datetime | None = None,
    ) -> None:
        if self.on_event is not None:
            self.on_event(Event(at or self.clock.now(), kind, text, turn, detail, seconds))


def _interrupts(signal: Signal, effects: tuple[Effect, ...]) -> bool:
    """Whether a person comes now, or there is none, so that nothing is said of what is queued."""
    if isinstance(signal, Alarm):
        return any(isinstance(effect, Transfer) for effect in effects)
    if isinstance(signal, AnsweredBy):  # a machine gets what it is left and nothing else
        return any(isinstance(effect, End) for effect in effects)
    return isinstance(signal, Operator) and signal.action == "take_over"
