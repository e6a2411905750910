"""What a change of resources means to a practice: the types of domain events, derived from what was before and after.

Pure. Each new version of a resource is one event. Its type is the most telling there is for it; ``resource.created``,
``resource.updated`` and ``resource.deleted`` are for what has no better one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from fhirserver.kernel.json import JsonObject
from fhirserver.world.configuration import kind_of
from fhirserver.world.vocabulary import (
    BASE,
    CALL_QUALITY,
    CLINICIAN,
    ESCALATION_STAGE,
    REVIEW_OUTCOME,
    TASK_CODE,
)

CREATED, UPDATED, DELETED = "resource.created", "resource.updated", "resource.deleted"
CAMPAIGN: Final = f"{BASE}/sid/campaign"
"""The system of the ids of campaigns."""
_MODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"

TYPES: Final[dict[str, str]] = {
    "appointment.booked": "An appointment holds that did not before",
    "appointment.rescheduled": "An appointment holds at another time; the one whose place it took is related",
    "appointment.replaced": "An appointment is off because another took its place in the same transaction",
    "appointment.confirmed": "A participant of an appointment has accepted",
    "appointment.cancelled": "An appointment is off",
    "appointment.arrived": "The patient is there",
    "appointment.missed": "The patient did not come",
    "appointment.fulfilled": "The appointment has taken place",
    "call.ordered": "A call out is about to be placed",
    "call.started": "A call is under way",
    "call.ended": "A call is over and on record",
    "call.failed": "Nobody was reached by a call out, or the call could not be made",
    "call.scored": "The quality of a call was measured",
    "conversation.started": "A conversation by text is under way",
    "conversation.ended": "A conversation by text is over and on record",
    "conversation.failed": "A message did not reach anybody",
    "coverage.captured": "Insurance was stated by somebody who is no authority on it: a caller, a form",
    "patient.merged": "Two records of one person became one",
    "patient.unmerged": "A merge was undone",
    "review.opened": "Claims, or two records, wait for an operator's decision",
    "review.decided": "An operator decided all of a review item",
    "review.closed": "A review item is off without a decision",
    "review.reopened": "A decision was taken back",
    "writeback.requested": "A change waits to be written to an EHR",
    "writeback.completed": "An EHR has taken a change",
    "writeback.failed": "An EHR refused a change for good, or could not be reached for too long",
    "writeback.superseded": "Nothing is left to be written to an EHR",
    "intake.failed": "A record of an EHR could not be taken in",
    "escalation.requested": "An operator is wanted on a call",
    "escalation.connected": "An operator has taken a call over",
    "escalation.handed_back": "The agent has the call again",
    "escalation.completed": "An operator has wrapped a call up",
    "callback.requested": "A patient is to be called back",
    "campaign.requested": "A campaign is to reach a patient",
    "campaign.attempt": "A campaign tries, or has tried, to reach a patient",
    "campaign.settled": "What a campaign wanted of a patient is settled",
    "campaign.started": "A campaign has begun",
    "campaign.paused": "A campaign rests",
    "campaign.resumed": "A campaign goes on",
    "campaign.ended": "A campaign is over, or was called off",
    "form.created": "A form was made for a patient",
    "form.sent": "The link to a form was sent",
    "form.started": "A patient has begun to fill in a form",
    "form.completed": "A patient has filled in a form",
    "form.closed": "A form is no longer to be filled in",
    "form.answered": "Answers to a questionnaire are complete, whoever asked for them",
    "consent.changed": "A consent was given, changed or withdrawn",
    "configuration.changed": "An agent, rules, a campaign or another configuration was stated anew",
    CREATED: "A resource was made",
    UPDATED: "A resource was changed",
    DELETED: "A resource was deleted",
}
"""Every type there is, with what it means."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A resource before and after a commit; None where it was not there. ``kinds`` are those of the log's events.

    ``confidence`` is how sure the statement is, where the change is one.
    """

    type: str
    id: str
    before: JsonObject | None
    after: JsonObject | None
    kinds: frozenset[str] = frozenset()
    confidence: Decimal | None = None

    @property
    def plain(self) -> str:
        """The type of event that it is in any case."""
        if self.after is None:
            return DELETED
        return CREATED if self.before is None else UPDATED

    def becomes(self, *statuses: str) -> bool:
        """Whether its status is one of these and was none of them."""
        return self.status in statuses and self.was not in statuses

    @property
    def status(self) -> str:
        return _text(self.after, "status")

    @property
    def was(self) -> str:
        return _text(self.before, "status")


@dataclass(frozen=True, slots=True)
class Meaning:
    """The type of an event, and references (``Type/id``) of what else it is about."""

    type: str
    related: tuple[str, ...] = ()


def meanings(changes: Sequence[Changed]) -> list[Meaning]:
    """What each of one commit's changes means, in their order."""
    moved = _moved(changes)
    return [moved.get(number) or meaning(change) for number, change in enumerate(changes)]


