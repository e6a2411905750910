"""Text messages that go out first: each on record before the carrier hears of it, each at most once.

One id is one message, also after a restart. What may not be sent is refused: to somebody who wants none, without
consent, in the quiet hours of the patient's own day.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Literal, Protocol
from urllib.parse import quote

from agent.call_out import NAME, NUMBER, PATIENT
from agent.campaigns.channels import Settled
from agent.campaigns.claims import Claims
from agent.campaigns.consents import Said, consented
from agent.campaigns.contacts import UNMADE, Contact, contacts, next_number
from agent.campaigns.facts import number_flags, read_all
from agent.campaigns.hours import next_open, opening
from agent.campaigns.ledger import Ledger
from agent.campaigns.look_again import look_again
from agent.campaigns.numbers import numbers_for
from agent.campaigns.preferences import barred
from agent.campaigns.zones import zones_of
from agent.communication import CALL_OUT, CARRIED, OUTCOME, called_out, without_links
from agent.errand import PURPOSES, Errand
from agent.live.escalation_record import About, audit
from agent.telephony.rest import Made, RestFailed
from agent.tools.client import FhirClient, Unreachable, version_of
from agent.tools.provenance import Speaker
from fhirserver.kernel.instants import Clock, SystemClock
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.texts_out import OrderedText, TextOrder

log = logging.getLogger("credence.telephony")

_SLACK = timedelta(minutes=1)
_BARRED_THERE = 21610
_NO_NUMBER = frozenset({21211, 21214, 21408, 21606, 21612, 21614})
"""Twilio's codes: the recipient has said STOP there; the number cannot get messages."""
_UNDELIVERED = frozenset({"undelivered", "failed"})
_QUIET = (time(21), time(8))


class Sends(Protocol):
    """The REST API as far as it is needed. All raise RestFailed."""

    async def send(self, to: str, text: str, status_callback: str = "") -> str: ...

    async def messages(self, to: str, since: datetime) -> Sequence[Made]: ...


@dataclass
class TextSender:
    """Sends messages that are on record, and writes down what became of them. ``callback`` makes the address that is
    told of one, by the id of its Communication. Implements :class:`agent.campaigns.channels.Channel`."""

    ledger: Ledger
    api: Sends
    callback: str = ""
    at_once: int = 20
    _going: int = 0

    @property
    def free(self) -> int:
        return max(self.at_once - self._going, 0)

    async def reach(self, errand: Errand, number: str, words: str) -> Awaitable[None] | None:
        self._going += 1
        try:
            await self.send(errand, number, words)
        finally:
            self._going -= 1
        return None

    async def send(self, errand: Errand, number: str, text: str) -> str:
        """The MessageSid. Raises RestFailed, and then that is on the record."""
        id, since = errand.communication.removeprefix("Communication/"), self.ledger.clock.now() - _SLACK
        callback = f"{self.callback}?of={quote(id, safe='')}" if self.callback else ""
        try:
            sid = await self.api.send(number, text, callback)
        except RestFailed as failed:
            sid = "" if failed.sure else await self._arrived(failed, number, since, text, id)
            if not sid:
                await self.write(errand, number, "", _failure(failed), str(failed))
                raise
        await self.write(errand, number, text, "sent", "sent", sid)
        return sid

    async def _arrived(self, failed: RestFailed, number: str, since: datetime, text: str, id: str) -> str:
        """The MessageSid of what nobody knows to have been sent; empty where the carrier has no such message."""
        try:
            found = await self._found(number, since, text, id)
        except Unreachable:
            raise failed from None
        return found.sid if found else ""

    async def settle(self, contact: Contact) -> Settled | None:
        id = contact.reference.removeprefix("Communication/")
        made = await self._found(contact.to, contact.sent - _SLACK, contact.words, id)
        if made is None:
            return Settled(UNMADE, False, "it was never sent")
        if made.status in _UNDELIVERED:
            return Settled("undelivered", False, made.status, made.sid)
        return Settled("sent", True, "sent", made.sid)

    async def _found(self, number: str, since: datetime, text: str, id: str) -> Made | None:
        """The message of the Communication ``id`` among those that the carrier has: people may share a number, and a
        conversation may go on there. Raises RestFailed and :class:`Unreachable`."""
        for one in await self.api.messages(number, since):
            if _same(text, one.body):
                holders = await self.ledger.client.search(
                    "Communication", [("identifier", f"{CARRIED}|{one.sid}")]
                )
                if all(holder.get("id") == id for holder in holders):
                    return one
        return None

    async def told(self, id: str, status: str) -> None:
        """The carrier tells how a message goes on; only what did not arrive is of interest. Raises
        :class:`Unreachable`."""
        if status not in _UNDELIVERED:
            return
        resource = await self.ledger.client.read(f"Communication/{id}")
        if resource is None or resource.get("status") == "not-done":
            return
        made = {name: value for name, value in resource.items() if name not in ("meta", "text")}
        made |= {"status": "not-done", "statusReason": _reason("undelivered", status)}
        made.pop("received", None)
        await self.ledger.put(made, version_of(resource), "")
        await look_again(self.ledger, resource)

    async def write(
        self, errand: Errand, number: str, text: str, outcome: str, why: str, sid: str = ""
    ) -> None:
        """What cannot be written now is asked after later: the record is open until then."""
        now = self.ledger.clock.now()
        made = called_out(errand, number, self.ledger.speaker, now)
        made |= {
            "status": "completed" if outcome == "sent" else "not-done",
            "statusReason": _reason(outcome, why),
        }
        if text:
            made["payload"] = [{"contentString": without_links(text)}]
        if sid:
            made.setdefault("identifier", []).append({"system": CARRIED, "value": sid})
        del made["received"]
        try:
            await self.ledger.put(made, "", "")
        except Unreachable as error:
            log.warning("what became of a message is not on record yet: %s", error)


