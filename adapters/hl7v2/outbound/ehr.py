"""An EHR that is told by HL7v2 messages. Implements :class:`fhirserver.ports.ehr.Ehr` as far as pushing goes.

What it has comes by its own messages, to a listener (:mod:`adapters.hl7v2.ingest`): nothing is pulled. The control id
follows from the change, so that one that is sent again is the same message to the receiver; it is also the version of
the record that the receiver then has, so that the same words later are another change.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from weakref import WeakValueDictionary

from adapters.hl7v2.acknowledgement import Acknowledgement
from adapters.hl7v2.convert.engine import convert
from adapters.hl7v2.convert.site import Site
from adapters.hl7v2.ingest.identity import others, patients
from adapters.hl7v2.ingest.patients import Naming
from adapters.hl7v2.message import Message
from adapters.hl7v2.mllp.client import MllpClient
from adapters.hl7v2.outbound.answers import filler_of, had_it_before, is_unknown, refusal
from adapters.hl7v2.outbound.messages import Composer, control_id, owner, world_id
from adapters.hl7v2.outbound.profile import Profile
from adapters.hl7v2.outbound.reader import Reader
from adapters.hl7v2.outbound.values import reference_of
from fhirserver.kernel.instants import Clock, SystemClock, instant
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.ehr import (
    Capabilities,
    Change,
    EhrError,
    Gone,
    Health,
    Operation,
    Page,
    Permanent,
    Receipt,
    Record,
    TypeCapabilities,
)

_OVER = ("cancelled", "entered-in-error")
PUSHED = ("Patient", "Coverage", "RelatedPerson", "Appointment")


@dataclass(frozen=True, slots=True)
class _Sent:
    """A message and the answer to it; ``replayed``: the receiver had it already."""

    message: Message
    answer: Acknowledgement | None
    replayed: bool


class Hl7Ehr:
    """One receiver. ``reader`` hands out what messages carry; ``site`` is how its own messages are read."""

    listened = True

    def __init__(
        self,
        client: MllpClient,
        profile: Profile,
        reader: Reader,
        site: Site | None = None,
        clock: Clock | None = None,
    ):
        self._client, self._profile, self._reader = client, profile, reader
        self._site, self._clock = site or Site(), clock or SystemClock()
        self._composer = Composer(profile, reader)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def pull(self, cursor: JsonObject | None = None) -> AsyncIterator[Page]:
        """Nothing: its records come by its own messages."""
        nothing: tuple[Page, ...] = ()
        for page in nothing:
            yield page

    async def push(self, change: Change) -> Receipt:
        if change.only_found and change.content.get("status") in _OVER and change.type != "Appointment":
            raise Gone("there is no message that takes back what may never have arrived")
        async with self._turn(change):
            at = self._clock.now()
            message = await self._composer.message(change, at)
            sent = await self._send(message, change.only_found)
        record = change.id if change.operation is not Operation.CREATE else self._record(change, message)
        if change.type == "Appointment" and sent.answer is not None:
            await self._learn(change, sent.answer)
        content = {} if change.operation is Operation.DELETE else _said(change.content)
        gone = change.operation is Operation.DELETE
        made = Record(
            change.type, record, control_id(change), instant(at), content, deleted=gone, partial=True
        )
        return Receipt(made, sent.replayed)

    def _turn(self, change: Change) -> AbstractAsyncContextManager[None]:
        """One message about a person at a time: each tells lists whole, and the later one must have all of them."""
        if change.type == "Appointment":
            return nullcontext()
        reference = owner(change)
        turn = self._turns.get(reference)
        if turn is None:
            self._turns[reference] = turn = asyncio.Lock()
        return turn

    async def _send(self, message: Message, only_found: bool) -> _Sent:
        """``only_found``: a change of what the receiver may never have heard of."""
        answer = await self._client.send(message, self._profile.encoding)
        if answer is None or answer.accepted:
            return _Sent(message, answer, False)
        if had_it_before(answer):
            return _Sent(message, answer, True)
        if only_found and is_unknown(answer):
            raise Gone("no earlier attempt made the record")
        raise refusal(answer, self._profile)

    def _record(self, change: Change, message: Message) -> str:
        """The key by which the receiver's own messages will name what it was sent: that of our numbers in it."""
        site = self._site.for_sender(*message.sender)
        naming, digest = Naming(site.authorities), message.control_id
        made = convert(message, site)
        who = patients(made, message, naming, digest)
        if change.type == "Patient":
            found = [key for one in who for key in one.keys]
        else:
            patient = reference_of(change.content.get("beneficiary") or change.content.get("patient"))
            known = {local: patient for one in who for local in one.locals} if patient else {}
            about = others(made, message, naming, digest, known)
            found = [key for one in about if one.type == change.type for key in one.keys]
        ours = [key for key in found if key.endswith(f"{self._profile.authority}|{world_id(change)}")]
        if not (ours or found):
            raise Permanent(f"the message names no {change.type} by a number")
        return (ours or found)[0]

    async def _learn(self, change: Change, answer: Acknowledgement) -> None:
        """The filler's number in the answer names the appointment from now on too."""
        value, authority = filler_of(answer.message)
        if value:
            key = f"FILL:{authority or self._profile.receiving[1]}|{value}"
            await self._reader.learned("Appointment", key, world_id(change))

    async def read(self, type: str, id: str) -> Record:
        raise Permanent("an EHR that is told by messages is not asked for records")

    async def find(self, type: str, system: str, value: str) -> Sequence[Record]:
        return ()

    async def health(self) -> Health:
        start = time.monotonic()
        try:
            await self._client.probe()
        except EhrError as error:
            return Health(False, time.monotonic() - start, type(error).__name__)
        return Health(True, time.monotonic() - start)

    async def capabilities(self) -> Capabilities:
        types = {type: TypeCapabilities(frozenset({"create", "update"})) for type in PUSHED}
        return Capabilities(f"HL7 {self._profile.version}", "", types)

    async def close(self) -> None:
        await self._client.close()


def _said(content: JsonObject) -> JsonObject:
    return {name: value for name, value in content.items() if name != "id"}
