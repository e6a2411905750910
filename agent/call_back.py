"""A Task for the practice's staff: a caller was promised to be called back (https://hl7.org/fhir/R4/task.html)."""

from __future__ import annotations

from datetime import datetime

from agent.tools.provenance import CANONICAL
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject


def call_back(
    call: str, patient: str, number: str, reason: str, writer: JsonObject, at: datetime
) -> JsonObject:
    """``call`` and ``patient`` are references and may be empty; ``reason`` is why a person was wanted."""
    made: JsonObject = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "priority": "urgent",
        "code": {
            "coding": [{"system": f"{CANONICAL}/CodeSystem/task-code", "code": "call-back"}],
            "text": "Call the caller back",
        },
        "description": "Nobody took the transfer of a call; the caller was promised to be called back",
        "reasonCode": {"text": reason},
        "authoredOn": instant(at),
        "lastModified": instant(at),
        "requester": writer,
    }
    if call:
        made["focus"] = {"reference": call}
    if patient:
        made["for"] = {"reference": patient}
    if number:
        made["input"] = [{"type": {"text": "number"}, "valueString": number}]
    return made
