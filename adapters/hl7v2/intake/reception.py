"""Reception: every message that arrives is read, taken in at its turn, recorded, and answered once that is durable.

Answers are made from the record, so a repeat is answered as before. What cannot be taken in is kept with its bytes.
Where the listener answers what is stored, taking in is for :mod:`adapters.hl7v2.intake.backlog`.
Only where nothing could be made durable is nothing kept: then the answer says so (AR, CE) and the sender has it still.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

from adapters.hl7v2.acknowledgement import Verdict, acknowledge, due, refuse_unread, timestamp, wants
from adapters.hl7v2.batch import answer_batch, is_batch, read_batch
from adapters.hl7v2.charset import decode, encode, header_of
from adapters.hl7v2.intake.archive import Archive
from adapters.hl7v2.intake.ingest import Ingest, Ingested, Received, Rejected, Site
from adapters.hl7v2.intake.lanes import Lanes, Place
from adapters.hl7v2.intake.letters import Letters
from adapters.hl7v2.intake.record import CONTROL, STORED, Receipt, Stored, digest_of, has_failed_so, receipt
from adapters.hl7v2.message import MalformedMessage, Message, parse
from fhirserver.kernel.frozen import frozen
from fhirserver.kernel.instants import Clock, SystemClock, instant
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.log import Statement
from fhirserver.ports.storage import Fact
from fhirserver.store.commands import Command, Write
from fhirserver.store.store import Store

log = logging.getLogger("credence.hl7")

_PASSING = frozenset((Category.BUSY, Category.FAULT, Category.TIMEOUT, Category.TOO_MANY, Category.CONFLICT))
_KEPT = frozenset(("AA", STORED))
_UNSAFE = Verdict("AR", "207", "", "the message could not be stored; send it again")
_ID_LENGTH = 20
_OF_A_BATCH = 256
TAKEN_UP_AT_ONCE = 8
"""Messages that were stored and are worked on beside each other; what arrives may have to wait for a step of each."""
_BREATH_SECONDS, _BREATHS = 0.002, 20
_FIRST_WAIT, _DOUBLINGS, _MOST_WAIT = 0.1, 7, 10.0


@frozen
class Reading:
    """How a listener reads its messages.

    ``source`` makes the records' statements. ``encoding`` is the codec of messages that declare no character set.
    ``reuse_ids`` takes a message in though its control id was used for another one before; otherwise it is refused.
    ``processing_ids`` are the MSH-11 that are taken in; none: all. ``warn``: remarks go into the answer.
    ``stores``: a message is answered as soon as it is stored, and taken in later.
    """

    listener: str
    source: str
    encoding: str = "utf-8"
    reuse_ids: bool = False
    processing_ids: frozenset[str] = frozenset()
    warn: bool = False
    stores: bool = False


@frozen
class _Settled:
    """What a message came to. ``safe``: it is durable, with its effects or as a failure."""

    verdict: Verdict
    at: str
    safe: bool = True


Work: TypeAlias = Callable[[Message, bytes, Receipt], Awaitable[_Settled]]


class Reception:
    """Receives the messages of one listener. At most ``at_once`` are worked on at a time.

    What fails is also shown by ``letters``, where there are any. ``heard`` is told of every message whether it was
    taken in. Several may receive for one listener, in one process
    or several: what must not happen twice is refused by the store.
    """

    def __init__(
        self,
        reading: Reading,
        store: Store,
        ingest: Ingest,
        site: Site = None,
        clock: Clock | None = None,
        at_once: int = 64,
        letters: Letters | None = None,
        heard: Callable[[bool], None] = lambda taken: None,
    ):
        self._reading, self._store, self._ingest, self._site = reading, store, ingest, site
        self._clock, self._letters, self._heard = clock or SystemClock(), letters, heard
        self._lanes, self._storing = Lanes(), Lanes()
        self._arriving = 0
        self._working, self._taking_up = asyncio.Semaphore(at_once), asyncio.Semaphore(TAKEN_UP_AT_ONCE)
        self._says = Statement(reading.source, principal=reading.listener, method="hl7v2")

    async def receive(self, raw: bytes, peer: str = "") -> Sequence[bytes]:
        """The answers to one message or batch, once all of it is durable."""
        if is_batch(raw):
            return [await self._batch(raw, peer)]
        return await self._message(raw, peer)

    async def again(self, raw: bytes, entry: str, principal: str = "") -> Verdict:
        """Take in once more what failed as ``entry``, as it was or put right; its failure is closed with the effects.

        Of a batch each message goes its own way from here on, and the first verdict that is no AA is returned. Raises
        :class:`MalformedMessage` for what cannot be read; then nothing has changed.
        """
        at, whole = self._now(), not is_batch(raw)
        raws = (raw,) if whole else read_batch(raw).messages
        read = [(one, self._read(one)) for one in raws]
        verdicts: list[Verdict] = []
        for one, message in read:
            record = receipt(self._reading.listener, at, one, message)
            record = replace(record, failed_before=entry) if whole else record
            verdicts.append((await self._in_turn(message, one, record)).verdict)
        refused = next((verdict for verdict in verdicts if not verdict.accepted), None)
        if not whole or refused is None:
            await self._close(entry, principal)
        return refused or Verdict("AA")

    async def _close(self, entry: str, principal: str) -> None:
        """Close a failure that is still open: its message was taken in before, or is a batch."""
        archive = Archive(self._store)
        one = await archive.entry(entry)
        if one is not None and one.open:
            also = await self._letters.settled(entry) if self._letters else ()
            await archive.close(one, "taken in", principal, also)

    def _read(self, raw: bytes) -> Message:
        decoded = decode(raw, self._reading.encoding)
        return parse(decoded.text, decoded.encoding)

    def too_large(self, head: bytes, most: int) -> bytes:
        """The answer to a message of which only the head was taken."""
        verdict = Verdict("AR", "207", "", f"the message has more than {most} bytes")
        return self._unread(head, verdict, self._now())

    async def _message(self, raw: bytes, peer: str) -> Sequence[bytes]:
        at = self._now()
        try:
            message = self._read(raw)
        except MalformedMessage as error:
            self._heard(False)
            return [await self._malformed(raw, at, error)]
        record = receipt(self._reading.listener, at, raw, message)
        arrived = self._stored_in_turn if self._reading.stores else self._in_turn
        settled = await arrived(message, raw, record)
        self._heard(settled.verdict.accepted)
        self._complain(settled.verdict, f"from {peer}")
        return self._answers(message, settled, record)

    async def _in_turn(self, message: Message, raw: bytes, record: Receipt) -> _Settled:
        async with self._place(self._lanes, message, record).turn(), self._working:
            return await self._guarded(self._settle, message, raw, record)

    def _place(self, lanes: Lanes, message: Message, record: Receipt) -> Place:
        lane = self._ingest.lane(message)
        # A repeat on another connection waits for the first, whatever its lane.
        return lanes.enter((lane.key, *lane.barrier_with, f"id {record.control_key}"))

    async def _stored_in_turn(self, message: Message, raw: bytes, record: Receipt) -> _Settled:
        place = self._place(self._storing, message, record)
        self._arriving += 1
        try:
            async with place.turn():
                return await self._guarded(self._store_it, message, raw, record)
        finally:
            self._arriving -= 1

    def take_up(self, one: Stored) -> Awaitable[None]:
        """Take in what was stored, in the order of the calls; ends when it is durable, or has failed for good.

        What is no longer waiting has no effect.
        """
        try:
            message = self._read(one.raw)
        except MalformedMessage as error:  # as it is read here by now
            return self._until_safe(partial(self._misread, one.raw, one.at, error, one.entry))
        record = receipt(self._reading.listener, one.at, one.raw, message)
        record = replace(record, failed_before=one.failed_before)
        return self._taken_up(self._place(self._lanes, message, record), message, one.raw, record)

    async def _taken_up(self, place: Place, message: Message, raw: bytes, record: Receipt) -> None:
        async with place.turn(), self._taking_up:
            await self._between_arrivals()
            await self._until_safe(partial(self._guarded, self._settle_waiting, message, raw, record))

    async def _until_safe(self, work: Callable[[], Awaitable[_Settled]]) -> None:
        """Try again, slower and slower, what could not be made durable: what is of the same patient waits for it."""
        failures = 0
        while not (settled := await work()).safe:
            failures += 1
            await asyncio.sleep(min(_FIRST_WAIT * 2 ** min(failures, _DOUBLINGS), _MOST_WAIT))
        self._complain(settled.verdict, "that was stored")

    async def _between_arrivals(self) -> None:
        """Wait a little while messages arrive that are answered once they are stored: their senders wait."""
        for _ in range(_BREATHS):
            if not self._arriving:
                return
            await asyncio.sleep(_BREATH_SECONDS)

    async def _guarded(self, work: Work, message: Message, raw: bytes, record: Receipt) -> _Settled:
        """What becomes of a message by ``work``; what that does not take is kept as a failure."""
        try:
            return await work(message, raw, record)
        except Rejected as error:
            return await self._failed(record, raw, Verdict(error.code, error.error, error.place, error.text))
        except Refusal as refusal:
            return await self._refused(record, raw, refusal)
        except Exception as error:
            # A message that stumbles over a fault of ours must not be lost, nor stop those after it.
            fault = f"internal error ({type(error).__name__})"
            log.error("%s: a message met an %s at %s", self._reading.listener, fault, _where(error))
            return await self._failed(record, raw, Verdict("AE", "207", "", fault))

    async def _store_it(self, message: Message, raw: bytes, record: Receipt) -> _Settled:
        """Make the message durable, to be taken in later, or say again what became of it."""
        before = await self._before(record)
        if before is not None:
            if settled := await self._known(before, record, raw):
                return settled
            record = record.again(before)
        self._check(message)
        await self._store.submit(Command(self._says, record.stored(raw)))
        return _Settled(Verdict("AA"), record.at)

    async def _settle(self, message: Message, raw: bytes, record: Receipt) -> _Settled:
        """Take the message in, or say again what became of it."""
        before = await self._before(record)
        if before is not None and (settled := await self._known(before, record, raw)):
            return settled
        return await self._taken_in(message, raw, record, before)

    async def _settle_waiting(self, message: Message, raw: bytes, record: Receipt) -> _Settled:
        """Take in the message that waits, if it still does."""
        before = await self._before(record)
        if before is None or not _waits(before, record):
            return _Settled(Verdict("AA"), record.at)
        return await self._taken_in(message, raw, record, before)

    async def _taken_in(self, message: Message, raw: bytes, record: Receipt, before: Fact | None) -> _Settled:
        record = record.again(before) if before is not None else record
        if self._letters and record.failed_before:
            record = replace(record, closing=await self._letters.settled(record.failed_before))
        self._check(message)
        ingested = await self._ingest.ingest(self._received(message, raw, record))
        return self._accepted(ingested, record)

    def _complain(self, verdict: Verdict, which: str) -> None:
        if not verdict.accepted:
            what = f"{verdict.code} {verdict.error} {verdict.place}".rstrip()
            log.warning("%s: a message %s: %s", self._reading.listener, which, what)

    def _accepted(self, ingested: Ingested, record: Receipt) -> _Settled:
        remarks = tuple(ingested.warnings)
        remarks += tuple(f"{place} is kept; no map speaks of it" for place in ingested.unmapped)
        return _Settled(Verdict("AA", warnings=remarks if self._reading.warn else ()), record.at)

    def _received(self, message: Message, raw: bytes, record: Receipt) -> Received:
        return Received(message, raw, self._reading.listener, self._site, record.at, record)

    async def _before(self, record: Receipt) -> Fact | None:
        return await self._store.fact(CONTROL, record.control_key)

    async def _known(self, before: Fact, record: Receipt, raw: bytes) -> _Settled | None:
        """The answer to a message whose control id was taken in or stored before; None where it is to be tried."""
        if settled := self._repeated(before, record):
            return settled
        if before.value["code"] in _KEPT and not self._reading.reuse_ids:
            text = "this control id was used for another message"
            return await self._failed(record.stranger(), raw, Verdict("AE", "205", "MSH-10", text))
        return None

    def _repeated(self, before: Fact, record: Receipt) -> _Settled | None:
        """What became of the same message before. One that failed has had no effect: it is tried again."""
        if before.value["code"] in _KEPT and before.value["digest"] == record.digest:
            return _Settled(Verdict("AA"), before.value["at"])
        return None

    def _check(self, message: Message) -> None:
        if not message.control_id:
            raise Rejected("AR", "101", "MSH-10", "a message needs a control id")
        if not message.type:
            raise Rejected("AR", "200", "MSH-9", "a message needs a type")
        allowed = self._reading.processing_ids
        if allowed and (message.header.value(11) or "") not in allowed:
            raise Rejected("AR", "202", "MSH-11", f"only {', '.join(sorted(allowed))} is taken in here")

    async def _refused(self, record: Receipt, raw: bytes, refusal: Refusal) -> _Settled:
        """What the store refused: by the message's content, or because of its own state."""
        if refusal.category is Category.CONFLICT:
            before = await self._before(record)
            known = before is not None and not _waits(before, record)
            if before is not None and known and (settled := self._repeated(before, record)):
                return settled  # another process has taken it in meanwhile
        if refusal.category in _PASSING:
            return _Settled(_UNSAFE, record.at, safe=False)
        code = "AR" if refusal.category is Category.FORBIDDEN else "AE"
        return await self._failed(record, raw, Verdict(code, "207", "", _reasons(refusal)))

    async def _failed(self, record: Receipt, raw: bytes, verdict: Verdict) -> _Settled:
        """Keep what could not be taken in. A sender that sends it again and again fills no log."""
        reason = (verdict.code, verdict.error, verdict.place, verdict.text)
        try:
            before = await self._before(record)
            if before is not None and has_failed_so(before, record.digest, *reason):
                if again := await self._told_again(before.value["entry"], verdict):
                    await self._store.submit(Command(self._says, again))
                return _Settled(verdict, before.value["at"])
            record = record.again(before) if before is not None else record
            letter = await self._told(record, verdict)
            await self._store.submit(Command(self._says, (*record.failed(*reason, raw), *letter)))
        except Exception as error:
            # Whatever keeps it from being stored: the sender must hear that it is not.
            log.error("%s: a failure was not recorded: %s", self._reading.listener, type(error).__name__)
            return _Settled(_UNSAFE, record.at, safe=False)
        return _Settled(verdict, record.at)

    async def _told(self, record: Receipt, verdict: Verdict) -> tuple[Write, ...]:
        if self._letters is None:
            return ()
        return await self._letters.kept(record.failed_before or record.entry, record.at, verdict)

    async def _told_again(self, entry: str, verdict: Verdict) -> tuple[Write, ...]:
        return await self._letters.failed_again(entry, verdict) if self._letters else ()

    async def _malformed(self, raw: bytes, at: str, error: MalformedMessage) -> bytes:
        settled = await self._misread(raw, at, error)
        return self._unread(raw, settled.verdict, settled.at)

    async def _misread(self, raw: bytes, at: str, error: MalformedMessage, waited: str = "") -> _Settled:
        record = replace(receipt(self._reading.listener, at, raw, None), waited=waited)
        header = error.place.startswith(("MSH", "BHS", "FHS", "line 1"))
        code = "102" if "character set" in error.reason else "100"
        verdict = Verdict("AR" if header else "AE", code, error.place, error.reason)
        async with self._working:
            settled = await self._failed(record, raw, verdict)
        log.warning("%s: a malformed message: %s", self._reading.listener, error)
        return settled

    async def _batch(self, raw: bytes, peer: str) -> bytes:
        """A batch is answered by a batch; one whose counts are wrong is not taken in at all."""
        at = self._now()
        try:
            batch = read_batch(raw)
        except MalformedMessage as error:
            return await self._malformed(raw, at, error)
        answers: list[bytes] = []
        for start in range(0, len(batch.messages), _OF_A_BATCH):
            some = batch.messages[start : start + _OF_A_BATCH]
            for each in await asyncio.gather(*(self._message(one, peer) for one in some)):
                answers += each
        return answer_batch(batch.header, answers, timestamp(at), self._own_id(batch.header, at))

    def _answers(self, message: Message, settled: _Settled, record: Receipt) -> Sequence[bytes]:
        """The answers that the sender wants, in original or enhanced mode."""
        accept, application = wants(message)
        verdict = settled.verdict
        # Stored is stored, also as a failure: what became of it is for the application to say.
        commit = Verdict("CA") if settled.safe else replace(verdict, code="CE")
        if settled.safe and verdict.code == "AR":
            commit = verdict.as_commit()
        answers: list[Verdict] = []
        if due(accept, commit):
            answers.append(commit)
        if due(application, verdict) and (commit.accepted or accept == "NE"):
            answers.append(verdict)
        encoding = message.separators.encoding
        ids = [self._own_id(record.control_key, settled.at, one.code) for one in answers]
        texts = [acknowledge(message, one, settled.at, id) for one, id in zip(answers, ids, strict=True)]
        return [encode(text, encoding) for text in texts]

    def _unread(self, raw: bytes, verdict: Verdict, at: str) -> bytes:
        """The answer to what could not be read: in the bytes of its own header."""
        return encode(refuse_unread(header_of(raw), verdict, at, self._own_id(header_of(raw), at)), "latin-1")

    def _own_id(self, *parts: str) -> str:
        """The control id of an answer: the same for the same answer, as long as versions before 2.7 allow."""
        return digest_of(self._reading.listener, *parts)[:_ID_LENGTH]

    def _now(self) -> str:
        return instant(self._clock.now())


def _waits(before: Fact, record: Receipt) -> bool:
    """Whether it is this very arrival that was stored and waits to be taken in."""
    return bool(
        before.value["code"] == STORED
        and before.value["digest"] == record.digest
        and before.value["at"] == record.at
    )


def _reasons(refusal: Refusal) -> str:
    """What the store objected to, with the elements; an issue holds no values."""
    reasons = (f"{', '.join(issue.expression)}: {issue.diagnostics}".lstrip(": ") for issue in refusal.issues)
    return "; ".join(reasons) or refusal.category.name


def _where(error: Exception) -> str:
    """The line of ours that failed; the text of a foreign error may name a patient."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
