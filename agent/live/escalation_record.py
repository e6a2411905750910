"""An escalation and what operators did, as FHIR: Task for the operators' queue, Flag on the patient, AuditEvents."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from agent.tools.provenance import CANONICAL
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.live_calls import RiskReason

REQUESTED, CONNECTED, HANDBACK, COMPLETED = "requested", "connected", "handback", "completed"
_STATUS = {
    REQUESTED: "requested",
    CONNECTED: "in-progress",
    HANDBACK: "in-progress",
    COMPLETED: "completed",
}
_PRIORITY = {"safety_concern": "stat", "high_risk": "asap"}
_CODES = f"{CANONICAL}/CodeSystem"
_LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
_FLAG_CATEGORY = "http://terminology.hl7.org/CodeSystem/flag-category"
_ROLE = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_READS = frozenset({"listen"})


@dataclass
class Escalation:
    """What the operators were asked for, and how far that has come; times by the call's clock.

    ``ids`` are those of the resources that tell of it, by type, once they are there.
    """

    priority: str
    reason: str
    at: datetime
    stage: str = REQUESTED
    operator: str = ""
    connected: datetime | None = None
    completed: datetime | None = None
    note: str = ""
    disposition: str = ""
    score: int = 0
    reasons: tuple[RiskReason, ...] = ()
    ids: dict[str, str] = field(default_factory=dict)
    name: str = ""
    """The id that the Task is to have, and how that of the Flag begins; empty: the server gives them."""

    def reach(self, stage: str, at: datetime, operator: str) -> None:
        """Go on to a stage by an operator's act."""
        self.stage, self.operator = stage, operator or self.operator
        if stage == CONNECTED and self.connected is None:
            self.connected = at
        elif stage == COMPLETED:
            self.completed = at


@dataclass(frozen=True, slots=True)
class About:
    """What the resources are about: references (empty where not known) and who writes."""

    communication: str
    patient: str
    writer: JsonObject


def task(one: Escalation, about: About, at: datetime) -> JsonObject:
    """The Task in the operators' queue (https://hl7.org/fhir/R4/task.html); its businessStatus is the stage."""
    made: JsonObject = {
        "resourceType": "Task",
        "status": _STATUS[one.stage],
        "businessStatus": {"coding": [{"system": f"{_CODES}/escalation-stage", "code": one.stage}]},
        "intent": "order",
        "priority": _PRIORITY.get(one.priority, "urgent"),
        "code": {
            "coding": [{"system": f"{_CODES}/task-code", "code": "escalation"}],
            "text": "Call for an operator",
        },
        "reasonCode": _reason(one),
        "authoredOn": instant(one.at),
        "lastModified": instant(at),
        "requester": about.writer,
        "input": [_input("score", "valueInteger", one.score)],
    }
    made["input"] += [_input(r.kind, "valueString", _told(r)) for r in one.reasons]
    if one.ids.get("Task") or one.name:
        made["id"] = one.ids.get("Task") or one.name
    if about.communication:
        made["focus"] = {"reference": about.communication}
    if about.patient:
        made["for"] = {"reference": about.patient}
    if one.operator:
        made["owner"] = {"display": one.operator}
    if one.connected:
        made["executionPeriod"] = _period(one.connected, one.completed)
    return made | _wrapped(one)


def _wrapped(one: Escalation) -> JsonObject:
    """Note and disposition, where the operator has left them."""
    if not one.note or one.completed is None:
        return {}
    kind = {"coding": [{"system": f"{_CODES}/task-output", "code": "disposition"}]}
    value = {"coding": [{"system": f"{_CODES}/escalation-disposition", "code": one.disposition}]}
    return {
        "note": [{"authorString": one.operator, "time": instant(one.completed), "text": one.note}],
        "output": [{"type": kind, "valueCodeableConcept": value}],
    }


def flag(one: Escalation, about: About) -> JsonObject | None:
    """The Flag on the patient, for concerns of safety alone: how somebody feels or speaks is no mark for a record."""
    if one.priority != "safety_concern" or not about.patient:
        return None
    made: JsonObject = {
        "resourceType": "Flag",
        "status": "inactive" if one.completed else "active",
        "category": [{"coding": [{"system": _FLAG_CATEGORY, "code": "safety"}]}],
        "code": _reason(one),
        "subject": {"reference": about.patient},
        "period": _period(one.at, one.completed),
        "author": about.writer,
    }
    id = one.ids.get("Flag") or (f"{one.name}-flag" if one.name else "")
    return made | ({"id": id} if id else {})


def audit(action: str, operator: str, about: About, at: datetime) -> JsonObject:
    """The AuditEvent of what an operator did (https://hl7.org/fhir/R4/auditevent.html)."""
    made: JsonObject = {
        "resourceType": "AuditEvent",
        "type": {"system": _LIFECYCLE, "code": "access", "display": "Access/View Record Lifecycle Event"},
        "subtype": [{"system": f"{_CODES}/operator-action", "code": action}],
        "action": "R" if action in _READS else "E",
        "recorded": instant(at),
        "outcome": "0",
        "agent": [{"who": {"display": operator}, "requestor": True}],
        "source": {"observer": about.writer},
    }
    what = [reference for reference in (about.communication, about.patient) if reference]
    if what:
        made["entity"] = [{"what": {"reference": reference}} for reference in what]
    return made


def _reason(one: Escalation) -> JsonObject:
    return {"coding": [{"system": f"{_CODES}/escalation-reason", "code": one.priority}], "text": one.reason}


def _input(code: str, value_name: str, value: int | str) -> JsonObject:
    return {"type": {"coding": [{"system": f"{_CODES}/risk-sign", "code": code}]}, value_name: value}


def _told(reason: RiskReason) -> str:
    turn = f", turn {reason.turn}" if reason.turn else ""
    return f"{reason.text}: {reason.points} points{turn}"


def _period(start: datetime, end: datetime | None) -> JsonObject:
    return {"start": instant(start)} | ({"end": instant(end)} if end else {})


def by_operator(said: JsonObject, operator: str) -> JsonObject:
    """A Provenance that also names the operator whose act it is."""
    if not operator:
        return said
    kind = {"coding": [{"system": _ROLE, "code": "performer"}]}
    return {**said, "agent": [*said["agent"], {"type": kind, "who": {"display": operator}}]}
