"""The Task of a form (https://hl7.org/fhir/R4/task.html): who is asked for what, by when, and how far it is."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from agent.forms.record import FORM_CODE
from agent.forms.scan import asked_by
from fhirserver.kernel.instants import instant, parse_instant
from fhirserver.kernel.json import JsonObject
from fhirserver.world.vocabulary import BASE, TASK_CODE

READY, SENT, BEGUN, DONE, REVOKED, FAILED = (
    "ready", "requested", "in-progress", "completed", "cancelled", "failed",
)  # fmt: skip
"""``Task.status``: made; its link was sent; answers were saved; sent in; taken back; locked or overdue."""
OPEN: Final = (READY, SENT, BEGUN)
LOCKED, NOTHING_MISSING, EXPIRED = "locked", "nothing-missing", "expired"
STATUS: Final = f"{BASE}/CodeSystem/form-status"


@dataclass(frozen=True, slots=True)
class FormTask:
    """A form's Task, read. ``until`` is when its link ends; ``why`` the business status, empty for none."""

    id: str
    version: str
    status: str
    why: str
    patient: str
    purpose: str
    requirements: str
    subjects: tuple[str, ...]
    required: tuple[str, ...]
    until: datetime
    made: datetime
    resource: JsonObject

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    def is_overdue(self, now: datetime) -> bool:
        """Whether its link has ended while it was open."""
        return self.is_open and self.until <= now

    @property
    def reference(self) -> str:
        return f"Task/{self.id}"


def form_task(
    id: str,
    patient: str,
    purpose: str,
    requirements: str,
    asked: Collection[str],
    required: Collection[str],
    at: datetime,
    until: datetime,
    by: str,
    about: str = "",
) -> JsonObject:
    """A fresh Task. ``by`` is who asked for the form; ``about`` a reference of what it is for (an Appointment)."""
    made: JsonObject = {
        "resourceType": "Task",
        "id": id,
        "status": READY,
        "intent": "order",
        "priority": "routine",
        "code": {
            "coding": [{"system": TASK_CODE, "code": FORM_CODE}],
            "text": "Form for the patient to fill in",
        },
        "focus": {"reference": f"Questionnaire/{id}"},
        "for": {"reference": patient},
        "authoredOn": instant(at),
        "lastModified": instant(at),
        "requester": {"display": by},
        "reasonCode": {"text": purpose},
        "restriction": {"period": {"start": instant(at), "end": instant(until)}},
        "input": [_input("requirements", requirements), *_inputs(asked, required)],
    }
    if about:
        made["reasonReference"] = {"reference": about}
    return made


def _inputs(asked: Collection[str], required: Collection[str]) -> Iterator[JsonObject]:
    for subject in asked:
        yield _input("subject", subject)
    for subject in required:
        yield _input("required", subject)


def _input(name: str, value: str) -> JsonObject:
    return {"type": {"text": name}, "valueString": value}


def read_task(resource: JsonObject) -> FormTask | None:
    """A Task as a form's; None for any other, or one that cannot be read."""
    codes = [c for c in resource.get("code", {}).get("coding", ()) if c.get("system") == TASK_CODE]
    if resource.get("resourceType") != "Task" or not any(c.get("code") == FORM_CODE for c in codes):
        return None
    try:
        until = parse_instant(str(resource["restriction"]["period"]["end"]))
        made = parse_instant(str(resource["authoredOn"]))
    except (LookupError, TypeError, ValueError):
        return None
    return FormTask(
        str(resource.get("id", "")),
        str(resource.get("meta", {}).get("versionId", "")),
        str(resource.get("status", "")),
        _why(resource),
        str(resource.get("for", {}).get("reference", "")),
        str(resource.get("reasonCode", {}).get("text", "")),
        next(iter(_values(resource, "requirements")), ""),
        asked_by(resource),
        tuple(_values(resource, "required")),
        until,
        made,
        resource,
    )


def _why(resource: JsonObject) -> str:
    codings = resource.get("businessStatus", {}).get("coding", ())
    return next((str(c.get("code", "")) for c in codings if c.get("system") == STATUS), "")


def _values(resource: JsonObject, name: str) -> Iterator[str]:
    for one in resource.get("input", ()):
        if one.get("type", {}).get("text") == name:
            yield str(one.get("valueString", ""))


def moved(task: FormTask, status: str, at: datetime, why: str = "", words: str = "") -> JsonObject:
    """The Task as it is to be written with another status; ``words`` say why to people."""
    changed = {name: value for name, value in task.resource.items() if name not in ("meta", "businessStatus")}
    changed |= {"status": status, "lastModified": instant(at)}
    if why:
        changed["businessStatus"] = {"coding": [{"system": STATUS, "code": why}]}
    if words:
        changed["statusReason"] = {"text": words}
    return changed


def narrowed(task: FormTask, subjects: Collection[str], at: datetime) -> JsonObject:
    """The Task as it is to be written when fewer subjects are asked for."""
    changed = moved(task, task.status, at, task.why)
    required = [one for one in task.required if one in subjects]
    changed["input"] = [_input("requirements", task.requirements), *_inputs(subjects, required)]
    return changed


def answered_by(task: FormTask, response: str, at: datetime) -> JsonObject:
    """The Task as it is to be written when the answers were sent in."""
    changed = moved(task, DONE, at)
    answers = {"type": {"text": "answers"}, "valueReference": {"reference": response}}
    return changed | {"output": [answers]}
