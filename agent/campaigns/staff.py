"""What people are asked to do about an outreach: Tasks (https://hl7.org/fhir/R4/task.html)."""

from __future__ import annotations

from datetime import datetime

from agent.campaigns.ledger import identified
from agent.campaigns.members import Member
from agent.tools.provenance import CANONICAL
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject

_FOLLOW_UP = f"{CANONICAL}/sid/outreach-follow-up"


def follow_up(one: Member, why: str, writer: JsonObject, now: datetime) -> tuple[JsonObject, str]:
    """Reach the patient by hand: the Task, and the query that finds it if it is there already."""
    words = "Check the number: it may be wrong" if "wrong number" in why else "Reach the patient by hand"
    made: JsonObject = {
        "resourceType": "Task",
        "identifier": [{"system": _FOLLOW_UP, "value": one.key}],
        "status": "requested",
        "intent": "order",
        "priority": "routine",
        "code": {
            "coding": [{"system": f"{CANONICAL}/CodeSystem/task-code", "code": "outreach-follow-up"}],
            "text": words,
        },
        "description": "A campaign did not reach the patient",
        "reasonCode": {"text": why},
        "focus": {"reference": one.reference},
        "for": {"reference": one.patient},
        "authoredOn": instant(now),
        "lastModified": instant(now),
        "requester": writer,
    }
    return made, identified(_FOLLOW_UP, one.key)


def cut_off(communication: JsonObject, writer: JsonObject, now: datetime) -> tuple[JsonObject, str]:
    """Get back to whoever was cut off: the Task, and the query that finds it if it is there already."""
    id = str(communication["id"])
    made: JsonObject = {
        "resourceType": "Task",
        "identifier": [{"system": _FOLLOW_UP, "value": id}],
        "status": "requested",
        "intent": "order",
        "priority": "asap",
        "code": {
            "coding": [{"system": f"{CANONICAL}/CodeSystem/task-code", "code": "outreach-follow-up"}],
            "text": "Get back to whoever was cut off",
        },
        "description": "A conversation was cut off, and what was said in it is lost",
        "focus": {"reference": f"Communication/{id}"},
        "authoredOn": instant(now),
        "lastModified": instant(now),
        "requester": writer,
    }
    subject = communication.get("subject", {}).get("reference")
    return made | ({"for": {"reference": subject}} if subject else {}), identified(_FOLLOW_UP, id)
