"""The topics that the server itself defines, as conformance resources. https://hl7.org/fhir/R5/subscriptiontopic.html

Each is published as a Basic, as R4 has it, and read as ``SubscriptionTopic/[id]`` too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fhirserver.interactions.conformance.frame import computer_name, frame
from fhirserver.interactions.subscription.topic_form import basic_of
from fhirserver.interactions.subscription.trigger import LOG_EVENT
from fhirserver.kernel.json import JsonObject
from fhirserver.world.review import REVIEW
from fhirserver.world.vocabulary import TASK_CODE

_TOKEN = ("in", "not", "not-in", "above", "below", "of-type", "text", "missing")
_DATE = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
_REFERENCE = ("missing", "identifier", "type")
_COMES_TO_BE = {"resultForCreate": "test-passes", "resultForDelete": "test-fails", "requireBoth": True}


@dataclass(frozen=True, slots=True)
class _Of:
    """One kind of parameter with the comparators and modifiers that it may be filtered with."""

    names: tuple[str, ...]
    allowed: tuple[str, ...]


def _becomes(resource: str, text: str, state: str, *kinds: str) -> JsonObject:
    """A trigger for what comes to be in a state: created in it, or updated into it from another."""
    name, _, value = state.partition("=")
    return {
        "description": text,
        "resource": resource,
        "supportedInteraction": ["create", "update"],
        "queryCriteria": {
            "previous": f"{name}:not={value}",
            "current": "&".join([state, *kinds]),
            **_COMES_TO_BE,
        },
    }


def _any_change(resource: str) -> JsonObject:
    interactions = ["create", "update", "delete"]
    return {
        "description": "Made, changed or deleted.",
        "resource": resource,
        "supportedInteraction": interactions,
    }


def _filters(resource: str, *kinds: _Of) -> list[JsonObject]:
    return [
        {
            "description": f"By {name}.",
            "resource": resource,
            "filterParameter": name,
            **{
                key: used
                for key, used in (
                    ("comparator", [one for one in kind.allowed if one in _DATE]),
                    ("modifier", [one for one in kind.allowed if one not in _DATE]),
                )
                if used
            },
        }
        for kind in kinds
        for name in kind.names
    ]


_TASK_FILTERS = _filters(
    "Task",
    _Of(("code", "priority", "business-status", "owner"), _TOKEN),
    _Of(("patient", "focus", "subject"), _REFERENCE),
    _Of(("authored-on", "_lastUpdated"), _DATE),
)
_TASK_SHAPE = {"resource": "Task", "include": ["Task:focus", "Task:patient"]}


def _topic(id: str, title: str, text: str, **more: list[JsonObject]) -> JsonObject:
    return {**frame("SubscriptionTopic", id, computer_name(id), title, text), **more}


def _about_task(id: str, title: str, text: str, status: str, code: str) -> JsonObject:
    trigger = _becomes("Task", text, f"status={status}", f"code={TASK_CODE}|{code}")
    return _topic(
        id, title, text, resourceTrigger=[trigger], canFilterBy=_TASK_FILTERS, notificationShape=[_TASK_SHAPE]
    )


def _of_tasks() -> list[JsonObject]:
    return [
        _about_task(
            "claim-needs-review",
            "Claim needs review",
            "Claims of a resource wait for an operator.",
            "requested",
            REVIEW,
        ),
        _about_task(
            "writeback-ready",
            "Writeback ready",
            "A change has passed its gate and waits to be written to an EHR.",
            "requested",
            "writeback",
        ),
        _about_task(
            "writeback-failed", "Writeback failed", "An EHR refused a change for good.", "failed", "writeback"
        ),
        _about_task(
            "intake-failed",
            "Intake failed",
            "A record of an EHR could not be taken in.",
            "failed",
            "intake",
        ),
    ]


def _appointment_changed() -> JsonObject:
    return _topic(
        "appointment-changed",
        "Appointment changed",
        "An appointment was made, changed, cancelled or deleted.",
        resourceTrigger=[_any_change("Appointment")],
        canFilterBy=_filters(
            "Appointment",
            _Of(("status", "service-type", "specialty", "appointment-type", "identifier"), _TOKEN),
            _Of(("patient", "practitioner", "location", "actor", "slot"), _REFERENCE),
            _Of(("date", "_lastUpdated"), _DATE),
        ),
        notificationShape=[
            {
                "resource": "Appointment",
                "include": ["Appointment:patient", "Appointment:practitioner", "Appointment:location"],
            }
        ],
    )


def _patient_merged() -> JsonObject:
    return _topic(
        "patient-merged",
        "Patient merged",
        "Two records of one person became one, or were parted again. The focus is the one that stays.",
        eventTrigger=[
            {
                "description": "One record became part of another, or was parted from it.",
                "event": {"coding": [{"system": LOG_EVENT, "code": kind} for kind in ("merged", "unmerged")]},
                "resource": "Patient",
            }
        ],
        canFilterBy=_filters("Patient", _Of(("_id",), ()), _Of(("identifier",), _TOKEN)),
        notificationShape=[{"resource": "Patient", "include": ["Patient:link"]}],
    )


def _patient_changed() -> JsonObject:
    return _topic(
        "patient-changed",
        "Patient changed",
        "What is known of a patient changed.",
        resourceTrigger=[_any_change("Patient")],
        canFilterBy=_filters(
            "Patient",
            _Of(("_id",), ()),
            _Of(("identifier", "gender", "language"), _TOKEN),
            _Of(("general-practitioner", "organization"), _REFERENCE),
            _Of(("birthdate", "_lastUpdated"), _DATE),
        ),
    )


def _coverage_changed() -> JsonObject:
    return _topic(
        "coverage-changed",
        "Coverage changed",
        "A patient's insurance was stated, changed or ended.",
        resourceTrigger=[_any_change("Coverage")],
        canFilterBy=_filters(
            "Coverage",
            _Of(("status", "type", "identifier"), _TOKEN),
            _Of(("patient", "beneficiary", "payor"), _REFERENCE),
        ),
        notificationShape=[{"resource": "Coverage", "include": ["Coverage:patient", "Coverage:payor"]}],
    )


def _slot_freed() -> JsonObject:
    return _topic(
        "slot-freed",
        "Slot freed",
        "A slot became free.",
        resourceTrigger=[_becomes("Slot", "Came to be free.", "status=free")],
        canFilterBy=_filters(
            "Slot",
            _Of(("service-type", "specialty", "appointment-type"), _TOKEN),
            _Of(("schedule",), _REFERENCE),
            _Of(("start",), _DATE),
        ),
        notificationShape=[{"resource": "Slot", "include": ["Slot:schedule"]}],
    )


def catalogue() -> list[JsonObject]:
    """Every topic of the server's own, as a SubscriptionTopic."""
    of_records = (_appointment_changed, _patient_merged, _patient_changed, _coverage_changed, _slot_freed)
    return [*_of_tasks(), *(topic() for topic in of_records)]


def topic_definitions() -> Sequence[JsonObject]:
    """The catalogue as it is stored."""
    return [basic_of(one) for one in catalogue()]
