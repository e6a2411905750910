"""Resources as the agent writes them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from agent.records import SlotRecord
from agent.requests import AddCoverage, ChangeAddress, ChangePhone, ClaimAnswer
from agent.tools.provenance import CANONICAL
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.world.spoken.identifiers import phone_key

BOOKING = f"{CANONICAL}/NamingSystem/agent-booking"
_REASONS = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
_COVERAGE_CLASS = "http://terminology.hl7.org/CodeSystem/coverage-class"
_CONFIDENCE = f"{CANONICAL}/StructureDefinition/confidence"


def stated(resource: JsonObject) -> JsonObject:
    """A resource to be sent back: without ``meta``, narrative and the marks of confidence."""
    kept = {k: v for k, v in resource.items() if k not in ("meta", "text")}
    clean = _unmarked(copy.deepcopy(kept))
    return clean if isinstance(clean, dict) else kept


def _unmarked(value: Json) -> Json:
    if isinstance(value, list):
        return [_unmarked(v) for v in value]
    if not isinstance(value, dict):
        return value
    out: dict[str, Any] = {}
    for key, inner in value.items():
        if key == "extension":
            inner = [e for e in inner if e.get("url") != _CONFIDENCE]
        cleaned = _unmarked(inner)
        if cleaned not in ({}, []) or inner in ({}, []):
            out[key] = cleaned
    return out


def cancellation(code: str, reason: str) -> JsonObject:
    """The CodeableConcept of a cancellation."""
    concept: JsonObject = {"coding": [{"system": _REASONS, "code": code}]}
    return concept | ({"text": reason} if reason else {})


def new_appointment(slot: SlotRecord, patient: str, key: str, replaced: JsonObject | None) -> JsonObject:
    """A booked Appointment in ``slot``; kind and description come from the one it replaces."""
    resource = slot.resource
    actors = [_actor(patient), _actor(slot.practitioner, slot.practitioner_name)]
    actors.append(_actor(slot.location, slot.location_name))
    carried = _carried(replaced or resource)
    return {
        "resourceType": "Appointment",
        "identifier": [{"system": BOOKING, "value": key}],
        "status": "booked",
        **carried,
        "start": resource["start"],
        "end": resource["end"],
        "slot": [{"reference": f"Slot/{slot.id}"}],
        "participant": [{"actor": a, "status": "accepted"} for a in actors if a],
    }


def _actor(reference: str, display: str = "") -> JsonObject:
    if not reference:
        return {}
    return {"reference": reference, "display": display} if display else {"reference": reference}


def _carried(source: JsonObject) -> JsonObject:
    names = ("serviceCategory", "serviceType", "specialty", "appointmentType", "reasonCode", "description")
    return {name: source[name] for name in names if name in source}


def update_entry(resource: JsonObject, version: str) -> JsonObject:
    """A PUT entry of a transaction, guarded by the version that was read."""
    request: JsonObject = {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}
    if version:
        request["ifMatch"] = f'W/"{version}"'
    return {"fullUrl": f"urn:credence:{request['url']}", "resource": resource, "request": request}


def create_entry(resource: JsonObject, full_url: str) -> JsonObject:
    """A POST entry of a transaction."""
    return {
        "fullUrl": full_url,
        "resource": resource,
        "request": {"method": "POST", "url": resource["resourceType"]},
    }


def transaction(entries: list[JsonObject]) -> JsonObject:
    """All or nothing. https://hl7.org/fhir/R4/http.html#transaction"""
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def coverage(request: AddCoverage, payer: JsonObject) -> JsonObject:
    """An active Coverage as the caller described it."""
    resource: JsonObject = {
        "resourceType": "Coverage",
        "status": "active",
        "subscriberId": request.member,
        "beneficiary": {"reference": request.patient},
        "payor": [payer],
    }
    further = request.further
    if further.effective:
        resource["period"] = {"start": further.effective}
    classes = (
        ("group", "Group", request.group),
        ("plan", "Plan", further.plan),
        ("rxbin", "RX BIN", further.rx_bin),
        ("rxpcn", "RX PCN", further.rx_pcn),
        ("rxgroup", "RX Group", further.rx_group),
    )
    stated = [_class(*one) for one in classes if one[2]]
    return resource | ({"class": stated} if stated else {})


def _class(code: str, display: str, value: str) -> JsonObject:
    return {
        "type": {"coding": [{"system": _COVERAGE_CLASS, "code": code, "display": display}]},
        "value": value,
    }


Patch = list[JsonObject]


def phone_patch(patient: Mapping[str, Json], request: ChangePhone) -> Patch:
    """JSON Patch that replaces the number of the same use, or adds one; empty if it is there already."""
    telecom = patient.get("telecom") or []
    key = phone_key(request.number)
    if any(t.get("system") == "phone" and phone_key(str(t.get("value", ""))) == key for t in telecom):
        return []
    item = {"system": "phone", "value": request.number, "use": request.use}
    same = [
        i for i, t in enumerate(telecom) if t.get("system") == "phone" and t.get("use", "home") == request.use
    ]
    if same and not request.adds:
        return [{"op": "replace", "path": f"/telecom/{same[0]}", "value": item}]
    return [_addition("telecom", item, bool(telecom))]


def address_patch(patient: Mapping[str, Json], request: ChangeAddress) -> Patch:
    """JSON Patch that replaces the home address, or adds one."""
    addresses = patient.get("address") or []
    said = request.address
    item: JsonObject = {"use": "home", "line": said.line.split(", "), "city": said.city}
    if said.state:
        item["state"] = said.state
    item |= {"postalCode": said.postal_code, "country": "US"}
    same = [i for i, a in enumerate(addresses) if a.get("use", "home") == "home"]
    if same:
        return [{"op": "replace", "path": f"/address/{same[0]}", "value": item}]
    return [_addition("address", item, bool(addresses))]


def answer_patch(patient: Mapping[str, Json], request: ClaimAnswer) -> Patch:
    """JSON Patch that puts the one extension of this URL, or replaces it; empty where it says so already."""
    extensions = patient.get("extension") or []
    item: JsonObject = {"url": request.url, request.name: request.value}
    if item in extensions:
        return []
    same = [i for i, one in enumerate(extensions) if one.get("url") == request.url]
    if same:
        return [{"op": "replace", "path": f"/extension/{same[0]}", "value": item}]
    return [_addition("extension", item, bool(extensions))]


def _addition(name: str, item: JsonObject, exists: bool) -> JsonObject:
    if exists:
        return {"op": "add", "path": f"/{name}/-", "value": item}
    return {"op": "add", "path": f"/{name}", "value": [item]}
