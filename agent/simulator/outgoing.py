"""Twilio's side of a call that it was asked to make: rings, tells how the call stands, connects, detects machines.

What is told when is that of https://www.twilio.com/docs/voice/api/call-resource#statuscallbackevent and
https://www.twilio.com/docs/voice/answering-machine-detection.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from agent.simulator.callee import Callee, Machine
from agent.simulator.calls import CallResult, Ears, SimulatedCall, SimulatedCaller
from agent.simulator.carrier import Outcome, PhoneCarrier, Streams
from agent.simulator.twiml import BadTwiml, Stream, Verb
from agent.speech.ports import Synthesiser

_KNOWN_AFTER = 2.4
"""Seconds after which Twilio usually knows whether a person answered."""
_TROUBLES = (httpx.HTTPError, BadTwiml, OSError)


@dataclass
class OutgoingCarrier(PhoneCarrier):
    """Makes one call: ``form`` holds the parameters of the request, with one list for each name."""

    id: str = ""
    form: Mapping[str, Sequence[str]] = field(default_factory=dict)
    callee: Callee = field(default_factory=Callee)
    known_after: float = _KNOWN_AFTER
    """Seconds until it is known who answered."""

    def __post_init__(self) -> None:
        self.recording = asyncio.Event()
        """A machine has sounded its tone."""
        self.told: list[str] = []
        """What was told by callbacks, in order."""
        self.asked: list[str] = []
        """Our addresses that were asked or told, in order."""
        self._sequence = 0

    def sid(self) -> str:
        return self.id

    async def _ask(self, address: str, form: dict[str, str]) -> list[Verb]:
        self.asked.append(address)
        return await super()._ask(address, form)

    async def call(self, call: str, caller: str, streams: Streams) -> Outcome:
        """From the request to the last callback. Trouble is told in the outcome, never raised."""
        outcome, begun = Outcome(call), time.monotonic()
        await self._status("initiated", outcome)
        await self._status("ringing", outcome)
        ending = await self._rings()
        outcome.ring = round(time.monotonic() - begun, 4)
        if ending:
            outcome.ended_by = ending
            await self._status(ending, outcome)
            return outcome
        await self._status("in-progress", outcome)
        answered = time.monotonic()
        detecting = asyncio.create_task(self._detect(outcome))
        try:
            verbs = await self._ask(self._given("Url"), {**self._told(), "CallStatus": "in-progress"})
            await self._obey(verbs, {**self._told(), "CallStatus": "in-progress"}, streams, outcome)
        except _TROUBLES as error:
            outcome.trouble = f"{type(error).__name__}: {error}"
        finally:
            detecting.cancel()
            await asyncio.gather(detecting, return_exceptions=True)
        await self._status("completed", outcome, CallDuration=str(round(time.monotonic() - answered)))
        return outcome

    async def _rings(self) -> str:
        """Wait until somebody answers; the status with which the call ends where nobody does."""
        patience = float(self._given("Timeout") or 60)
        if self.callee.answer == "no-answer" or self.callee.rings > patience:
            await asyncio.sleep(min(self.callee.rings, patience))
            return "no-answer"
        await asyncio.sleep(self.callee.rings)
        return self.callee.answer if self.callee.answer in ("busy", "failed") else ""

    def _given(self, name: str) -> str:
        return next(iter(self.form.get(name, ())), "")

    def _told(self) -> dict[str, str]:
        return {
            "CallSid": self.id,
            "AccountSid": self.line.account,
            "From": self._given("From"),
            "To": self._given("To"),
            "Direction": "outbound-api",
            "ApiVersion": "2010-04-01",
        }

    # callbacks

    async def _status(self, status: str, outcome: Outcome, **more: str) -> None:
        """Tell how the call stands, where that was asked for; the end is told always."""
        event = {"in-progress": "answered"}.get(status, status)
        over = event not in ("initiated", "ringing", "answered")
        asked = self.form.get("StatusCallbackEvent") or ("completed",)
        address = self._given("StatusCallback")
        if not address or ("completed" if over else event) not in asked:
            return
        sequence = {"CallbackSource": "call-progress-events", "SequenceNumber": str(self._sequence)}
        self._sequence += 1
        await self._tell(address, {"CallStatus": status, **sequence, **more}, status, outcome)

    async def _detect(self, outcome: Outcome) -> None:
        """Tell who answered once that is known: a machine at the end of its greeting where that was asked for."""
        address, mode = self._given("AsyncAmdStatusCallback"), self._given("MachineDetection")
        if not address or mode not in ("Enable", "DetectMessageEnd"):
            return
        begun = time.monotonic()
        answered_by = "human" if self.callee.answer == "person" else "machine_start"
        if answered_by == "machine_start" and mode == "DetectMessageEnd":
            await self.recording.wait()
            answered_by = "machine_end_beep"
        else:
            await asyncio.sleep(self.known_after)
        took = str(round((time.monotonic() - begun) * 1000))
        await self._tell(
            address, {"AnsweredBy": answered_by, "MachineDetectionDuration": took}, answered_by, outcome
        )

    async def _tell(self, address: str, more: dict[str, str], what: str, outcome: Outcome) -> None:
        self.told.append(what)
        try:
            await self._ask(address, {**self._told(), **more})
        except _TROUBLES as error:
            outcome.trouble = outcome.trouble or f"{what}: {type(error).__name__}: {error}"


@dataclass
class Callees:
    """Those who answer, by number; ``voice`` speaks for them, recordings are put into ``folder``.

    ``tone`` is the file of a machine's tone.
    """

    voice: Synthesiser
    folder: Path
    tone: Path
    by_number: dict[str, Callee] = field(default_factory=dict)
    anybody: Callee | None = None
    """Who answers all other numbers."""

    def of(self, number: str) -> Callee | None:
        return self.by_number.get(number, self.anybody)

    async def answer(self, carrier: OutgoingCarrier) -> CallResult:
        """One call as its callee takes it."""
        number = next(iter(carrier.form.get("To", ())), "")
        callee = carrier.callee
        caller = SimulatedCaller(number, callee.steps, self.voice)
        if callee.answer == "machine":
            machine = Machine(callee.greeting, self.tone, lambda at: carrier.recording.set())
            caller = SimulatedCaller(number, (), self.voice, person=machine)
        call = _Answering(caller, Ears(callee.live, callee.token), self.folder)
        return await call.run(carrier)


class _Answering(SimulatedCall):
    """Somebody who was called: the operators' surface knows the call by the number."""

    async def _carry(
        self, client: httpx.AsyncClient, call: str, verb: Stream, url: str, signature: str
    ) -> str:
        if self._ears.server:
            self._known_as = await _named(client, self._ears, self._caller.number)
        return await super()._carry(client, call, verb, url, signature)


async def _named(client: httpx.AsyncClient, ears: Ears, number: str) -> str:
    """What the operators' surface calls the call to this number."""
    headers = {"Authorization": f"Bearer {ears.token}"}
    answer = await client.get(f"{ears.server.rstrip('/')}/live/calls", headers=headers)
    answer.raise_for_status()
    calls = [one for one in answer.json()["calls"] if one["caller"] == number and not one["ended"]]
    if not calls:
        raise OSError("the live calls do not show the call")
    return str(calls[-1]["id"])
