"""What an ``$everything`` is about: the resources that belong to it, as searches, one for each type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.search.expression import (
    And,
    Chain,
    DateIs,
    Everything,
    Expression,
    Has,
    IdIs,
    Missing,
    Not,
    ReferenceIs,
    conjunction,
    disjunction,
)
from fhirserver.search.index import extract
from fhirserver.search.parameters import searchable
from fhirserver.search.values import BEGIN, FOREVER, ReferenceValue

PATIENT = "Patient"
_NO_CARE = frozenset({"Patient", "Person", "RelatedPerson", "Group", "Provenance", "AuditEvent"})
"""Who and what is there at any time, and records about records: they have no date of care."""
_CARE_DATES: Mapping[str, tuple[str, ...]] = {
    "Account": ("period",),
    "Basic": ("created",),
    "Claim": ("created",),
    "ClaimResponse": ("created",),
    "Communication": ("sent", "received"),
    "CommunicationRequest": ("occurrence", "authored"),
    "Condition": ("onset-date", "abatement-date", "recorded-date"),
    "CoverageEligibilityRequest": ("created",),
    "CoverageEligibilityResponse": ("created",),
    "DetectedIssue": ("identified",),
    "DeviceRequest": ("event-date", "authored-on"),
    "DocumentManifest": ("created",),
    "DocumentReference": ("period", "date"),
    "ExplanationOfBenefit": ("created",),
    "Goal": ("start-date", "target-date"),
    "ImagingStudy": ("started",),
    "MeasureReport": ("period", "date"),
    "Media": ("created",),
    "MedicationAdministration": ("effective-time",),
    "MedicationDispense": ("whenhandedover", "whenprepared"),
    "MedicationRequest": ("date", "authoredon"),
    "MedicationStatement": ("effective",),
    "NutritionOrder": ("datetime",),
    "QuestionnaireResponse": ("authored",),
    "RequestGroup": ("authored",),
    "ServiceRequest": ("occurrence", "authored"),
    "Specimen": ("collected",),
    "VisionPrescription": ("datewritten",),
}
"""The parameters that say when care was given or planned, where that is not the clinical ``date``."""


@dataclass(frozen=True, slots=True)
class Stream:
    """The members of one type: a search in order of creation."""

    type: str
    where: Expression


@dataclass(frozen=True, slots=True)
class Scope:
    """Members, the subject itself first; ``patients`` are those whose resources may be added as support."""

    streams: tuple[Stream, ...]
    patients: frozenset[str] = frozenset()
    linked: frozenset[str] = frozenset()
    """Patients that the subject itself names as linked with it."""


def compartment_scope(type: str, id: str, patients: Iterable[str] = (), linked: Iterable[str] = ()) -> Scope:
    """A resource and its compartment. https://hl7.org/fhir/R4/compartmentdefinition.html"""
    members = [
        Stream(member, disjunction([ReferenceIs(param, type, id) for param in params]))
        for member, params in sorted(definitions().compartment(type).items())
    ]
    others = [s if s.type != type else Stream(type, And((s.where, Not(IdIs(id))))) for s in members]
    return Scope((Stream(type, IdIs(id)), *others), frozenset(patients), frozenset(linked))


def referring_scope(type: str, id: str) -> Scope:
    """A resource and all that refers to it by a parameter that names its type as a target."""
    streams = [Stream(type, IdIs(id))]
    for other in sorted(definitions().resource_types - {type}):
        named = [
            code for code, one in searchable(other).items() if one.type == "reference" and type in one.targets
        ]
        if named:
            streams.append(Stream(other, disjunction([ReferenceIs(code, type, id) for code in named])))
    return Scope(tuple(streams))


def patients_scope(group: str = "") -> Scope:
    """The compartments of all patients, or of those who are members of a group."""
    whose: Expression = Has("Group", "member", IdIs(group)) if group else Everything()
    first = [Stream("Group", IdIs(group))] if group else []
    streams = [*first, Stream(PATIENT, whose)]
    for member, params in sorted(definitions().compartment(PATIENT).items()):
        if member != PATIENT and not (group and member == "Group"):
            streams.append(Stream(member, disjunction([Chain(param, PATIENT, whose) for param in params])))
    return Scope(tuple(streams))


def in_care(type: str, low: int | None, high: int | None) -> Expression:
    """Care given between two moments in microseconds; what has no date of care at all is in."""
    known = searchable(type)
    params = [param for param in _CARE_DATES.get(type, ("date",)) if param in known]
    if (low is None and high is None) or type in _NO_CARE or not params:
        return Everything()
    begin, end = BEGIN if low is None else low, FOREVER if high is None else high
    dated = [DateIs(param, "ap", begin, end) for param in params]
    undated = conjunction([Missing(param, "date") for param in params])
    return disjunction([*dated, undated])


def owned(type: str) -> bool:
    """Whether resources of a type may belong to a patient."""
    return type in definitions().compartment(PATIENT)


def owners(resource: JsonObject) -> frozenset[str]:
    """The ids of the patients in whose compartments a resource is."""
    type = resource["resourceType"]
    if type == PATIENT:
        return frozenset({resource["id"]})
    params = definitions().compartment(PATIENT).get(type, ())
    return frozenset(
        value.target
        for value in extract(resource)
        if isinstance(value, ReferenceValue) and value.type == PATIENT and value.param in params
    )
