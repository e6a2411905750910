"""What arrives over MLLP: read, done under the faults in force, and answered."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence

from adapters.hl7v2.acknowledgement import Verdict, acknowledge, due, refuse_unread, timestamp, wants
from adapters.hl7v2.batch import answer_batch, is_batch, read_batch
from adapters.hl7v2.charset import decode, encode, header_of
from adapters.hl7v2.message import MalformedMessage, Message, parse
from adapters.simulator.hl7.faults import FaultPlan
from adapters.simulator.hl7.hospital import Hospital
from adapters.simulator.hl7.reading import Refused
from fhirserver.kernel.instants import SystemClock, instant

_ON_PURPOSE = {
    "AE": Verdict("AE", "206", "", "the record is locked, on purpose", own="LOCKED"),
    "AR": Verdict("AR", "207", "", "something went wrong on purpose", own="FAULT"),
}


class Dropped(Exception):
    """There is no answer, and the connection ends: the listener closes it when it meets this."""


class Desk:
    """Receives messages (:class:`adapters.hl7v2.mllp.connection.Receiver`). What is done is done before any wait."""

    def __init__(self, hospital: Hospital, plan: FaultPlan, done: Callable[[], None]):
        self.received = 0
        self._hospital, self._plan, self._done = hospital, plan, done
        self._clock = SystemClock()

    async def receive(self, raw: bytes, peer: str) -> Sequence[bytes]:
        self.received += 1
        fate = self._plan.of_arrival()
        if fate.dropped_before or self._plan.is_down():
            raise Dropped
        if fate.lost:
            return ()
        answers = self._answers(raw, fate.refusal)
        self._done()
        if fate.late:
            await asyncio.sleep(fate.late)
        if fate.dropped_after or self._plan.is_down():
            raise Dropped
        return () if fate.unanswered else answers

    def too_large(self, head: bytes, most: int) -> bytes:
        verdict = Verdict("AR", "207", "", f"the message has more than {most} bytes")
        return encode(refuse_unread(header_of(head), verdict, self._now(), self._id()), "latin-1")

    def _answers(self, raw: bytes, refusal: str) -> Sequence[bytes]:
        try:
            if is_batch(raw):
                batch = read_batch(raw)
                found = [answer for one in batch.messages for answer in self._one(one, refusal)]
                return [answer_batch(batch.header, found, timestamp(self._now()), self._id())]
            return self._one(raw, refusal)
        except MalformedMessage as error:
            verdict = Verdict("AR", "100", error.place, error.reason)
            return [encode(refuse_unread(header_of(raw), verdict, self._now(), self._id()), "latin-1")]

    def _one(self, raw: bytes, refusal: str) -> Sequence[bytes]:
        decoded = decode(raw)
        message = parse(decoded.text, decoded.encoding)
        verdict = _ON_PURPOSE[refusal] if refusal else self._settle(message)
        accept, application = wants(message)
        said = [Verdict("CA")] if due(accept, Verdict("CA")) else []
        said += [verdict] if due(application, verdict) else []
        return [encode(acknowledge(message, one, self._now(), self._id()), decoded.encoding) for one in said]

    def _settle(self, message: Message) -> Verdict:
        try:
            self._hospital.take(message)
        except Refused as refused:
            return refused.verdict
        return Verdict("AA")

    def _now(self) -> str:
        return instant(self._clock.now())

    def _id(self) -> str:
        return secrets.token_hex(10)
