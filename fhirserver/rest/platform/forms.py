"""``/platform/forms``: what is missing of a patient, the forms that ask for it, and the sets of what is needed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import Field, StringConstraints

from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.forms import FORMS_OFF, FormOrder, Forms, FormState
from fhirserver.rest.platform.described import problems
from fhirserver.rest.platform.fhir import etag_of
from fhirserver.rest.platform.rights import Asked, Right, needs
from fhirserver.rest.platform.shapes import (
    Cursor,
    Instant,
    Limit,
    Line,
    Link,
    Page,
    Reference,
    Sent,
    Told,
    paged,
)
from fhirserver.rest.platform.versions import IfMatch
from fhirserver.world.configuration import Configured, NoConfiguration, configured, library

router = APIRouter(prefix="/forms", tags=["forms"])

Reading = Annotated[Asked, needs(Right.READ)]
Acting = Annotated[Asked, needs(Right.ACT)]
Configuring = Annotated[Asked, needs(Right.CONFIGURE)]
PatientReference = Annotated[Reference, Field(pattern=r"^Patient/[A-Za-z0-9.-]{1,64}$")]
SetId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$", max_length=64)]
FormId = Annotated[str, Path(pattern=r"^[0-9a-f]{24}$", min_length=24, max_length=24)]
Status = Literal[
    "ready", "sent", "in-progress", "completed", "revoked", "expired", "locked", "nothing-missing"
]
Subject = Literal[
    "birth-date", "phone", "email", "address", "language", "emergency-contact", "guardian", "coverage", "reason",
    "pharmacy", "allergies", "medications", "consent-texts", "consent-calls",
]  # fmt: skip
"""What can be asked for."""


Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{0,255}$",
        max_length=255,
        description="A name of this one form: the same again makes none, however much later.",
    ),
]


class Asking(Sent):
    """Whom, and by which requirement set."""

    patient: PatientReference
    requirements: SetId = "missing-data"


class Missing(Told):
    """One thing to ask for. `confidence` is that of the best of what is known; null where nothing is."""

    subject: str
    why: Literal["missing", "unverified", "expired", "old"]
    confidence: float | None = None


class LeftOut(Told):
    """Something that is missing and not asked for now, and why not."""

    subject: str
    why: str


class Scanned(Told):
    """What a patient would be asked now."""

    patient: Link | None
    requirements: str
    ask: list[Missing]
    left_out: list[LeftOut]


class NewForm(Sent):
    """A form for what is missing. `subjects` narrow what is asked for; `about` is what it is for, such as an
    Appointment. With `send`, the link goes out as a text message at once."""

    patient: PatientReference
    requirements: SetId = "missing-data"
    purpose: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")] = "operator"
    about: Reference | None = None
    subjects: Annotated[list[Subject], Field(max_length=14)] = []
    send: bool = False


class Form(Told):
    """A form, and how far it is. `response` has the answers once they were sent in."""

    id: str
    status: Status
    patient: Link | None
    purpose: str
    requirements: str
    subjects: list[str]
    made: Instant
    until: Instant
    task: Link | None
    questionnaire: Link | None
    response: Link | None = None
    repeated: bool = False


_REPEATED: dict[int | str, dict[str, Any]] = {200: {"description": "It was made before", "model": Form}}


class FormLink(Told):
    """The address of the form's page. Whoever has it can open the form: hand it to the patient only."""

    url: str
    until: Instant


class Revocation(Sent):
    """Why a form is taken back."""

    reason: Line


class Requirement(Sent):
    """One thing that is to be known."""

    subject: Subject
    least: Annotated[float, Field(ge=0, le=1)] = 0.5
    older_than_days: Annotated[int, Field(ge=0, le=36500)] = 0
    cool_down_days: Annotated[int, Field(ge=0, le=3650)] = 30
    required: bool = False


class RequirementSet(Sent):
    """What a practice wants to know of a patient."""

    title: Annotated[str, StringConstraints(max_length=120)] = ""
    practice: Annotated[str, StringConstraints(max_length=120)] = ""
    identify: Literal["birth-date", "none"] = "birth-date"
    most_questions: Annotated[int, Field(ge=1, le=60)] = 20
    most_forms_per_month: Annotated[int, Field(ge=1, le=60)] = 4
    require: Annotated[list[Requirement], Field(min_length=1, max_length=14)]


class RequirementSetTold(RequirementSet):
    """A set that is in force. `shipped`: it came with the server, and nobody has changed it."""

    id: Annotated[str, StringConstraints(max_length=64)]
    shipped: bool


@router.post("/scan", summary="Find what is missing of a patient", responses=problems(404, 409))
async def scan_patient(sent: Asking, asked: Reading) -> Scanned:
    """What is missing or unverified and would be asked for now; and what is missing and would not, with the reason."""
    found = await _forms(asked).scan(sent.patient, sent.requirements)
    ask = [
        Missing.model_validate(
            {
                "subject": one.subject,
                "why": one.why,
                "confidence": float(one.confidence) if one.confidence else None,
            }
        )
        for one in found.ask
    ]
    left_out = [LeftOut(subject=one.subject, why=one.why) for one in found.left_out]
    patient = asked.link(found.patient)
    return Scanned(patient=patient, requirements=found.requirements, ask=ask, left_out=left_out)


@router.post(
    "/preview", summary="See the Questionnaire that a patient would get", responses=problems(404, 409)
)
async def preview_form(sent: Asking, asked: Reading) -> dict[str, Any]:
    """A FHIR R4 Questionnaire with the status `draft`. Nothing is kept."""
    return dict(await _forms(asked).preview(sent.patient, sent.requirements))


