"""What R4 requires and a message need not say: statuses, classes, the patient that a resource is about.

https://hl7.org/fhir/R4/extension-data-absent-reason.html
"""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any, NamedTuple

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
    "Appointment": {"participant": [{"actor": UNKNOWN, "status": "needs-action"}]},
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
        if name not in content:
            content[name] = value if isinstance(value, str) else deepcopy(value)
    if "note" in content:
        notes = [note for note in content["note"] if not isinstance(note, dict) or "text" in note]
        if notes:
            content["note"] = notes
        else:
            del content["note"]
    if type == "Observation":
        _spread(content)
    _complete(type, content)


def _spread(content: Json) -> None:
    """Repetitions of OBX-5 have the code of OBX-3, the units of OBX-6 and the range of OBX-7 in common."""
    components = content.get("component", ())
    units = next((_units(one) for one in components if _units(one)), {})
    ranges = next((one["referenceRange"] for one in components if "referenceRange" in one), None)
    for component in components:
        if "code" in content:
            component.setdefault("code", deepcopy(content["code"]))
        if ranges:
            component.setdefault("referenceRange", deepcopy(ranges))
        if isinstance(quantity := component.get("valueQuantity"), dict) and not _units(component):
            quantity.update(units)


def _units(component: Json) -> Json:
    quantity = component.get("valueQuantity", {})
    return {name: quantity[name] for name in ("unit", "system", "code") if name in quantity}


class _Needs(NamedTuple):
    """``elements``: name, type, whether it is a list, and ``names`` theirs; ``choices``: the names of each choice;
    ``inner``: the backbones that need something, and ``backbones`` their names."""

    names: frozenset[str] = frozenset()
    elements: tuple[tuple[str, str, bool], ...] = ()
    choices: tuple[tuple[tuple[str, ...], str], ...] = ()
    inner: tuple[tuple[str, str], ...] = ()
    backbones: frozenset[str] = frozenset()


@cache
def _needs(type: str) -> _Needs:
    definition = definitions().type(type)
    if definition is None:
        return _Needs()
    required = [(n, e) for n, e in definition.elements.items() if e.min and n != "url"]
    choices: dict[str, list[tuple[str, str]]] = {}
    for name, element in required:
        if element.choice:
            choices.setdefault(element.choice, []).append((name, element.type))
    inner = tuple(
        (n, e.type)
        for n, e in definition.elements.items()
        # A backbone may hold itself: what it needs is asked for already.
        if "." in e.type and (type.startswith(e.type) or _needs(e.type) != _Needs())
    )
    elements = tuple((n, e.type, e.is_list) for n, e in required if not e.choice)
    return _Needs(
        frozenset(n for n, _, _ in elements),
        elements,
        tuple((tuple(n for n, _ in types), types[0][1]) for types in choices.values()),
        inner,
        frozenset(n for n, _ in inner),
    )


def _complete(type: str, content: Json) -> None:
    required, elements, choices, inner, backbones = _needs(type)
    if not required <= content.keys():
        for name, element, is_list in elements:
            if name not in content and f"_{name}" not in content:
                _unknown(content, name, element, is_list)
    for names, first in choices:
        if not any(name in content or f"_{name}" in content for name in names):
            _unknown(content, names[0], first, False)
    if backbones.isdisjoint(content):
        return
    for name, element in inner:
        value = content.get(name)
        if value is not None:
            for one in value if isinstance(value, list) else (value,):
                _complete(element, one)


def _unknown(content: Json, name: str, type: str, is_list: bool) -> None:
    """Say that a required element is unknown, by extension; a list of backbones cannot be."""
    if "." in type:
        return
    found = definitions().type(type)
    primitive = found is not None and found.kind == "primitive-type"
    unknown = deepcopy(UNKNOWN)
    value: Any = [unknown] if is_list else unknown
    content[f"_{name}" if primitive else name] = value
