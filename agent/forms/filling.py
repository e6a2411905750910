"""A form that is being filled in: opened by its link, saved answer by answer, sent in exactly once.

What is saved is a QuestionnaireResponse of the form's id. Sending in is one transaction: the completed response, the
claims that rest on it, and the Task that says so, each on the version that was read. So whatever dies in between, all
of it happened or none, and a second time finds the Task completed.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from agent.campaigns.ledger import Ledger
from agent.campaigns.look_again import look_at
from agent.forms.answers import Answers, Unreadable, from_items, lacking, read, to_items
from agent.forms.catalogue import QUESTIONS, asked_in
from agent.forms.claims import Form, FormClaim, claims
from agent.forms.links import Link, parse
from agent.forms.office import SPEAKER, Office
from agent.forms.pictures import Cards, document
from agent.forms.questionnaire import questionnaire, url_of
from agent.forms.questions import PHOTO, Words
from agent.forms.record import PatientFile
from agent.forms.requirements import RequirementSet
from agent.forms.scan import find
from agent.forms.task import (
    BEGUN,
    DONE,
    EXPIRED,
    FAILED,
    LOCKED,
    NOTHING_MISSING,
    FormTask,
    answered_by,
    moved,
    narrowed,
    read_task,
)
from agent.requests import CONFIRMED, Basis
from agent.tools.client import FhirClient, Unreachable, version_of
from agent.tools.provenance import Speaker, header, provenance
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import Json, JsonObject, dumps
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.world.judge.forms import answer_turns
from fhirserver.world.spoken.names import mentions
from fhirserver.world.vocabulary import ENTRY_PROVENANCE

_TRIES = 6
_RESPONSE = "QuestionnaireResponse"
log = logging.getLogger("credence.forms")


class Closed(Enum):
    """Why a link opens nothing."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    REVOKED = "revoked"
    LOCKED = "locked"
    DONE = "done"


class LinkClosed(Exception):
    """A link that opens nothing, and why. ``form`` is its id where the link is ours."""

    def __init__(self, why: Closed, form: str = "", patient: str = ""):
        self.why, self.form, self.patient = why, form, patient
        super().__init__(why.value)


