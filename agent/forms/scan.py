"""The gap scanner: what of a requirement set is missing, unverified, expired or old in what is on record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from agent.campaigns.consents import CHANNEL
from agent.forms.catalogue import CATALOGUE
from agent.forms.questions import Question
from agent.forms.record import PatientFile, confidence, current
from agent.forms.requirements import Requirement, RequirementSet
from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.world.spoken.identifiers import is_nanp
from fhirserver.world.vocabulary import PREFERRED_PHARMACY

MISSING, UNVERIFIED, EXPIRED, OLD = "missing", "unverified", "expired", "old"
"""Why something is asked for."""
COOLING, MONTHLY, CAPPED, INAPPLICABLE = (
    "asked lately",
    "forms of this month",
    "questions of a form",
    "does not apply",
)
"""Why something is not asked for although it is missing."""
_PHARMACY_OF_R5: Final = "http://hl7.org/fhir/StructureDefinition/patient-preferredPharmacy"
"""As an EHR may have it; R4 does not define it."""
CHANNELS: Final = {"consent-texts": "sms", "consent-calls": "call"}
MONTH = timedelta(days=30)
ADULT = 18
_ELEMENT = {"birth-date": "birthDate", "phone": "telecom", "email": "telecom", "address": "address",
            "language": "communication", "emergency-contact": "contact", "pharmacy": "extension"}  # fmt: skip
_GONE = ("cancelled", "rejected", "entered-in-error")
_READY = "ready"


@dataclass(frozen=True, slots=True)
class Gap:
    """One subject that is to be asked for. ``confidence`` is how sure the best of what is known is, where something
    is; ``required`` whether the form cannot be sent without it."""

    subject: str
    why: str
    confidence: Decimal | None = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Skipped:
    """A subject that is missing and not asked for now."""

    subject: str
    why: str


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found: what to ask for, and what not although it is missing."""

    gaps: tuple[Gap, ...]
    skipped: tuple[Skipped, ...] = ()

    @property
    def subjects(self) -> tuple[str, ...]:
        return tuple(gap.subject for gap in self.gaps)


def scan(file: PatientFile, needs: RequirementSet, now: datetime) -> Scan:
    """What is to be asked for, in the order in which it is asked. ``now`` is aware."""
    found = {one.subject: gap for one in needs.require if (gap := find(file, one, now)) is not None}
    if found and _forms_since(file, now - MONTH, now) >= needs.most_forms_per_month:
        return Scan((), tuple(Skipped(subject, MONTHLY) for subject in CATALOGUE if subject in found))
    gaps: list[Gap] = []
    skipped: list[Skipped] = []
    left = needs.most_questions
    for subject in _by_weight(found, needs):
        need = next(one for one in needs.require if one.subject == subject)
        if _asked_lately(file, need, now):
            skipped.append(Skipped(subject, COOLING))
        elif (many := _counted(CATALOGUE[subject].questions)) > left:
            skipped.append(Skipped(subject, CAPPED))
        else:
            left -= many
            gaps.append(found[subject])
    order = list(CATALOGUE)
    gaps.sort(key=lambda gap: order.index(gap.subject))
    return Scan(tuple(gaps), tuple(skipped))


def _by_weight(found: dict[str, Gap], needs: RequirementSet) -> list[str]:
    """What is required first, else as the set has it: what comes late falls to the cap."""
    order = {one.subject: (not one.required, place) for place, one in enumerate(needs.require)}
    return sorted(found, key=lambda subject: order[subject])


def _counted(questions: Sequence[Question]) -> int:
    return len(questions)


def find(file: PatientFile, need: Requirement, now: datetime) -> Gap | None:
    """Whether one subject is to be asked for, whatever was asked before."""
    if not _applies(file, need.subject):
        return None
    known = list(_KNOWN[need.subject](file))
    if not known:
        why = EXPIRED if need.subject == "coverage" and file.all("Coverage") else MISSING
        return Gap(need.subject, why, None, need.required)
    surest = max(known)
    if surest < need.least:
        return Gap(need.subject, UNVERIFIED, surest, need.required)
    if need.older_than_days and _is_old(file, need, now):
        return Gap(need.subject, OLD, surest, need.required)
    return None


def _applies(file: PatientFile, subject: str) -> bool:
    if subject == "guardian":
        return file.age is not None and file.age < ADULT
    if subject == "reason":
        return bool(_visits(file))
    return True


def _is_old(file: PatientFile, need: Requirement, now: datetime) -> bool:
    said = file.said.get(_ELEMENT.get(need.subject, ""))
    if said is None and need.subject in ("allergies", "medications"):
        moments = [
            _changed(one)
            for one in file.all("AllergyIntolerance", "MedicationStatement", "MedicationRequest")
        ]
        said = max((one for one in moments if one), default=None)
    return said is not None and now - said > timedelta(days=need.older_than_days)


def _changed(resource: JsonObject) -> datetime | None:
    try:
        return parse_instant(str(resource.get("meta", {}).get("lastUpdated", "")))
    except ValueError:
        return None


# what is known of each subject: how sure each word of it is


def _birth_date(file: PatientFile) -> Iterator[Decimal]:
    if file.born is not None:
        yield confidence(file.patient, _sibling(file.patient, "birthDate"))


def _sibling(resource: JsonObject, name: str) -> JsonObject:
    found = resource.get(f"_{name}")
    return found if isinstance(found, dict) else {}


