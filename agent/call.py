"""One call from ringing to its record: the session core, the tools, and a line to speak on."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias

from agent.after_call import as_text, summary, summary_document, transcript_document
from agent.effects import Effect, End, Escalate, Filler, RunTool, Say, Transfer
from agent.memory import Memory, Setting
from agent.policy.dialogue import Dialogue
from agent.requests import CONFIRMED, MENTIONED, Basis, Request
from agent.results import Result
from agent.session import Session
from agent.signals import Answered, HangUp, Ringing, Signal, ToolResult
from agent.tools.client import FhirClient, Unreachable
from agent.tools.provenance import header, provenance
from agent.tools.toolbox import Toolbox
from fhirserver.kernel.instants import Clock, SystemClock, instant
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.judge import Turn

_CATEGORY = "http://terminology.hl7.org/CodeSystem/communication-category"
_MEDIUM = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened on the call, for a timeline.

    ``kind``: ``ringing``, ``agent``, ``caller``, ``filler``, ``tool``, ``result``, ``state``, ``identified``,
    ``transfer``, ``escalate``, ``end``, ``record``. ``detail`` is the tool's
    request or result where there is one.
    """

    at: datetime
    kind: str
    text: str
    turn: int = 0
    detail: Request | Result | None = None
    seconds: float = 0.0


OnEvent: TypeAlias = Callable[[Event], None]


class Line(Protocol):
    """A channel: says what the agent says, and waits for what the caller does."""

    async def say(self, text: str, turn: int) -> None: ...

    async def listen(self) -> Signal:
        """The caller's next signal (an utterance, silence, hanging up)."""
        ...


@dataclass
class CallRecord:
    """What a call left behind; references are empty where the server could not be reached."""

    caller: str
    started: datetime
    ended: datetime
    outcome: str
    turns: tuple[Turn, ...]
    patient: str = ""
    communication: str = ""
    transcript: str = ""
    summary: str = ""
    summary_text: str = ""
    done: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    signals: tuple[Signal, ...] = field(default=(), repr=False)


