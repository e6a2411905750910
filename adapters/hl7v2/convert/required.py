"""What R4 requires and a message need not say: statuses, classes, the patient that a resource is about.

https://hl7.org/fhir/R4/extension-data-absent-reason.html
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from fhirserver.model.definitions import definitions

Json = dict[str, Any]
UNKNOWN = {
    "extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
    ]
}

DEFAULTS: dict[str, Json] = {
    "Account": {"status": "active"},
    "AllergyIntolerance": {},
    "CareTeam": {},
    "Coverage": {"status": "active"},
    "DiagnosticReport": {"status": "unknown"},
    "DocumentReference": {"status": "current", "content": [{"attachment": UNKNOWN}]},
    "Encounter": {
        "status": "unknown",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "code": "UNK"},
    },
    "Immunization": {"status": "completed"},
    "MedicationDispense": {"status": "completed"},
    "MedicationRequest": {"status": "active", "intent": "order"},
    "Observation": {"status": "unknown"},
    "Procedure": {"status": "unknown"},
    "ServiceRequest": {"status": "unknown", "intent": "order"},
}
"""R4 has a word of its own for each: nothing here claims what the message does not say."""

PATIENT: dict[str, str] = {
    "Account": "subject", "AllergyIntolerance": "patient", "CareTeam": "subject", "Condition": "subject",
    "Coverage": "beneficiary", "DiagnosticReport": "subject", "DocumentReference": "subject",
    "Encounter": "subject", "Immunization": "patient", "MedicationDispense": "subject",
    "MedicationRequest": "subject", "Observation": "subject", "Procedure": "subject", "RelatedPerson": "patient",
    "ServiceRequest": "subject", "Specimen": "subject",
}  # fmt: skip
"""The element by which a resource names the patient that it is about."""

IS_LIST = frozenset({("Account", "subject")})


def complete(type: str, content: Json) -> None:
    """Add what R4 requires of the resource and, within it, of the elements that are there."""
    for name, value in DEFAULTS.get(type, {}).items():
        content.setdefault(name, deepcopy(value))
    notes = [note for note in content.get("note", ()) if not isinstance(note, dict) or "text" in note]
    if "note" in content and not notes:
        del content["note"]
    elif notes:
        content["note"] = notes
    if type == "Observation":
        _spread(content)
    _complete(type, content)


def _spread(content: Json) -> None:
    """Repetitions of OBX-5 have the code of OBX-3 and the units of OBX-6 in common."""
    components = content.get("component", ())
    units = next((_units(one) for one in components if _units(one)), {})
    for component in components:
        if "code" in content:
            component.setdefault("code", deepcopy(content["code"]))
        if isinstance(quantity := component.get("valueQuantity"), dict) and not _units(component):
            quantity.update(units)


def _units(component: Json) -> Json:
    quantity = component.get("valueQuantity", {})
    return {name: quantity[name] for name in ("unit", "system", "code") if name in quantity}


def _complete(type: str, content: Json) -> None:
    definition = definitions().type(type)
    if definition is None:
        return
    chosen = {element.choice for name, element in definition.elements.items() if element.choice and name in content}
    for name, element in definition.elements.items():
        value = content.get(name)
        if value is None:
            if element.min and not element.choice and f"_{name}" not in content and name != "url":
                _unknown(content, name, element.type, element.is_list)
            elif element.min and element.choice and element.choice not in chosen:
                chosen.add(element.choice)
                _unknown(content, name, element.type, False)
        elif "." in element.type and not name.startswith("_"):
            for one in value if isinstance(value, list) else [value]:
                _complete(element.type, one)


def _unknown(content: Json, name: str, type: str, is_list: bool) -> None:
    """Say that a required element is unknown, by extension; a list of backbones cannot be."""
    if "." in type:
        return
    found = definitions().type(type)
    primitive = found is not None and found.kind == "primitive-type"
    value: Any = [dict(UNKNOWN)] if is_list else dict(UNKNOWN)
    content[f"_{name}" if primitive else name] = value
