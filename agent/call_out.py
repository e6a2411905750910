"""Orders of calls out: what may not be called is refused, each order is on record before the carrier hears of it.

One id is one attempt, also after a restart: the Communication that is created under it (and under no id twice) is
the claim. Whoever wants to try again, after a pause of their own, orders under another id.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import time
from typing import Protocol
from urllib.parse import quote
from zoneinfo import ZoneInfo

from agent.campaigns.facts import number_flags
from agent.campaigns.preferences import barred
from agent.communication import CALL_OUT, ordered
from agent.errand import PURPOSES, Errand, NotPlaced
from agent.live.escalation_record import About, audit, by_operator
from agent.requests import CONFIRMED, Basis
from agent.tools.client import Answer, FhirClient, Unreachable
from agent.tools.provenance import Speaker, header, provenance
from agent.tools.reading import patient_record
from fhirserver.kernel.instants import Clock, SystemClock
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.calls_out import CallOrder, OrderedCall
from fhirserver.world.spoken.identifiers import phone_key

NAME = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
NUMBER = re.compile(r"\+[1-9][0-9]{6,14}\Z")
PATIENT = re.compile(r"Patient/[A-Za-z0-9.-]{1,64}\Z")


class Places(Protocol):
    """Whoever places calls."""

    @property
    def full(self) -> bool:
        """Whether there are as many calls as may be."""
        ...

    async def place(self, key: str, to: str, errand: Errand) -> str:
        """Place one call; the CallSid. Raises NotPlaced."""
        ...

    def placed(self, key: str) -> str:
        """The CallSid of what was placed under a key; empty for none."""
        ...


@dataclass(frozen=True, slots=True)
class Hours:
    """The times of the practice's day between which calls go out; the same time twice: always."""

    zone: str
    begin: time = time(9)
    end: time = time(20)

    def hold(self, clock: Clock) -> bool:
        now = clock.now().astimezone(ZoneInfo(self.zone)).time()
        return self.begin == self.end or self.begin <= now < self.end