@dataclass(frozen=True)
class OpenForm:
    """A form as it stands: its Task, the patient's record, what was answered so far and the version of that."""

    task: FormTask
    needs: RequirementSet
    patient: JsonObject
    answers: Answers
    version: str = ""
    response: JsonObject = field(default_factory=dict)

    @property
    def subjects(self) -> tuple[str, ...]:
        return self.task.subjects


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of answers: those that could not be taken by link id, and the form as it stands now."""

    form: OpenForm
    errors: Mapping[str, Words]


@dataclass
class Filling:
    """Opens, saves and sends in. ``client`` speaks as the patient's forms do; ``types`` are the resource types that
    this source may speak of."""

    office: Office
    client: FhirClient
    types: Collection[str]
    cards: Cards | None = None

    # opening

    async def opened(self, text: str) -> FormTask:
        """The form of a link. Raises :class:`LinkClosed`."""
        link = parse(text)
        task = await self._task(link.form) if link is not None else None
        if link is None or task is None or not self._is_ours(link, task):
            raise LinkClosed(Closed.UNKNOWN)
        why = self._closed(link, task)
        if why is not None:
            raise LinkClosed(why, task.id, task.patient)
        return task

    async def _task(self, id: str) -> FormTask | None:
        found = await self.office.reading(self.client.read(f"Task/{id}"))
        return read_task(found) if found else None

    def _is_ours(self, link: Link, task: FormTask) -> bool:
        return self.office.links.is_ours(link, task.patient, task.purpose)

    def _closed(self, link: Link, task: FormTask) -> Closed | None:
        if not task.is_open:
            return _why_closed(task)
        now = self.office.clock.now().timestamp()
        return Closed.EXPIRED if now >= min(link.until, task.until.timestamp()) else None

    async def load(self, task: FormTask) -> OpenForm:
        """The form with what was answered so far. Raises :class:`LinkClosed` where it was sent in since its Task was
        read: the answers do not change any more."""
        needs = await self.office.requirements(task.requirements)
        patient = await self.office.reading(self.client.read(task.patient)) or {}
        response = await self.office.reading(self.client.read(f"{_RESPONSE}/{task.id}")) or {}
        if response.get("status") == "completed":
            raise LinkClosed(Closed.DONE, task.id, task.patient)
        return OpenForm(
            task, needs, patient, from_items(response.get("item")), version_of(response), response
        )

    async def reshaped(self, form: OpenForm) -> OpenForm:
        """The form without what became known meanwhile; what was answered on it stays. Raises :class:`LinkClosed` where
        nothing is left to ask."""
        file = await self.office.file(form.task.patient, form.needs)
        left = [one for one in form.subjects if self._still(one, form, file)]
        if len(left) == len(form.subjects):
            return form
        task, now = form.task, self.office.clock.now()
        if not left:
            await self.office.change(task.id, lambda one: moved(one, DONE, now, NOTHING_MISSING))
            raise LinkClosed(Closed.DONE, task.id, task.patient)
        required = [one for one in task.required if one in left]
        asked = questionnaire(task.id, form.needs.title, left, required, instant(now))
        entries: list[JsonObject] = [_put(asked), _put(narrowed(task, left, now), task.version)]
        answer = await self.office.write(entries, task.patient)
        fresh = await self._task(task.id) if answer.ok or answer.taken else None
        return OpenForm(fresh or task, form.needs, form.patient, form.answers, form.version, form.response)

    def _still(self, subject: str, form: OpenForm, file: PatientFile) -> bool:
        """Whether a subject is still to be asked for."""
        if any(form.answers.get(one.link_id) for one in asked_in({subject})):
            return True
        need = next((one for one in form.needs.require if one.subject == subject), None)
        return need is None or find(file, need, self.office.clock.now()) is not None

    async def lock(self, task: FormTask) -> None:
        """Too many wrong answers to the question whose form it is: nobody comes in any more."""
        now = self.office.clock.now()
        words = "Somebody gave too many wrong birth dates"
        await self.office.change(
            task.id, lambda one: moved(one, FAILED, now, LOCKED, words) if one.is_open else None
        )

    # saving

    async def save(self, form: OpenForm, given: Mapping[str, Json]) -> Saved:
        """Keep answers by link id; one that is empty takes back what was answered. What cannot be taken is said, the
        rest is kept. Of two who save at once both are kept; of one question the later answer counts."""
        taken, errors = self._read(form, given)
        return Saved(await self._merged(form, taken), errors)

    async def _merged(self, form: OpenForm, taken: Answers) -> OpenForm:
        """Keep answers beside those that are there by now."""
        for _ in range(_TRIES):
            answers = {link: answer for link, answer in {**form.answers, **taken}.items() if answer}
            items = to_items(form.subjects, answers)
            if items == form.response.get("item", []):
                return form
            if await self._keep(form, self._response(form, items, "in-progress")):
                await self._begun(form.task)
                return await self.load(form.task)
            form = await self.load(await self.opened_again(form.task))
        raise refuse(Category.BUSY, "transient", "The form is being saved elsewhere; please try again")

    async def opened_again(self, task: FormTask) -> FormTask:
        """The Task as it is by now. Raises :class:`LinkClosed` where the form is not open any more."""
        fresh = await self.office.task(task.id)
        if not fresh.is_open:
            raise LinkClosed(_why_closed(fresh), task.id, task.patient)
        return fresh

    def _read(self, form: OpenForm, given: Mapping[str, Json]) -> tuple[dict[str, str], dict[str, Words]]:
        asked = {one.link_id for one in asked_in(set(form.subjects)) if one.kind != PHOTO}
        taken: dict[str, str] = {}
        errors: dict[str, Words] = {}
        for link in asked & given.keys():
            try:
                taken[link] = read(QUESTIONS[link], given[link], self.office.today())
            except Unreadable as error:
                errors[link] = error.words
        return taken, errors

    async def _keep(self, form: OpenForm, response: JsonObject) -> bool:
        """Write the response on the version that was read; False where somebody else was first."""
        now = {"If-Match": f'W/"{form.version}"'} if form.version else {"If-None-Match": "*"}
        said = self._said(form.task, ())
        path = f"{_RESPONSE}/{form.task.id}"
        try:
            answer = await self.client.send("PUT", path, response, {**header(said), **now})
        except Unreachable:
            raise refuse(Category.BUSY, "transient", "The answer could not be kept just now") from None
        if not answer.ok and not answer.taken:
            raise refuse(Category.FAULT, "processing", f"The answer could not be kept: {answer.status}")
        return answer.ok

    def _response(self, form: OpenForm, items: list[JsonObject], status: str) -> JsonObject:
        patient = {"reference": form.task.patient}
        made: JsonObject = {
            "resourceType": _RESPONSE,
            "id": form.task.id,
            "questionnaire": url_of(form.task.id),
            "status": status,
            "subject": patient,
            "author": patient,
            "source": patient,
            "authored": instant(self.office.clock.now()),
        }
        return made | ({"item": items} if items else {})

    async def _begun(self, task: FormTask) -> None:
        """The first answer was saved: the Task says so. Somebody else may have said it."""
        if task.status == BEGUN:
            return
        changed = moved(task, BEGUN, self.office.clock.now())
        await self.office.write([_put(changed, task.version)], task.patient)

    def _said(self, task: FormTask, turns: tuple[int, ...], evidence: str = "", mode: str = "") -> JsonObject:
        """Who says it: the patient, on what evidence."""
        basis = Basis(CONFIRMED, "self-reported", turns)
        now = self.office.clock.now()
        return provenance(Speaker("Patient", task.patient), basis, evidence, task.patient, now, mode)

    # the photo of a card

    async def picture(self, form: OpenForm, link_id: str, content: bytes, kind: str) -> Saved:
        """Keep a picture as a DocumentReference, and that as the answer."""
        id = f"{form.task.id}-{link_id.rpartition('-')[2]}"
        made = document(id, form.task.patient, content, kind, self.office.clock.now())
        headers = header(self._said(form.task, ()))
        try:
            answer = await self.client.send("PUT", f"DocumentReference/{id}", made, headers)
        except Unreachable:
            raise refuse(Category.BUSY, "transient", "The picture could not be kept just now") from None
        if not answer.ok:
            raise refuse(Category.FAULT, "processing", f"The picture could not be kept: {answer.status}")
        return Saved(await self._merged(form, {link_id: f"DocumentReference/{id}"}), {})

    # sending in

    async def send_in(self, form: OpenForm) -> Mapping[str, Words]:
        """Complete the form; what still has to be answered, or nothing where it is done (now, or before)."""
        for _ in range(_TRIES):
            missing = lacking(form.subjects, form.task.required, form.answers)
            if missing:
                return missing
            if await self._complete(form):
                await self._look_again(form.task)
                return {}
            task = await self.office.task(form.task.id)
            if task.status == DONE:
                return {}
            form = await self.load(await self.opened_again(task))
        raise refuse(Category.BUSY, "transient", "The form could not be sent just now; please try again")

    async def _complete(self, form: OpenForm) -> bool:
        """One transaction; False where it has to be looked at again: somebody was faster, or no answer came."""
        now = self.office.clock.now()
        entries = await self._entries(form, now)
        said = header(self._said(form.task, ()))
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        try:
            answer = await self.client.send("POST", "", bundle, said)
        except Unreachable:
            return False
        if not answer.ok and not answer.taken:
            raise refuse(Category.FAULT, "processing", f"The form could not be sent: {answer.status}")
        return answer.ok

    async def _look_again(self, task: FormTask) -> None:
        """What the form was made for (an outreach) learns of it at once; without that, when its turn comes."""
        reference = str(task.resource.get("reasonReference", {}).get("reference", ""))
        if not reference.startswith("CommunicationRequest/"):
            return
        try:
            await look_at(Ledger(self.office.client, self.office.clock, SPEAKER), reference)
        except Unreachable:
            log.info("an outreach learns later that its form was filled in")

    async def _entries(self, form: OpenForm, now: datetime) -> list[JsonObject]:
        response = self._response(form, to_items(form.subjects, form.answers), "completed")
        reference = f"{_RESPONSE}/{form.task.id}"
        file = await self.office.file(form.task.patient, form.needs)
        payer = await self._payer(form.answers.get("coverage-payer", ""))
        filled = Form(form.task.id, file, form.answers, now, payer)
        turns = answer_turns(response)
        made = claims(filled, form.subjects, self.types)
        return [
            _put(response, form.version),
            _put(answered_by(form.task, reference, now), form.task.version),
            *(self._entry(form.task, claim, reference, turns) for claim in made),
        ]

    def _entry(self, task: FormTask, claim: FormClaim, evidence: str, turns: Mapping[str, int]) -> JsonObject:
        said = tuple(turns[link] for link in claim.rests_on if link in turns)
        stated = self._said(task, said, evidence, "partial" if claim.partial else "full")
        entry = _put(claim.resource)
        entry["request"]["extension"] = [{"url": ENTRY_PROVENANCE, "valueString": dumps(stated).decode()}]
        return entry

    async def _payer(self, name: str) -> JsonObject:
        """The one organisation of that name, else only the name as it was written."""
        if not name.strip():
            return {}
        found = await self.office.reading(self.client.search("Organization", [("name", name.split()[0])]))
        exact = [one for one in found if str(one.get("name", "")).casefold() == name.strip().casefold()]
        alike = exact or [one for one in found if mentions(name, str(one.get("name", "")))]
        if len(alike) == 1:
            return {"reference": f"Organization/{alike[0]['id']}", "display": alike[0]["name"]}
        return {"display": name.strip()}


def _why_closed(task: FormTask) -> Closed:
    """Why a form that is not open is closed."""
    if task.status == DONE:
        return Closed.DONE
    if task.status == FAILED:
        return Closed.LOCKED if task.why == LOCKED else Closed.EXPIRED
    return Closed.EXPIRED if task.why == EXPIRED else Closed.REVOKED


def _put(resource: JsonObject, version: str = "") -> JsonObject:
    """An entry of a transaction, guarded by the version that was read where one is given."""
    request: JsonObject = {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}
    if version:
        request["ifMatch"] = f'W/"{version}"'
    return {"resource": resource, "request": request}
