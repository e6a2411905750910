"""An ingest that keeps every message as evidence and states nothing else: for feeds that shall only be recorded."""

from __future__ import annotations

import base64

from adapters.hl7v2.intake.ingest import Ingested, Lane, Received
from adapters.hl7v2.message import NULL, Message, Segment
from fhirserver.kernel.ids import new_id
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Command, Put
from fhirserver.store.store import Store

# As HL7 itself names it: http://terminology.hl7.org/CodeSystem/v2-0834, and the v2-to-FHIR guide.
CONTENT_TYPE = "x-application/hl7-v2+er7"


class KeepingIngest:
    """Stores the bytes of each message as a Binary."""

    def __init__(self, store: Store, source: str):
        self._store, self._source = store, source

    def lane(self, message: Message) -> Lane:
        """That of the patient's first identifier; a merge also belongs to that of the other one."""
        patient, other = _first_id(message.first("PID"), 3), _first_id(message.first("MRG"), 1)
        return Lane(patient or "none", (other,) if other else ())

    async def ingest(self, received: Received) -> Ingested:
        id = new_id()
        content = {
            "resourceType": "Binary",
            "contentType": CONTENT_TYPE,
            "data": base64.b64encode(received.raw).decode("ascii"),
        }
        resources = (f"Binary/{id}",)
        writes = (Put("Binary", id, content, create=True), *received.receipt.accepted(resources=resources))
        statement = Statement(self._source, principal=received.listener, method="hl7v2")
        outcome = await self._store.submit(Command(statement, writes))
        return Ingested(outcome.position, resources)


def _first_id(segment: Segment | None, field: int) -> str:
    value = segment.value(field) if segment else None
    return value if value and value != NULL else ""