@router.post("", status_code=201, summary="Make a form", responses=_REPEATED | problems(404, 409))
async def create_form(sent: NewForm, asked: Acting, response: Response, idempotency_key: Key = "") -> Form:
    """For what is missing now. 409 where nothing is to be asked; the end of the problem's `type` says why:
    `nothing-missing`, `asked-lately`, `enough-forms` (this month), or `forms-off` where there are none here. With the
    same `Idempotency-Key` again, the form that was made (200)."""
    name = f"{asked.name}/{idempotency_key}" if idempotency_key else ""
    order = FormOrder(
        sent.patient, sent.requirements, sent.purpose, name, sent.about or "", tuple(sent.subjects)
    )
    forms = _forms(asked)
    made = await forms.make(order, asked.name)
    if made.repeated:
        response.status_code = 200
    if sent.send and made.status == "ready":
        made = await forms.send(made.id, asked.name)
    return _told(asked, made)


@router.get("", summary="List forms", responses=problems(409))
async def list_forms(
    asked: Reading,
    patient: Annotated[str, Query(pattern=r"^$|^Patient/[A-Za-z0-9.-]{1,64}$", max_length=72)] = "",
    status: Annotated[Status | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Page[Form]:
    """The newest first."""
    found = await _forms(asked).list(patient, status or "", cursor, limit + 1)
    following = found[limit - 1].id if len(found) > limit else None
    return Page(items=[_told(asked, one) for one in found[:limit]], next=following)


@router.get("/requirement-sets", summary="List requirement sets", responses=problems(409))
async def list_requirement_sets(
    asked: Reading, limit: Limit = 50, cursor: Cursor = ""
) -> Page[RequirementSetTold]:
    """Those that came with the server, and those that were configured."""
    found = await _forms(asked).requirement_sets()
    return paged([(str(one["id"]), _set(one)) for one in found], cursor, limit)


@router.put(
    "/requirement-sets/{set_id}",
    summary="Configure a requirement set",
    responses=problems(404, 409, 412),
)
async def configure_requirement_set(
    set_id: Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$", max_length=64)],
    sent: RequirementSet,
    asked: Configuring,
    response: Response,
    if_match: IfMatch = "",
) -> RequirementSetTold:
    """Make a set, or take the place of one; a set that came with the server is replaced by one of its id. It is a FHIR
    Library with versions and provenance."""
    document: JsonObject = sent.model_dump(mode="json")
    _forms(asked).check_requirements(set_id, document)
    before = await asked.fhir.find("Library", set_id)
    if before is not None:
        _check_is_set(before)
    stated = library(Configured("form", set_id, sent.title or set_id, document, "active"))
    stored = await asked.fhir.update(stated, if_match)
    response.headers["ETag"] = etag_of(stored)
    return RequirementSetTold(id=set_id, shipped=False, **sent.model_dump())


@router.get("/{form_id}", summary="Read a form", responses=problems(404, 409))
async def read_form(form_id: FormId, asked: Reading) -> Form:
    """How far it is."""
    return _told(asked, await _forms(asked).state(form_id))


@router.post("/{form_id}/send", summary="Send a form's link", responses=problems(404, 409))
async def send_form(form_id: FormId, asked: Acting) -> Form:
    """As a text message to the patient's number; at most once for each form. 409 where there is no telephone."""
    return _told(asked, await _forms(asked).send(form_id, asked.name))


@router.post("/{form_id}/link", summary="Get a form's link", responses=problems(404, 409))
async def link_form(form_id: FormId, asked: Acting) -> FormLink:
    """For whoever hands it to the patient: at the desk, in a chat, on a call."""
    forms = _forms(asked)
    state = await forms.state(form_id)
    return FormLink(url=await forms.link(form_id), until=parse_instant(state.until))


@router.post("/{form_id}/revoke", summary="Take a form back", responses=problems(404, 409))
async def revoke_form(form_id: FormId, sent: Revocation, asked: Acting) -> Form:
    """Its link is good for nothing from now on."""
    return _told(asked, await _forms(asked).revoke(form_id, asked.name, sent.reason))


def _forms(asked: Asked) -> Forms:
    forms = asked.platform.forms
    if forms is None:
        words = "There are no forms: [forms] is off, or its source is not among the sources; see 'credence doctor'"
        raise refuse(Category.CONFLICT, "not-supported", words, problem=FORMS_OFF)
    return forms


def _told(asked: Asked, one: FormState) -> Form:
    return Form.model_validate(
        {
            "id": one.id,
            "status": one.status,
            "patient": asked.link(one.patient),
            "purpose": one.purpose,
            "requirements": one.requirements,
            "subjects": list(one.subjects),
            "made": parse_instant(one.made),
            "until": parse_instant(one.until),
            "task": asked.link(one.task),
            "questionnaire": asked.link(one.questionnaire),
            "response": asked.link(one.response),
            "repeated": one.repeated,
        }
    )


def _set(document: JsonObject) -> RequirementSetTold:
    return RequirementSetTold.model_validate(document)


def _check_is_set(resource: JsonObject) -> None:
    """Refuses (409) to take the place of what is no requirement set."""
    try:
        kind = configured(resource).kind
    except NoConfiguration:
        kind = ""
    if kind != "form":
        words = "Something else has this id: choose another"
        raise refuse(Category.CONFLICT, "conflict", words, "set_id")
