"""The raw message as it is kept: a Binary with every byte.

Its id follows from the bytes: a message that comes again is the same. ``Binary/[id]`` answers with the message itself,
``Binary?_tag`` finds it by MSH-10, ``Provenance?entity=Binary/[id]`` what it speaks of, and
``Provenance?target=Patient/…`` the messages about a resource, also those that said nothing new.
"""

from __future__ import annotations

import base64

from adapters.hl7v2.message import Message
from fhirserver.kernel.ids import derived_id
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Put
from fhirserver.world.vocabulary import BASE

MEDIA = "x-application/hl7-v2+er7"
CONTROL_ID = f"{BASE}/CodeSystem/hl7v2-control-id"
"""The system of the tag that holds MSH-10."""


def evidence_id(source: str, digest: str) -> str:
    """The id of the Binary of a message."""
    return derived_id(source, "hl7v2", digest)


def entity(id: str, message: Message) -> JsonObject:
    """``Provenance.entity`` of what a message states."""
    what = {"reference": f"Binary/{id}", "display": f"{message.type}^{message.event}"}
    return {"role": "source", "what": what}


def evidence(id: str, message: Message, raw: bytes, keeps: Statement) -> Put:
    """The write that keeps the message."""
    content: JsonObject = {"resourceType": "Binary"}
    if message.control_id:
        content["meta"] = {"tag": [{"system": CONTROL_ID, "code": message.control_id}]}
    content |= {"contentType": MEDIA, "data": base64.b64encode(raw).decode("ascii")}
    return Put("Binary", id, content, statement=keeps, settled=True)