def meaning(change: Changed) -> Meaning:
    """What one change means by itself."""
    of_type = _BY_TYPE.get(change.type)
    found = of_type(change) if of_type is not None and change.after is not None else None
    return found if isinstance(found, Meaning) else Meaning(found or change.plain)


def _moved(changes: Sequence[Changed]) -> dict[int, Meaning]:
    """Appointments of one patient of which one took another's place: booked and cancelled in one commit."""
    booked = [n for n, one in enumerate(changes) if one.type == "Appointment" and one.becomes("booked")]
    off = [n for n, one in enumerate(changes) if one.type == "Appointment" and one.becomes("cancelled")]
    found: dict[int, Meaning] = {}
    for new in booked:
        old = next((n for n in off if n not in found and _share_patient(changes[n], changes[new])), None)
        if old is not None:
            found[new] = Meaning("appointment.rescheduled", (f"Appointment/{changes[old].id}",))
            found[old] = Meaning("appointment.replaced", (f"Appointment/{changes[new].id}",))
    return found


def _share_patient(one: Changed, other: Changed) -> bool:
    return bool(_patients(one.after) & _patients(other.after))


def _patients(appointment: JsonObject | None) -> set[str]:
    actors = (one.get("actor", {}).get("reference", "") for one in (appointment or {}).get("participant", ()))
    return {actor for actor in actors if actor.startswith("Patient/")}


_APPOINTMENT: Final = {
    "booked": "appointment.booked",
    "cancelled": "appointment.cancelled",
    "entered-in-error": "appointment.cancelled",
    "noshow": "appointment.missed",
    "arrived": "appointment.arrived",
    "checked-in": "appointment.arrived",
    "fulfilled": "appointment.fulfilled",
}


def _appointment(change: Changed) -> str | None:
    new = _APPOINTMENT.get(change.status, "")
    if new and new != _APPOINTMENT.get(change.was, ""):
        return new
    before, after = change.before or {}, change.after or {}
    if change.before is None or change.status != "booked":
        return None
    if before.get("start") != after.get("start"):
        return "appointment.rescheduled"
    return "appointment.confirmed" if _accepted(after) > _accepted(before) else None


def _accepted(appointment: JsonObject) -> int:
    return sum(one.get("status") == "accepted" for one in appointment.get("participant", ()))


_CALL: Final = {
    "preparation": "call.ordered",
    "in-progress": "call.started",
    "completed": "call.ended",
    "not-done": "call.failed",
    "stopped": "call.ended",
}


def _communication(change: Changed) -> str | None:
    after = change.after or {}
    if _is_of_campaign(after) and change.status != change.was:
        return "campaign.attempt"
    word = _CALL.get(change.status, "") if change.status != change.was else ""
    modes = [code for concept in after.get("medium", ()) for code in _codes(concept, _MODE)]
    if "PHONE" in modes:
        return word or None
    if {"WRITTEN", "ONLINEWRIT", "SMSWRIT"} & set(modes) and word and word != "call.ordered":
        return word.replace("call.", "conversation.")
    return None


def _is_of_campaign(communication: JsonObject) -> bool:
    named = (str(one.get("reference", "")) for one in communication.get("basedOn", ()))
    return any(one.startswith("CommunicationRequest/") for one in named)


def _request(change: Changed) -> str | None:
    if not any(_codes(one, CAMPAIGN) for one in (change.after or {}).get("category", ())):
        return None
    if change.before is None:
        return "campaign.requested"
    return "campaign.settled" if change.becomes("completed", "revoked", "entered-in-error") else None


def _coverage(change: Changed) -> str | None:
    said = change.confidence
    return "coverage.captured" if said is not None and said < CLINICIAN else None


