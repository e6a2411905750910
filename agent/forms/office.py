"""The forms office: scans, makes forms, sends their links, and says how far each is (:mod:`fhirserver.ports.forms`)."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo

from agent.communication import OUTCOME, coded
from agent.forms.delivery import deliver
from agent.forms.links import Links, new_form_id
from agent.forms.questionnaire import questionnaire
from agent.forms.record import FORM_CODE, PatientFile, patient_file
from agent.forms.requirements import (
    SHIPPED,
    InvalidRequirements,
    RequirementSet,
    document_of,
    parse_requirements,
)
from agent.forms.scan import COOLING, Scan, scan
from agent.forms.task import (
    DONE,
    EXPIRED,
    FAILED,
    LOCKED,
    NOTHING_MISSING,
    READY,
    REVOKED,
    SENT,
    FormTask,
    form_task,
    moved,
    read_task,
)
from agent.forms.wording import of_link
from agent.requests import CONFIRMED, Basis
from agent.tools.client import Answer, FhirClient, Unreachable
from agent.tools.provenance import Speaker, header, provenance
from fhirserver.kernel.instants import Clock, instant
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.forms import (
    ASKED_LATELY,
    ENOUGH_FORMS,
    NO_NUMBER,
    NO_TELEPHONE,
    NOT_OPEN,
    FormOrder,
    FormState,
    LeftOut,
    MissingSubject,
    ScanResult,
)
from fhirserver.ports.forms import NOTHING_MISSING as NOTHING_IS_MISSING
from fhirserver.ports.texts_out import TextOrder, TextsOut
from fhirserver.world.configuration import KIND, NoConfiguration, configured
from fhirserver.world.spoken.identifiers import is_nanp, phone_key
from fhirserver.world.vocabulary import TASK_CODE

SPEAKER = Speaker("Credence forms")
NOTHING_MISSING_NOW = (NOTHING_IS_MISSING, "Nothing is missing of this patient")
ASKED_BEFORE = (ASKED_LATELY, "What is missing of this patient was asked for lately: 'scan' says what")
TOO_MANY = (
    ENOUGH_FORMS,
    "This patient had as many forms, or questions, as may be: 'scan' says what is left out",
)
_TRIES = 4
_Read = TypeVar("_Read")
_WORDS = {DONE: "completed", REVOKED: "revoked", SENT: "sent"}


@dataclass
class Office:
    """``client`` speaks as the agent; ``base`` is the address of the pages (``https://host/forms``); ``hours`` how long
    a link is good; ``texts`` sends messages, where there is a telephone."""

    client: FhirClient
    links: Links
    clock: Clock
    base: str
    zone: str = "America/New_York"
    hours: int = 168
    texts: Callable[[], TextsOut | None] = field(default=lambda: None)

    def today(self) -> date:
        """The day at the practice."""
        return self.clock.now().astimezone(ZoneInfo(self.zone)).date()

    # requirement sets

    async def requirement_sets(self) -> Sequence[JsonObject]:
        """Every set that is in force."""
        stored = await self._stored()
        sets = {**SHIPPED, **stored}
        return [
            {"id": id, "shipped": id not in stored, **document_of(one)} for id, one in sorted(sets.items())
        ]

    async def requirements(self, id: str) -> RequirementSet:
        """The set of that id. Refuses (404) what is none."""
        found = (await self._stored()).get(id) or SHIPPED.get(id)
        if found is None:
            raise refuse(Category.NOT_FOUND, "not-found", "There is no such requirement set", "requirements")
        return found

    def check_requirements(self, id: str, document: JsonObject) -> None:
        """Refuses (422) a document that is no requirement set."""
        try:
            parse_requirements(id, document)
        except InvalidRequirements as error:
            raise refuse(Category.UNPROCESSABLE, "value", str(error), error.pointer or "/") from None

    async def _stored(self) -> dict[str, RequirementSet]:
        """The configured sets that are active and can be read."""
        params = [("type", f"{KIND}|form"), ("status", "active"), ("_count", "100")]
        found: dict[str, RequirementSet] = {}
        for resource in await self.reading(self.client.search("Library", params)):
            try:
                read = configured(resource)
                found[read.id] = parse_requirements(read.id, {"title": read.title, **read.document})
            except (NoConfiguration, InvalidRequirements):
                continue
        return found

    # scanning

    async def scan(self, patient: str, requirements: str) -> ScanResult:
        """What is missing of a patient, and why."""
        needs, _, found = await self.scanned(patient, requirements)
        ask = tuple(MissingSubject(gap.subject, gap.why, _shown(gap.confidence)) for gap in found.gaps)
        return ScanResult(
            patient, needs.id, ask, tuple(LeftOut(one.subject, one.why) for one in found.skipped)
        )

    async def scanned(self, patient: str, requirements: str) -> tuple[RequirementSet, PatientFile, Scan]:
        """The set, what is on record, and what is missing. Refuses (404) where there is no such patient or set."""
        needs = await self.requirements(requirements)
        file = await self.file(patient, needs)
        return needs, file, scan(file, needs, self.clock.now())

    async def file(self, patient: str, needs: RequirementSet) -> PatientFile:
        """What is on record of a patient. Refuses (404) where there is none."""
        subjects = [one.subject for one in needs.require]
        aged = any(one.older_than_days for one in needs.require)
        found = await self.reading(patient_file(self.client, patient, subjects, self.today(), aged))
        if found is None:
            raise refuse(Category.NOT_FOUND, "not-found", "There is no such patient", "patient")
        return found

    async def preview(self, patient: str, requirements: str) -> JsonObject:
        """The Questionnaire that they would get."""
        needs, _, found = await self.scanned(patient, requirements)
        required = [gap.subject for gap in found.gaps if gap.required]
        made = questionnaire("preview", needs.title, found.subjects, required, instant(self.clock.now()))
        return {**made, "status": "draft"}

    # making

    async def make(self, order: FormOrder, by: str) -> FormState:
        """Make a form for what is missing. Refuses (409) where nothing is to be asked."""
        id = hashlib.sha256(order.id.encode()).hexdigest()[:24] if order.id else new_form_id()
        if order.id and (made := await self._task(id)) is not None:
            return self._made_before(made, order)
        needs, _, found = await self.scanned(order.patient, order.requirements)
        gaps = [gap for gap in found.gaps if not order.subjects or gap.subject in order.subjects]
        if not gaps:
            raise _nothing_to_ask(found, order.subjects)
        subjects, required = [gap.subject for gap in gaps], [gap.subject for gap in gaps if gap.required]
        now = self.clock.now()
        until = (now + timedelta(hours=self.hours)).replace(microsecond=0)
        task = form_task(
            id, order.patient, order.purpose, needs.id, subjects, required, now, until, by, order.about
        )
        asked = questionnaire(id, needs.title, subjects, required, instant(now))
        answer = await self.write([_new(asked), _new(task)], order.patient)
        if answer.taken and order.id:
            return self._made_before(await self.task(id), order)
        self._done(answer)
        return self.told(await self.task(id))

    def _made_before(self, task: FormTask, order: FormOrder) -> FormState:
        """Refuses (409) where it is another patient's: the name of an order was used twice."""
        if task.patient != order.patient:
            raise refuse(Category.CONFLICT, "duplicate", "This name is that of another patient's form")
        return replace(self.told(task), repeated=True)

    async def write(self, entries: list[JsonObject], patient: str) -> Answer:
        """A transaction by the agent. Refuses (503) where the server does not answer."""
        said = provenance(SPEAKER, Basis(CONFIRMED, "observed", ()), "", patient, self.clock.now())
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        try:
            return await self.client.send("POST", "", bundle, header(said))
        except Unreachable:
            raise _busy() from None

    def _done(self, answer: Answer) -> None:
        if not answer.ok:
            words = f"The form could not be kept: the server answered {answer.status}"
            raise refuse(Category.CONFLICT if answer.taken else Category.FAULT, "processing", words)

    # sending

    async def send(self, id: str, by: str) -> FormState:
        """Send the link as a text message; at most once for each form."""
        task = await self.task(id)
        link = self._address(task)
        texts = self.texts()
        if texts is None:
            words = "No messages can be sent: there is no telephone ([telephony]). Hand the link on instead"
            raise refuse(Category.CONFLICT, "not-supported", words, problem=NO_TELEPHONE)
        needs = await self.requirements(task.requirements)
        patient = await self.reading(self.client.read(task.patient)) or {}
        number = number_of(patient)
        if not number:
            words = (
                "The patient has no phone number to which a message could be sent. Hand the link on instead"
            )
            raise refuse(Category.CONFLICT, "business-rule", words, "patient", problem=NO_NUMBER)
        text = of_link(language_of(patient), needs.practice, link, self.hours)
        await deliver(texts, TextOrder(f"form-{id}", number, task.patient, text, "form"), by, self._outcome)
        return await self._sent(id)

    async def _outcome(self, communication: str) -> str:
        """What became of a message: a code of outreach-outcome."""
        found = await self.reading(self.client.read(communication)) or {}
        return coded([found.get("statusReason", {})], OUTCOME)

    async def link(self, id: str) -> str:
        """The address of the form's page. Whoever asks for it hands it on: the form counts as sent."""
        address = self._address(await self.task(id))
        await self._sent(id)
        return address

    async def _sent(self, id: str) -> FormState:
        now = self.clock.now()
        return await self.change(id, lambda one: moved(one, SENT, now) if one.status == READY else None)

    def _address(self, task: FormTask) -> str:
        if not task.is_open or task.is_overdue(self.clock.now()):
            words = "The form is not open any more"
            raise refuse(Category.CONFLICT, "business-rule", words, "form", problem=NOT_OPEN)
        link = self.links.make(task.id, int(task.until.timestamp()), task.patient, task.purpose)
        return f"{self.base}/{link}"

    async def revoke(self, id: str, by: str, reason: str) -> FormState:
        """Take a form back."""

        def taken_back(task: FormTask) -> JsonObject | None:
            if task.status == DONE:
                raise refuse(Category.CONFLICT, "business-rule", "The form has been completed", "form")
            return moved(task, REVOKED, self.clock.now(), words=reason) if task.is_open else None

        return await self.change(id, taken_back)

    async def change(self, id: str, make: Callable[[FormTask], JsonObject | None]) -> FormState:
        """Write a form's Task anew, on its newest version; None: it is as it should be."""
        for _ in range(_TRIES):
            task = await self.task(id)
            changed = make(task)
            if changed is None:
                return self.told(task)
            answer = await self.write([_update(changed, task.version)], task.patient)
            if not answer.taken:
                self._done(answer)
                return self.told(await self.task(id))
        raise _busy()

    # telling

    async def task(self, id: str) -> FormTask:
        """The Task of a form. Refuses (404) what is none."""
        found = await self._task(id)
        if found is None:
            raise refuse(Category.NOT_FOUND, "not-found", "There is no such form", "form")
        return found

    async def _task(self, id: str) -> FormTask | None:
        resource = await self.reading(self.client.read(f"Task/{id}"))
        return read_task(resource) if resource else None

    async def state(self, id: str) -> FormState:
        """How far a form is."""
        return self.told(await self.task(id))

    async def list(
        self, patient: str = "", status: str = "", after: str = "", limit: int = 50
    ) -> Sequence[FormState]:
        """The newest first, those behind the form ``after``. Refuses (400) one that is not in the list."""
        params = [("code", f"{TASK_CODE}|{FORM_CODE}"), ("_sort", "-authored-on"), ("_count", "200")]
        if patient:
            params.append(("patient", patient))
        found = await self.reading(self.client.search("Task", params))
        tasks = [task for one in found if (task := read_task(one)) is not None]
        states = [self.told(task) for task in sorted(tasks, key=lambda one: (one.made, one.id), reverse=True)]
        place = next((i + 1 for i, one in enumerate(states) if one.id == after), 0)
        if after and not place:
            raise refuse(Category.INVALID, "value", "'cursor' names no form of this list", "cursor")
        return [one for one in states[place:] if not status or one.status == status][:limit]

    def told(self, task: FormTask) -> FormState:
        """A Task as the port says it."""
        outputs = (
            str(o.get("valueReference", {}).get("reference", "")) for o in task.resource.get("output", ())
        )
        return FormState(
            task.id,
            self.status_of(task),
            task.patient,
            task.purpose,
            task.requirements,
            task.subjects,
            instant(task.made),
            instant(task.until),
            task.reference,
            f"Questionnaire/{task.id}",
            next(outputs, ""),
        )

    def status_of(self, task: FormTask) -> str:
        """The word for how far it is."""
        if task.is_overdue(self.clock.now()) or task.why == EXPIRED:
            return EXPIRED
        if task.status == FAILED:
            return LOCKED if task.why == LOCKED else EXPIRED
        return NOTHING_MISSING if task.why == NOTHING_MISSING else _WORDS.get(task.status, task.status)

    async def reading(self, asked: Awaitable[_Read]) -> _Read:
        """What was asked of the server. Refuses (503) where it does not answer."""
        try:
            return await asked
        except Unreachable:
            raise _busy() from None


def _busy() -> Refusal:
    return refuse(Category.BUSY, "transient", "The record cannot be reached just now; please try again")


def _nothing_to_ask(found: Scan, subjects: Collection[str]) -> Refusal:
    """Why there is no form now."""
    left_out = {one.why for one in found.skipped if not subjects or one.subject in subjects}
    problem, words = NOTHING_MISSING_NOW
    if left_out:
        problem, words = ASKED_BEFORE if left_out & {COOLING} else TOO_MANY
    return refuse(Category.CONFLICT, "business-rule", words, "patient", problem=problem)


def _shown(confidence: Decimal | None) -> str:
    return "" if confidence is None else str(confidence)


def _new(resource: JsonObject) -> JsonObject:
    """An entry that makes a resource under an id of its own, once."""
    request = {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}", "ifNoneMatch": "*"}
    return {"resource": resource, "request": request}


def _update(resource: JsonObject, version: str) -> JsonObject:
    request = {
        "method": "PUT",
        "url": f"{resource['resourceType']}/{resource['id']}",
        "ifMatch": f'W/"{version}"',
    }
    return {"resource": resource, "request": request}


def number_of(patient: JsonObject) -> str:
    """The number for messages in E.164: a mobile one rather than another; empty where there is none."""
    phones = [
        one
        for one in patient.get("telecom", ())
        if one.get("system") in ("phone", "sms")
        and one.get("use") != "old"
        and is_nanp(str(one.get("value", "")))
    ]
    phones.sort(key=lambda one: one.get("use") != "mobile")
    return f"+1{phone_key(str(phones[0]['value']))}" if phones else ""


def language_of(patient: JsonObject) -> str:
    """The language in which a patient is written to: theirs, where we have it."""
    spoken = [*patient.get("communication", ())]
    spoken.sort(key=lambda one: one.get("preferred") is not True)
    codes = [c.get("code", "") for one in spoken[:1] for c in one.get("language", {}).get("coding", ())]
    return "es" if any(str(code).lower().startswith("es") for code in codes) else "en"