def _telecom(file: PatientFile, system: str) -> Iterator[JsonObject]:
    for one in _items(file.patient.get("telecom")):
        usable = one.get("use") != "old" and current(file, one.get("period"))
        if one.get("system") == system and one.get("value") and usable:
            yield one


def _phone(file: PatientFile) -> Iterator[Decimal]:
    for one in _telecom(file, "phone"):
        if is_nanp(str(one["value"])):
            yield confidence(file.patient, one)


def _email(file: PatientFile) -> Iterator[Decimal]:
    for one in _telecom(file, "email"):
        yield confidence(file.patient, one)


def _address(file: PatientFile) -> Iterator[Decimal]:
    for one in _items(file.patient.get("address")):
        whole = one.get("line") and one.get("city") and one.get("postalCode")
        if whole and one.get("use") not in ("old", "billing") and current(file, one.get("period")):
            yield confidence(file.patient, one)


def _language(file: PatientFile) -> Iterator[Decimal]:
    for one in _items(file.patient.get("communication")):
        if one.get("language"):
            yield confidence(file.patient, one)


def _emergency(file: PatientFile) -> Iterator[Decimal]:
    for one in _items(file.patient.get("contact")):
        if one.get("name") and one.get("telecom"):
            yield confidence(file.patient, one)


def _guardian(file: PatientFile) -> Iterator[Decimal]:
    for one in file.all("RelatedPerson"):
        codes = {
            str(c.get("code", "")) for r in _items(one.get("relationship")) for c in _items(r.get("coding"))
        }
        if one.get("active") is not False and codes & {"PRN", "GUARD", "MTH", "FTH"}:
            yield confidence(one)


def _coverage(file: PatientFile) -> Iterator[Decimal]:
    for one in file.all("Coverage"):
        if one.get("status") == "active" and current(file, one.get("period")):
            yield confidence(one)


def _pharmacy(file: PatientFile) -> Iterator[Decimal]:
    for one in _items(file.patient.get("extension")):
        if one.get("url") in (PREFERRED_PHARMACY, _PHARMACY_OF_R5):
            yield confidence(file.patient, one)


def _listed(*types: str) -> Callable[[PatientFile], Iterator[Decimal]]:
    def known(file: PatientFile) -> Iterator[Decimal]:
        for one in file.all(*types):
            if one.get("status") != "entered-in-error":
                yield confidence(one)

    return known


def _consent(subject: str) -> Callable[[PatientFile], Iterator[Decimal]]:
    def known(file: PatientFile) -> Iterator[Decimal]:
        for one in file.all("Consent"):
            provision = one.get("provision", {})
            codings = [c for concept in _items(provision.get("code")) for c in _items(concept.get("coding"))]
            here = any(c.get("system") == CHANNEL and c.get("code") == CHANNELS[subject] for c in codings)
            if one.get("status") == "active" and here and current(file, provision.get("period")):
                yield confidence(one)

    return known


def _visits(file: PatientFile) -> list[JsonObject]:
    return [
        one
        for one in file.all("Appointment")
        if one.get("status") in ("booked", "pending", "proposed", "arrived")
    ]


def _reason(file: PatientFile) -> Iterator[Decimal]:
    for one in _visits(file)[:1]:
        if one.get("reasonCode") or one.get("reasonReference"):
            yield confidence(one)


def _items(value: Json) -> list[JsonObject]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


_KNOWN: dict[str, Callable[[PatientFile], Iterator[Decimal]]] = {
    "birth-date": _birth_date,
    "phone": _phone,
    "email": _email,
    "address": _address,
    "language": _language,
    "emergency-contact": _emergency,
    "guardian": _guardian,
    "coverage": _coverage,
    "reason": _reason,
    "pharmacy": _pharmacy,
    "allergies": _listed("AllergyIntolerance"),
    "medications": _listed("MedicationStatement", "MedicationRequest"),
    "consent-texts": _consent("consent-texts"),
    "consent-calls": _consent("consent-calls"),
}


# what was asked before


def _made(task: JsonObject) -> datetime:
    try:
        return parse_instant(str(task.get("authoredOn", "")))
    except ValueError:
        return datetime.fromtimestamp(0, UTC)


def _counts(task: JsonObject, now: datetime) -> bool:
    """A form that was taken back, or whose link ended before it was handed on, was not asked."""
    never_handed_on = task.get("status") == _READY and _until(task) <= now
    return task.get("status") not in _GONE and not never_handed_on


def _until(task: JsonObject) -> datetime:
    try:
        return parse_instant(str(task.get("restriction", {}).get("period", {}).get("end", "")))
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)


def _forms_since(file: PatientFile, since: datetime, now: datetime) -> int:
    return sum(1 for task in file.forms if _counts(task, now) and _made(task) > since)


def _asked_lately(file: PatientFile, need: Requirement, now: datetime) -> bool:
    since = now - timedelta(days=need.cool_down_days)
    return any(
        _counts(task, now) and _made(task) > since and need.subject in asked_by(task) for task in file.forms
    )


def asked_by(task: JsonObject) -> tuple[str, ...]:
    """The subjects that a form's Task says were asked for."""
    return tuple(
        str(one.get("valueString", ""))
        for one in _items(task.get("input"))
        if one.get("type", {}).get("text") == "subject"
    )