@dataclass
class Call:
    """Drives one session over one line. ``medium`` is PHONE or WRITTEN (v3 ParticipationMode)."""

    client: FhirClient
    line: Line
    caller: str
    setting: Setting = field(default_factory=Setting)
    clock: Clock = field(default_factory=SystemClock)
    medium: str = "PHONE"
    on_event: OnEvent | None = None

    def __post_init__(self) -> None:
        self.started = self.clock.now()
        self.brain = Dialogue(self.setting, self.started)
        self.session = Session(self.brain)
        self.tools = Toolbox(self.client, self.clock, self.setting.zone)
        self.signals: list[Signal] = []
        self.written: list[str] = []
        self._communication: JsonObject = {}
        self._running: set[asyncio.Task[ToolResult]] = set()
        self._state = ""
        self._known = ""

    @property
    def memory(self) -> Memory:
        return self.brain.memory

    async def run(self) -> CallRecord:
        """From ringing to the record. The line is left open for the channel to close."""
        self._tell("ringing", self.caller or "number withheld")
        opened = asyncio.create_task(self._open_communication())
        await self._take(Ringing(self.clock.now(), self.caller))
        await self._settle()
        await opened
        await self._take(Answered(self.clock.now()))
        while not self.session.over:
            await self._settle()
            if self.session.over:
                break
            await self._take(await self.line.listen())
        if not isinstance(self.signals[-1], HangUp):
            await self._take(HangUp(self.clock.now()))
        await self._settle()
        return await self._close()

    async def _take(self, signal: Signal) -> None:
        self.signals.append(signal)
        text = getattr(signal, "text", "")
        effects = self.session.handle(signal)
        if text:
            number = max(
                (t.number for t in self.session.transcript.turns if t.speaker == "caller"), default=0
            )
            self._tell("caller", text, number)
        self._tell_identified()
        for effect in effects:
            await self._do(effect)
        if self.brain.state != self._state:
            self._state = self.brain.state
            self._tell("state", self._state)

    def _tell_identified(self) -> None:
        patient = self.memory.patient
        if patient and not self._known:
            self._known = patient.reference
            self._tell("identified", patient.reference)

    async def _do(self, effect: Effect) -> None:
        if isinstance(effect, Say):
            self._tell("agent", effect.text, effect.turn)
            await self.line.say(effect.text, effect.turn)
        elif isinstance(effect, Filler):
            self._tell("filler", effect.text)
        elif isinstance(effect, RunTool):
            self._tell("tool", type(effect.request).__name__, detail=effect.request)
            self._running.add(asyncio.create_task(self._run_tool(effect)))
        elif isinstance(effect, Transfer | Escalate | End):
            self._tell(type(effect).__name__.lower(), effect.reason)

    async def _run_tool(self, effect: RunTool) -> ToolResult:
        before = asyncio.get_running_loop().time()
        result = await self.tools.run(effect.request)
        seconds = asyncio.get_running_loop().time() - before
        self._tell("result", type(result).__name__, detail=result, seconds=seconds)
        reference = getattr(result, "reference", "")
        if reference:
            self.written.append(reference)
        return ToolResult(self.clock.now(), effect.id, result)

    async def _settle(self) -> None:
        """Wait for the tools that run, feeding each result in, until none does."""
        waiting: deque[ToolResult] = deque()
        while self._running or waiting:
            if not waiting:
                done, self._running = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
                waiting.extend(sorted((t.result() for t in done), key=lambda r: r.id))
            await self._take(waiting.popleft())

    # the record of the call itself

    def _basis(self, confidence: str, method: str) -> dict[str, str]:
        stated = Basis(confidence, method, (), self.memory.third_party)
        patient = self.memory.patient.reference if self.memory.patient else ""
        reference = self.tools.communication
        now = self.clock.now()
        return header(provenance(self.tools.speaker, stated, reference, patient, now))

    async def _open_communication(self) -> None:
        self._communication = {
            "resourceType": "Communication",
            "status": "in-progress",
            "category": [{"coding": [{"system": _CATEGORY, "code": "notification"}], "text": "Inbound call"}],
            "medium": [{"coding": [{"system": _MEDIUM, "code": self.medium}]}],
            "sent": instant(self.started),
            "received": instant(self.started),
            "recipient": [self.tools.speaker.reference()],
            "sender": {"display": self.caller or "number withheld"},
        }
        self._communication |= await self._put("Communication", self._communication, CONFIRMED, "observed")
        if self._communication.get("id"):
            self.tools.communication = f"Communication/{self._communication['id']}"

    async def _put(self, type: str, resource: JsonObject, confidence: str, method: str) -> JsonObject:
        """Create, or update where an id is known; the id, or nothing where the server could not be "
        "reached."""
        id = resource.get("id", "")
        method_, path = ("PUT", f"{type}/{id}") if id else ("POST", type)
        for _ in range(3):
            try:
                answer = await self.client.send(method_, path, resource, self._basis(confidence, method))
            except Unreachable:
                if method_ == "POST":
                    break
                continue
            if not answer.ok:
                break
            location = answer.headers.get("location", "")
            found = answer.body.get("id") or (location.split(f"{type}/")[-1].split("/")[0] or id)
            self.written.append(f"{type}/{found}")
            return {"id": found}
        self._tell("record", f"{type} could not be written")
        return {}

    async def _close(self) -> CallRecord:
        ended = self.clock.now()
        patient = self.memory.patient.reference if self.memory.patient else ""
        turns = tuple(self.session.transcript.turns)
        sections = summary(self.memory)
        call = self.tools.communication
        document = transcript_document(turns, call, patient, self.setting.zone, self.started, ended)
        transcript = await self._document(document, CONFIRMED, "observed")
        note = summary_document(sections, call, patient, transcript, ended)
        written = await self._document(note, MENTIONED, "derived")
        await self._complete(patient, ended, [r for r in (transcript, written) if r])
        record = CallRecord(
            self.caller, self.started, ended, self.session.over or "finished", turns, patient, call,
            transcript, written, as_text(sections), tuple(d.text for d in self.memory.done),
            tuple(dict.fromkeys(self.written)), tuple(self.signals),
        )  # fmt: skip
        self._tell("record", f"{call or 'call not recorded'}: {record.outcome}")
        return record

    async def _document(self, document: JsonObject, confidence: str, method: str) -> str:
        made = await self._put("DocumentReference", document, confidence, method)
        return f"DocumentReference/{made['id']}" if made else ""

    async def _complete(self, patient: str, ended: datetime, documents: list[str]) -> None:
        if not self._communication.get("id"):
            return
        self._communication |= {"status": "completed", "received": instant(ended)}
        if patient:
            self._communication["subject"] = {"reference": patient}
            if not self.memory.third_party:
                self._communication["sender"] = {"reference": patient, "display": self.caller}
        reasons = list(dict.fromkeys(self.memory.reasons))
        if reasons:
            self._communication["topic"] = {"text": "; ".join(reasons)}
        self._communication["payload"] = [{"contentReference": {"reference": d}} for d in documents]
        if not documents:
            del self._communication["payload"]
        await self._put("Communication", self._communication, CONFIRMED, "observed")

    def _tell(
        self,
        kind: str,
        text: str,
        turn: int = 0,
        detail: Request | Result | None = None,
        seconds: float = 0.0,
    ) -> None:
        if self.on_event is not None:
            self.on_event(Event(self.clock.now(), kind, text, turn, detail, seconds))