@dataclass
class CallDesk:
    """Implements :class:`fhirserver.ports.calls_out.CallsOut`. ``any_number``: also numbers of no record."""

    client: FhirClient
    places: Places
    hours: Hours
    any_number: bool = False
    clock: Clock = field(default_factory=SystemClock)
    speaker: Speaker = field(default_factory=Speaker)

    async def order(self, order: CallOrder, by: str) -> OrderedCall:
        """Place one call, for the operator ``by``; the same id again tells how that call stands."""
        _check(order)
        try:
            before = await self._before(order)
            if before is not None:
                return self._again(order, before)
            await self._allowed(order)
            errand = Errand(order.reason, order.patient, id=order.id)
            made, fresh = await self._claim(errand, order, by)
        except Unreachable:
            raise refuse(
                Category.BUSY, "transient", "The FHIR server does not answer; no call was made"
            ) from None
        if not fresh:
            return self._again(order, made)
        reference = f"Communication/{made['id']}"
        call = await self._place(order, replace(errand, communication=reference))
        return OrderedCall(order.id, call, reference, "in-progress")

    async def _before(self, order: CallOrder) -> JsonObject | None:
        """The Communication that was made under this id."""
        found = await self.client.search("Communication", [("identifier", f"{CALL_OUT}|{order.id}")])
        return found[0] if found else None

    def _again(self, order: CallOrder, made: JsonObject) -> OrderedCall:
        to = (made.get("recipient") or [{}])[0]
        if (to.get("reference"), to.get("display")) != (order.patient, order.to):
            raise refuse(Category.CONFLICT, "duplicate", "This id is that of another call")
        why = str(made.get("statusReason", {}).get("text", ""))
        reference = f"Communication/{made['id']}"
        return OrderedCall(
            order.id, self.places.placed(order.id), reference, made["status"], why, repeated=True
        )

    async def _allowed(self, order: CallOrder) -> None:
        if not self.hours.hold(self.clock):
            hours = f"{self.hours.begin:%H:%M} to {self.hours.end:%H:%M}"
            raise _rule(f"Calls go out from {hours} only ({self.hours.zone})")
        patient = await self.client.read(order.patient)
        if patient is None:
            raise _rule("There is no such patient")
        if patient.get("deceasedBoolean") or patient.get("deceasedDateTime"):
            raise _rule("The patient is recorded as deceased")
        if patient.get("active") is False:
            raise _rule("The patient's record is not active")
        if not self.any_number and phone_key(order.to) not in _numbers(patient):
            raise _rule("The number is not on the patient's record")
        await self._wanted(order)
        if self.places.full:
            raise refuse(Category.BUSY, "throttled", "There are as many calls as may be; try again later")

    async def _wanted(self, order: CallOrder) -> None:
        """Refuses a call to somebody who wants none."""
        flags = await self.client.search("Flag", [("patient", order.patient)])
        if why := barred([*flags, *await number_flags(self.client, "call", order.to)], "call", order.to):
            raise _rule(f"No calls may go to this patient at this number: {why}")

    async def _claim(self, errand: Errand, order: CallOrder, by: str) -> tuple[JsonObject, bool]:
        """Put the order on record; the Communication, and whether it was not there before. Who ordered it is noted
        first: what cannot be noted is not done."""
        about = About("", errand.patient, self.speaker.reference())
        noted = await self._send(audit("call_out", by, about, self.clock.now()), by)
        if not noted.ok:
            raise refuse(Category.BUSY, "transient", "The order cannot be noted; no call was made")
        made = ordered(errand, order.to, self.speaker, self.clock.now())
        query = f"identifier={quote(f'{CALL_OUT}|{errand.id}', safe='')}"
        answer = await self._send(made, by, {"If-None-Exist": query})
        if not answer.ok:
            raise refuse(Category.BUSY, "transient", "The order cannot be put on record; no call was made")
        if answer.status == 200:
            found = await self._before(order)
            return found or made, False
        id = (
            answer.body.get("id")
            or answer.headers.get("location", "").split("Communication/")[-1].split("/")[0]
        )
        return {**made, "id": str(id)}, True

    async def _place(self, order: CallOrder, errand: Errand) -> str:
        """The CallSid. Where there was no call, the prepared one ends with that on its record."""
        try:
            return await self.places.place(order.id, order.to, errand)
        except NotPlaced as failed:
            advice = "order it again under another id" if failed.sure else "it may ring nevertheless"
            raise refuse(Category.BUSY, "transient", f"{failed}; {advice}") from None

    async def _send(self, resource: JsonObject, by: str, more: Mapping[str, str] | None = None) -> Answer:
        said = provenance(self.speaker, Basis(CONFIRMED, "observed", ()), "", "", self.clock.now())
        headers = {**header(by_operator(said, by)), **(more or {})}
        return await self.client.send("POST", resource["resourceType"], resource, headers)


def _numbers(patient: JsonObject) -> set[str]:
    """The numbers at which the patient is reached now."""
    current = [t for t in patient.get("telecom", ()) if t.get("use") != "old"]
    return {phone_key(number) for number in patient_record({**patient, "telecom": current}).phones}


def _check(order: CallOrder) -> None:
    """Refuses (400) an order that cannot be read."""
    for name, value, pattern, words in (
        ("id", order.id, NAME, "1 to 64 letters, digits, '.', '_' or '-'"),
        ("to", order.to, NUMBER, "a number in E.164, such as +15555550123"),
        ("patient", order.patient, PATIENT, "a reference such as Patient/123"),
    ):
        if not pattern.match(value):
            raise refuse(Category.INVALID, "value", f"'{name}' is {words}", name)
    if order.reason not in PURPOSES:
        raise refuse(Category.INVALID, "value", f"'reason' is one of {', '.join(PURPOSES)}", "reason")


def _rule(diagnostics: str) -> Refusal:
    return refuse(Category.UNPROCESSABLE, "business-rule", diagnostics)
