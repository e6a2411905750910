"""Scopes in plain words, for the people whose records they open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from fhirserver.access.scopes import Scope, Scopes
from fhirserver.access.smart.scope_rules import parts

_SAID: Final = {
    "*": "everything in the record",
    "Account": "billing accounts",
    "AllergyIntolerance": "allergies",
    "Appointment": "appointments",
    "AppointmentResponse": "answers to appointments",
    "Binary": "attached files",
    "BodyStructure": "parts of the body",
    "CarePlan": "care plans",
    "CareTeam": "care team",
    "Claim": "claims to insurers",
    "ClaimResponse": "insurers' answers to claims",
    "ClinicalImpression": "clinical assessments",
    "Communication": "messages",
    "CommunicationRequest": "requests for messages",
    "Composition": "summaries of documents",
    "Condition": "health problems and diagnoses",
    "Consent": "consents",
    "Coverage": "insurance",
    "DetectedIssue": "warnings, such as of drugs that do not go together",
    "Device": "implants and devices",
    "DeviceRequest": "orders of devices",
    "DiagnosticReport": "test reports",
    "DocumentReference": "documents and notes",
    "Encounter": "visits and stays",
    "EpisodeOfCare": "times in care",
    "ExplanationOfBenefit": "bills and what insurance paid",
    "FamilyMemberHistory": "illnesses in the family",
    "Flag": "warnings for staff",
    "Goal": "health goals",
    "Group": "groups of patients",
    "HealthcareService": "services of clinics",
    "ImagingStudy": "X-rays and other images",
    "Immunization": "vaccinations",
    "ImmunizationRecommendation": "vaccinations that are due",
    "Invoice": "invoices",
    "List": "lists",
    "Location": "places of care",
    "Media": "photos and recordings",
    "Medication": "names of medicines",
    "MedicationAdministration": "medicines given",
    "MedicationDispense": "medicines handed out",
    "MedicationRequest": "prescriptions",
    "MedicationStatement": "medicines taken",
    "NutritionOrder": "diets",
    "Observation": "measurements and test results",
    "Organization": "clinics and other organizations",
    "Patient": "personal details: name, birth date, address, telephone",
    "Person": "personal details of people",
    "Practitioner": "names of doctors, nurses and others",
    "PractitionerRole": "what doctors, nurses and others do where",
    "Procedure": "operations and other procedures",
    "Provenance": "who entered what, and when",
    "Questionnaire": "questionnaires",
    "QuestionnaireResponse": "answers to questionnaires",
    "RelatedPerson": "relatives and contacts",
    "RequestGroup": "groups of orders",
    "RiskAssessment": "risks",
    "Schedule": "calendars",
    "ServiceRequest": "orders and referrals",
    "Slot": "free times",
    "Specimen": "samples",
    "Subscription": "being told of changes",
    "SupplyRequest": "orders of supplies",
    "Task": "tasks",
    "VisionPrescription": "glasses and contact lenses",
}
_CATEGORIES: Final = {
    ("Observation", "laboratory"): "laboratory results",
    ("Observation", "vital-signs"): "vital signs, such as blood pressure and weight",
    ("Observation", "social-history"): "way of life, such as smoking",
    ("Observation", "survey"): "answers to surveys",
    ("Observation", "sdoh"): "circumstances of life, such as housing and food",
    ("Observation", "imaging"): "findings on images",
    ("Observation", "exam"): "findings of examinations",
    ("Observation", "procedure"): "results of clinical tests, such as of the heart",
    ("Condition", "problem-list-item"): "the list of health problems",
    ("Condition", "encounter-diagnosis"): "diagnoses made at visits",
    ("Condition", "health-concern"): "health concerns",
    ("DocumentReference", "clinical-note"): "notes of doctors and nurses",
}
_IDENTITY: Final = ("openid", "fhirUser", "profile")
_TOLD: Final = ("launch", "launch/patient", "launch/encounter", *_IDENTITY)
"""Without these an app does not work at all: they are said, and go with all the rest."""
_VERBS: Final = (("rs", "see"), ("c", "add"), ("u", "change"), ("d", "delete"))
_CAPITAL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that can be left out: ``value`` is the scope as it is written; ``writes``: it alters the record.
    ``parts`` can be granted instead of all of it."""

    value: str
    verbs: str
    what: str
    writes: bool = False
    parts: Sequence[Line] = ()


@dataclass(frozen=True, slots=True)
class Consent:
    """What an app may be let have. ``always`` are scopes that are not asked about one by one.

    ``record``: of the patient in context; ``others``: of everybody whose record the user may reach.
    """

    always: Sequence[str]
    who_you_are: bool
    place: bool
    record: Sequence[Line]
    others: Sequence[Line]
    offline: bool
    online: bool


def consent(offered: Scopes) -> Consent:
    """The scopes in words."""
    return Consent(
        [one for one in offered.context if one in _TOLD],
        any(offered.has(one) for one in _IDENTITY),
        offered.has("launch/encounter"),
        _lines(one for one in offered.access if one.level == "patient"),
        _lines(one for one in offered.access if one.level != "patient"),
        offered.has("offline_access"),
        offered.has("online_access"),
    )


def _lines(scopes: Iterable[Scope]) -> list[Line]:
    """Reading first, then by what it is about."""
    lines = [_line(scope) for scope in scopes]
    return sorted(lines, key=lambda line: (line.writes, line.what.removeprefix("the "), line.value))


def _line(scope: Scope) -> Line:
    verbs = [verb for letters, verb in _VERBS if set(letters) & set(scope.letters)]
    said = " and ".join([part for part in (", ".join(verbs[:-1]), verbs[-1]) if part])
    writes = bool(set("cud") & set(scope.letters))
    return Line(str(scope), said.capitalize(), _what(scope), writes, [_line(part) for part in parts(scope)])


def _what(scope: Scope) -> str:
    """What a scope is about; a restriction that has no words of its own is said as it is."""
    named = _SAID.get(scope.type) or _CAPITAL.sub(" ", scope.type).lower()
    if not scope.criteria:
        return named
    if len(scope.criteria) == 1 and scope.criteria[0][0] == "category":
        code = scope.criteria[0][1].rpartition("|")[2]
        if (scope.type, code) in _CATEGORIES:
            return _CATEGORIES[scope.type, code]
    only = ", ".join(f"{name} {value.rpartition('|')[2]}" for name, value in scope.criteria)
    return f"{named}, only with {only}"


def summary(scopes: Scopes) -> list[str]:
    """What an app was let have, for a list of apps."""
    told = consent(scopes)
    lines = [f"{line.verbs} {line.what}" for line in (*told.record, *told.others)]
    return [*lines, *(["Go on when you do not use it"] if told.offline else ())]