def _same(kept: str, body: str) -> bool:
    """Whether a message has the words that were kept of it. The carrier may put words before them (a trial account) or
    write quotation marks otherwise; a body that it does not tell may be any."""
    return not body or _letters(kept) in _letters(body)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, without_links(text).casefold()))


def _reason(outcome: str, why: str) -> JsonObject:
    return {"coding": [{"system": OUTCOME, "code": outcome}], "text": why}


def _failure(failed: RestFailed) -> str:
    if failed.code == _BARRED_THERE:
        return "opted-out"
    if failed.code in _NO_NUMBER:
        return "wrong-number"
    return UNMADE if failed.sure else "failed"


@dataclass
class TextDesk:
    """Implements :class:`fhirserver.ports.texts_out.TextsOut`. ``zone`` is the practice's; ``any_number``: also to
    numbers of no record; ``consent`` as a campaign's."""

    client: FhirClient
    sender: TextSender
    zone: str
    any_number: bool = False
    consent: Literal["required", "not-denied"] = "required"
    clock: Clock = field(default_factory=SystemClock)
    speaker: Speaker = field(default_factory=Speaker)

    def __post_init__(self) -> None:
        self._claims = Claims(self.client, self.clock, self.speaker)

    async def send(self, order: TextOrder, by: str) -> OrderedText:
        """Send one message for ``by``; the same id again tells how that one stands."""
        _check(order)
        try:
            errand = await self._claimed(order, by)
        except Unreachable:
            raise refuse(
                Category.BUSY, "transient", "The FHIR server does not answer; nothing was sent"
            ) from None
        if isinstance(errand, OrderedText):
            return errand
        try:
            sid = await self.sender.send(errand, order.to, order.text)
        except RestFailed as failed:
            advice = "order it again under another id" if failed.sure else "it may arrive nevertheless"
            raise refuse(Category.BUSY, "transient", f"{failed}; {advice}") from None
        return OrderedText(order.id, sid, errand.communication, "completed")

    async def _claimed(self, order: TextOrder, by: str) -> Errand | OrderedText:
        for _ in range(5):
            before = await self.client.search("Communication", [("identifier", f"{CALL_OUT}|{order.id}")])
            if before:
                return _again(order, before[0])
            number = await self._allowed(order)
            about = About("", order.patient, self.speaker.reference())
            await self.sender.ledger.make(audit("text_out", by, about, self.clock.now()), "", by)
            errand = Errand(
                "custom" if order.reason == "form" else order.reason, order.patient, id=order.id,
                contact=f"{order.patient.removeprefix('Patient/')}.{number}",
                channel="form" if order.reason == "form" else "sms",
            )  # fmt: skip
            reference = await self._claims.claim(errand, order.to, by, order.text)
            if reference:
                return replace(errand, communication=reference)
        raise refuse(Category.BUSY, "transient", "The patient is being contacted otherwise; try again later")

    async def _allowed(self, order: TextOrder) -> int:
        """The number of the next contact. Refuses what may not be."""
        patient, consents, flags, made = await read_all(
            self.client,
            [
                order.patient,
                f"Consent?patient={order.patient}&_count=200",
                f"Flag?patient={order.patient}&_count=200",
                f"Communication?patient={order.patient}&_sort=-sent&_count=100",
            ],
        )
        if not patient:
            raise _rule("There is no such patient")
        if (
            patient.get("deceasedBoolean")
            or patient.get("deceasedDateTime")
            or patient.get("active") is False
        ):
            raise _rule("The patient is deceased, or the record is not active")
        if not self.any_number and order.to not in numbers_for(patient, "sms"):
            raise _rule("The number is not one on the patient's record that gets messages")
        marks = [*_resources(flags), *await number_flags(self.client, "sms", order.to)]
        if why := barred(marks, "sms", order.to):
            raise _rule(f"No messages may go to this patient at this number: {why}")
        self._consented(_resources(consents), order)
        zones = zones_of(patient, order.to, self.zone)
        opens = next_open(self.clock.now(), opening(_QUIET, (), zones))
        if opens is None or opens > self.clock.now():
            raise _rule(f"No messages go out from 21:00 to 08:00 of the patient's day ({', '.join(zones)})")
        return next_number(contacts(_resources(made)))

    def _consented(self, consents: list[JsonObject], order: TextOrder) -> None:
        said = consented(consents, "sms", order.reason, self.clock.now())
        if said is Said.DENY:
            raise _rule("The patient has denied consent to be contacted by messages")
        if said is Said.NOTHING and self.consent == "required":
            raise _rule("There is no consent of the patient to be contacted by messages")


