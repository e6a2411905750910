"""The raw message as it is kept: a Binary with every byte, and a MessageHeader that leads from it to its resources.

Both have one id, which follows from the bytes: a message that comes again is the same. ``Binary/[id]`` answers with
the message itself, ``MessageHeader?focus=Patient/…`` finds the messages about a resource, ``_tag`` finds either by
MSH-10, and ``Provenance?entity=Binary/[id]`` what a message changed.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from adapters.hl7v2.message import Message
from fhirserver.kernel.ids import derived_id
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Put
from fhirserver.world.vocabulary import BASE

MEDIA = "x-application/hl7-v2+er7"
CONTROL_ID = f"{BASE}/CodeSystem/hl7v2-control-id"
"""The system of the tag that holds MSH-10."""
EVENTS = "http://terminology.hl7.org/CodeSystem/v2-0003"
_UNKNOWN = {
    "extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
    ]
}


def evidence_id(source: str, digest: str) -> str:
    """The id of Binary and MessageHeader of a message."""
    return derived_id(source, "hl7v2", digest)


def entity(id: str, message: Message) -> JsonObject:
    """``Provenance.entity`` of what a message states."""
    what = {"reference": f"Binary/{id}", "display": f"{message.type}^{message.event}"}
    return {"role": "source", "what": what}


def evidence(
    id: str, message: Message, raw: bytes, header: JsonObject, focus: Sequence[str], keeps: Statement
) -> tuple[Put, Put]:
    """The writes that keep the message. ``header`` is what the conversion made of the MSH, its references resolved."""
    meta: JsonObject = (
        {"tag": [{"system": CONTROL_ID, "code": message.control_id}]} if message.control_id else {}
    )
    binary: JsonObject = {"contentType": MEDIA, "data": base64.b64encode(raw).decode("ascii")}
    made = _header(message, header, focus)
    if meta:
        binary, made = {"meta": meta, **binary}, {**made, "meta": _tagged(made, meta)}
    return _put("Binary", id, binary, keeps), _put("MessageHeader", id, made, keeps)


def _put(type: str, id: str, content: JsonObject, keeps: Statement) -> Put:
    return Put(type, id, {"resourceType": type, **content}, statement=keeps, settled=True)


def _tagged(header: JsonObject, meta: JsonObject) -> JsonObject:
    own = header.get("meta", {})
    return {**own, "tag": [*own.get("tag", ()), *meta["tag"]]}


def _header(message: Message, made: JsonObject, focus: Sequence[str]) -> JsonObject:
    """What is required of a MessageHeader, over what the conversion made."""
    application, facility = message.sender
    source = {"name": application or facility or "unknown", "_endpoint": _UNKNOWN, **made.get("source", {})}
    if "endpoint" in source:
        source.pop("_endpoint")
    header = {name: value for name, value in made.items() if name not in ("resourceType", "id", "source")}
    if not any(name.startswith("event") for name in header):
        header["eventCoding"] = {"system": EVENTS, "code": message.event or message.type or "unknown"}
    header["source"] = source
    if focus:
        header["focus"] = [{"reference": reference} for reference in focus]
    return header
