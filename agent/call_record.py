"""The record of a call in FHIR: a Communication from the first ring, the transcript and the summary at its end."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from dataclasses import dataclass, field
from datetime import datetime

from agent.after_call import Section, as_text, summary, summary_document, transcript_document
from agent.campaigns.ledger import Ledger
from agent.campaigns.look_again import look_again
from agent.communication import (
    CARRIED,
    answering,
    called_out,
    communication,
    not_reached,
    outcome_of_call_out,
)
from agent.composition import Evidence, composition, evidence
from agent.errand import Errand
from agent.memory import Memory
from agent.outcome import errand_in, outcome_code
from agent.quality import Quality, Sound, quality, report
from agent.requests import CONFIRMED, MENTIONED, Basis
from agent.signals import Signal
from agent.tools.client import FhirClient, Unreachable
from agent.tools.provenance import header, provenance
from agent.tools.toolbox import Toolbox
from agent.tools.writing import Writing
from fhirserver.kernel.instants import Clock, instant
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.judge import Turn

_WITHHELD = {"WRITTEN": "user of the chat"}
"""Who is on the other side, where that is not known."""
_PATIENCE = 30.0
"""Seconds for which the record of a call that is over waits for a server that is away."""


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
    quality: Quality | None = None
    facts: tuple[Evidence, ...] = ()


@dataclass
class Keeper:
    """Writes the record of one call. ``medium`` is PHONE or WRITTEN (v3 ParticipationMode)."""

    client: FhirClient
    tools: Toolbox
    clock: Clock
    memory: Memory
    caller: str
    medium: str
    started: datetime
    title: str = "Inbound call"
    id: str = ""
    """That of the Communication, and how those of its documents begin: what is written twice is then written once.
    Empty: the server gives ids."""
    carried: str = ""
    """The carrier's name of what came in by telephone: by it a record that nobody will complete is found."""

    def __post_init__(self) -> None:
        self._communication: JsonObject = {}
        self._fresh = str(uuid.uuid4())
        """The id of a Communication that nothing else names: it is one, however often it is opened."""
        self.writing = Writing(self.client)
        self.sound: tuple[Sound, ...] = ()
        """When each side was heard, where the line knows; set before the record is closed."""
        self.began: datetime | None = None
        """When the sound began, by which places in the recording count; None without sound."""
        self.missed = 0
        """How often a person was asked for and nobody came; set before the record is closed."""
        self._report: JsonObject = {}
        self.heard_again = False
        """Whether a second recogniser will listen to the call when it is over: the judge then waits for that."""
        self.opened = asyncio.Event()
        """Set when the Communication is on record, or could not be put there."""

    @property
    def written(self) -> list[str]:
        """References of everything the call wrote."""
        return self.writing.written

    @property
    def failures(self) -> list[str]:
        """The types of what could not be written."""
        return self.writing.failures

    @property
    def communication(self) -> str:
        """The reference of the call's Communication; empty until the server has it."""
        id = self._communication.get("id", "")
        return f"Communication/{id}" if id else ""

    async def open(self) -> None:
        """Create the Communication."""
        begun = {"id": self._fresh} | self._begun() | ({"id": self.id} if self.id else {})
        id = await self._put(begun, CONFIRMED, "observed")
        self._communication = begun | {"id": id}
        if not id:
            del self._communication["id"]
        self.tools.communication = self.communication
        self.opened.set()

    def reopen(self) -> None:
        """Go on where :meth:`open` had put the Communication on record under :attr:`id`."""
        self._communication = self._begun() | {"id": self.id}
        self.tools.communication = self.communication
        self.opened.set()

    def _begun(self) -> JsonObject:
        """With the agent that holds it and its version, where it is one of the practice's own."""
        agent = self.memory.setting.agent
        return self._sent() | ({"instantiatesUri": [agent]} if agent else {})

    def _sent(self) -> JsonObject:
        errand = self.memory.setting.errand
        if errand is not None:
            out = called_out(errand, self.caller, self.tools.speaker, self.started, self.medium)
            return out if self.medium == "PHONE" else out | {"category": self._plain()["category"]}
        named = {"identifier": [{"system": CARRIED, "value": self.carried}]} if self.carried else {}
        return (
            self._plain()
            | named
            | {
                "recipient": [self.tools.speaker.reference()],
                "sender": self._proxy()
                or {"display": self.caller or _WITHHELD.get(self.medium, "number withheld")},
            }
        )

    def _proxy(self) -> JsonObject:
        """The RelatedPerson who is proved to speak for the patient; nothing where there is none."""
        proxy = self.memory.setting.proxy
        return {"reference": proxy} if proxy else {}

    def _plain(self) -> JsonObject:
        return communication(self.title, self.medium, self.started)

    def _named(self, resource: JsonObject, suffix: str) -> JsonObject:
        return resource | {"id": f"{self.id}-{suffix}"} if self.id else resource

    async def close(self, turns: tuple[Turn, ...], outcome: str, signals: tuple[Signal, ...]) -> CallRecord:
        """Write transcript and summary and complete the Communication; a server that is away is waited for."""
        self.writing.patience = _PATIENCE
        if not self.communication:
            await self.open()
        ended, memory = self.clock.now(), self.memory
        patient = memory.patient.reference if memory.patient else ""
        sections = summary(memory)
        call = self.tools.communication
        document = transcript_document(
            turns, call, patient, memory.setting.zone, self.started, ended, self.heard_again
        )
        transcript = await self._document(self._named(document, "transcript"), CONFIRMED, "observed")
        note = summary_document(sections, call, patient, transcript, ended)
        written = await self._document(self._named(note, "summary"), MENTIONED, "derived")
        facts = evidence(memory, turns, self.began)
        judged = quality(turns, signals, memory, self.sound, self.missed)
        await self._judge(sections, facts, judged, ended)
        await self._complete(patient, ended, [r for r in (transcript, written) if r], outcome)
        return CallRecord(
            self.caller, self.started, ended, outcome, turns, patient, call,
            transcript, written, as_text(sections), tuple(d.text for d in memory.done),
            tuple(dict.fromkeys(self.written)), signals, judged, facts,
        )  # fmt: skip

    async def unreached(self, why: str, signals: tuple[Signal, ...]) -> CallRecord:
        """Nobody was reached by a call out: the Communication says so, and there is nothing else to keep."""
        self.writing.patience = _PATIENCE
        ended = self.clock.now()
        if self._communication.get("id"):
            self._communication.pop("received", None)
            self._communication |= not_reached(why)
            await self._put(self._communication, CONFIRMED, "observed")
        return CallRecord(
            self.caller, self.started, ended, why, (), communication=self.communication, signals=signals
        )

    async def add(self, resource: JsonObject, confidence: str = CONFIRMED, method: str = "observed") -> str:
        """Write one more resource about this call; its reference, empty where it could not be written."""
        id = await self._put(resource, confidence, method)
        return f"{resource['resourceType']}/{id}" if id else ""

    async def _judge(
        self, sections: tuple[Section, ...], facts: tuple[Evidence, ...], judged: Quality, ended: datetime
    ) -> None:
        """Write the summary with its evidence, and how well the call went."""
        call, patient = self.communication, self.memory.patient.reference if self.memory.patient else ""
        writer = self.tools.speaker.reference()
        summed = composition(sections, facts, writer, (call, patient), (self.started, ended))
        await self._put(self._named(summed, "facts"), MENTIONED, "derived")
        self._report = self._named(report(judged, call, patient, self.started, ended), "quality")
        id = await self._put(self._report, CONFIRMED, "observed")
        self._report |= {"id": id} if id else {}

    async def nobody_came(self, record: CallRecord) -> None:
        """A transfer was not taken, which is known only after the record: judge the call anew."""
        if record.quality is None or "id" not in self._report:
            return
        record.quality = record.quality.with_missed(1)
        anew = report(record.quality, record.communication, record.patient, record.started, record.ended)
        await self._put({**anew, "id": self._report["id"]}, CONFIRMED, "observed")

    def _basis(self, confidence: str, method: str) -> dict[str, str]:
        memory = self.memory
        stated = Basis(confidence, method, (), memory.third_party, proxy=memory.setting.proxy)
        patient = self.memory.patient.reference if self.memory.patient else ""
        reference = self.tools.communication
        now = self.clock.now()
        return header(provenance(self.tools.speaker, stated, reference, patient, now))

    async def _put(self, resource: JsonObject, confidence: str, method: str) -> str:
        return await self.writing.put(resource, self._basis(confidence, method))

    async def _document(self, document: JsonObject, confidence: str, method: str) -> str:
        return await self.add(document, confidence, method)

    async def _complete(self, patient: str, ended: datetime, documents: list[str], outcome: str) -> None:
        if not self._communication.get("id"):
            return
        self._communication |= {"status": "completed", "received": instant(ended)}
        errand = errand_in(self.memory)
        if self.memory.setting.errand is not None:
            self._communication |= outcome_of_call_out(outcome, outcome_code(self.memory, outcome))
        elif errand is not None:
            self._bind(errand, patient, outcome)
        elif patient:
            self._communication["subject"] = {"reference": patient}
            if not self.memory.third_party:
                shown = {"display": self.caller} if self.caller else {}
                self._communication["sender"] = {"reference": patient, **shown}
        reasons = list(dict.fromkeys(self.memory.reasons))
        if reasons:
            self._communication["topic"] = {"text": "; ".join(reasons)}
        self._communication["payload"] = [{"contentReference": {"reference": d}} for d in documents]
        if not documents:
            del self._communication["payload"]
        await self._put(self._communication, CONFIRMED, "observed")
        await self._tell_campaign()

    def _bind(self, errand: Errand, patient: str, outcome: str) -> None:
        """Somebody answers what we reached out about: what was said belongs to that."""
        self._communication |= answering(errand) | outcome_of_call_out(
            outcome, outcome_code(self.memory, outcome)
        )
        self._communication["subject"] = {"reference": patient or errand.patient}
        if self._proxy():
            self._communication["sender"] = self._proxy()
        elif patient and not self.memory.third_party:
            self._communication["sender"] = {"reference": patient, "display": self.caller}

    async def _tell_campaign(self) -> None:
        """Have the campaign, if one asked for this, look at the patient again now; it does so later anyway."""
        if self._communication.get("basedOn"):
            with contextlib.suppress(Unreachable):
                await look_again(Ledger(self.client, self.clock, self.tools.speaker), self._communication)