def _again(order: TextOrder, made: JsonObject) -> OrderedText:
    to: JsonObject = next(iter(made.get("recipient", ())), {})
    if (to.get("reference"), to.get("display")) != (order.patient, order.to):
        raise refuse(Category.CONFLICT, "duplicate", "This id is that of another message")
    why = str(made.get("statusReason", {}).get("text", ""))
    return OrderedText(order.id, "", f"Communication/{made['id']}", made["status"], why, repeated=True)


def _check(order: TextOrder) -> None:
    """Refuses (400) an order that cannot be read."""
    for name, value, pattern, words in (
        ("id", order.id, NAME, "1 to 64 letters, digits, '.', '_' or '-'"),
        ("to", order.to, NUMBER, "a number in E.164, such as +15555550123"),
        ("patient", order.patient, PATIENT, "a reference such as Patient/123"),
    ):
        if not pattern.match(value):
            raise refuse(Category.INVALID, "value", f"'{name}' is {words}", name)
    if not 1 <= len(order.text) <= 1_600:
        raise refuse(Category.INVALID, "value", "'text' has 1 to 1600 characters", "text")
    if order.reason not in (*PURPOSES, "form"):
        raise refuse(Category.INVALID, "value", f"'reason' is one of {', '.join(PURPOSES)} or form", "reason")


def _resources(bundle: JsonObject) -> list[JsonObject]:
    found = (entry.get("resource", {}) for entry in bundle.get("entry", ()))
    return [resource for resource in found if resource.get("resourceType") != "OperationOutcome"]


def _rule(diagnostics: str) -> Refusal:
    return refuse(Category.UNPROCESSABLE, "business-rule", diagnostics)
