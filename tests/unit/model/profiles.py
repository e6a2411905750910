"""Profiles made for a test, and a validator that knows them beside R4 itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fhirserver.model.validation.profiles import Rules, Validator
from terminology.service import TerminologyService
from tests.corpus.loaded import Loaded

Json = dict[str, Any]
BASE = "http://hl7.org/fhir/StructureDefinition/"
OWN = "http://example.test/StructureDefinition/"


def profile(type_name: str, *elements: Json, name: str = "p", base: str = "") -> Json:
    """A profile by its differential; paths are given without the type."""
    paths = [{**e, "path": f"{type_name}.{e['path']}" if e["path"] else type_name} for e in elements]
    return {
        "resourceType": "StructureDefinition",
        "url": OWN + name,
        "name": name,
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": type_name,
        "baseDefinition": base or BASE + type_name,
        "derivation": "constraint",
        "differential": {"element": paths},
    }


def extension(name: str, *elements: Json, context: str = "Patient", kind: str = "element") -> Json:
    """An extension by its differential."""
    made = profile("Extension", {"path": ""}, {"path": "url", "fixedUri": OWN + name}, *elements, name=name)
    return {**made, "kind": "complex-type", "context": [{"type": kind, "expression": context}]}


def validator(*known: Json, rules: Rules | None = None) -> Validator:
    loaded = Loaded(known)
    return Validator(loaded, TerminologyService(loaded.find), rules)


def found(resource: Json, *known: Json, severity: str = "error", name: str = "p") -> list[tuple[str, str]]:
    """Place and words of what a validation against the profile ``name`` finds."""
    profiles = [OWN + name] if any(k.get("url") == OWN + name for k in known) else []
    return issues(validator(*known).validate(resource, profiles), severity)


def issues(given: Iterable[Any], severity: str = "error") -> list[tuple[str, str]]:
    return [(i.expression[0] if i.expression else "", i.diagnostics) for i in given if i.severity == severity]


def places(resource: Json, *known: Json, severity: str = "error", name: str = "p") -> list[str]:
    """Only the places."""
    return [place for place, _ in found(resource, *known, severity=severity, name=name)]