def _patient(change: Changed) -> str | None:
    if change.kinds & {"merged", "replaced"}:
        return "patient.merged"
    return "patient.unmerged" if change.kinds & {"unmerged", "restored"} else None


_PENDING: Final = frozenset({"requested", "accepted", "in-progress", "received", "ready"})
_WRITEBACK: Final = {
    "requested": "writeback.requested",
    "completed": "writeback.completed",
    "failed": "writeback.failed",
    "cancelled": "writeback.superseded",
}
_RUN: Final = {
    "requested": "campaign.started",
    "on-hold": "campaign.paused",
    "completed": "campaign.ended",
    "cancelled": "campaign.ended",
}
_FORM: Final = {
    "ready": "form.created",
    "requested": "form.sent",
    "in-progress": "form.started",
    "completed": "form.completed",
    "cancelled": "form.closed",
    "failed": "form.closed",
}
_STAGES: Final = {"handback": "escalation.handed_back"}


def _task(change: Changed) -> str | Meaning | None:
    after = change.after or {}
    codes = _codes(after.get("code", {}), TASK_CODE)
    found: str | None = None
    if "review" in codes:
        found = _review(change)
    elif "writeback" in codes and change.status != change.was:
        found = _WRITEBACK.get(change.status)
    elif "escalation" in codes:
        found = _escalation(change)
    elif "intake" in codes and change.becomes("failed"):
        found = "intake.failed"
    elif "call-back" in codes and change.before is None:
        found = "callback.requested"
    elif "campaign-run" in codes and change.status != change.was:
        found = (
            "campaign.resumed"
            if change.was == "on-hold" and change.status in _PENDING
            else _RUN.get(change.status)
        )
    elif "form" in codes and change.status != change.was:
        found = _FORM.get(change.status)
    focus = "/".join(str(after.get("focus", {}).get("reference", "")).split("/")[:2])
    return Meaning(found, (focus,) if focus else ()) if found else None


def _review(change: Changed) -> str | None:
    pending, before = change.status in _PENDING, change.was in _PENDING
    if pending:
        word = "review.reopened" if "reopened" in _codes(_status(change.after), REVIEW_OUTCOME) else ""
        return None if before else word or "review.opened"
    if change.was == change.status:
        return None
    return "review.decided" if change.status == "completed" else "review.closed"


def _status(task: JsonObject | None) -> JsonObject:
    found: JsonObject = (task or {}).get("businessStatus", {})
    return found


def _escalation(change: Changed) -> str | None:
    stage = _codes(_status(change.after), ESCALATION_STAGE)
    if not stage or stage == _codes(_status(change.before), ESCALATION_STAGE):
        return None
    return _STAGES.get(stage[0], f"escalation.{stage[0]}")


def _answers(change: Changed) -> str | None:
    return "form.answered" if change.becomes("completed", "amended") else None


def _report(change: Changed) -> str | None:
    groups = (change.after or {}).get("group", ())
    scored = any("score" in _codes(group.get("code", {}), CALL_QUALITY) for group in groups)
    return "call.scored" if scored else None


def _library(change: Changed) -> str | None:
    return "configuration.changed" if kind_of(change.after or {}) else None


_BY_TYPE: Final[dict[str, Callable[[Changed], str | Meaning | None]]] = {
    "Appointment": _appointment,
    "Communication": _communication,
    "CommunicationRequest": _request,
    "Consent": lambda _: "consent.changed",
    "Coverage": _coverage,
    "Library": _library,
    "MeasureReport": _report,
    "Patient": _patient,
    "QuestionnaireResponse": _answers,
    "Task": _task,
}


def _codes(concept: JsonObject, system: str) -> list[str]:
    return [str(one.get("code", "")) for one in concept.get("coding", ()) if one.get("system") == system]


def _text(resource: JsonObject | None, name: str) -> str:
    return str((resource or {}).get(name, ""))


def wanted(patterns: frozenset[str], type: str) -> bool:
    """Whether a type is among those asked for: by name, or as ``appointment.*``; all are where none is named."""
    return not patterns or type in patterns or f"{type.partition('.')[0]}.*" in patterns or "*" in patterns


def unknown(patterns: frozenset[str]) -> list[str]:
    """Those that no type answers to."""
    families = {f"{type.partition('.')[0]}.*" for type in TYPES} | {"*"}
    return sorted(one for one in patterns if one not in TYPES and one not in families)
