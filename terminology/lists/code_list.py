"""What lists of codes have in common that others keep: they are CodeSystem resources, made when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions


def code_list(url: str, name: str, title: str, concepts: Iterable[JsonObject], **more: object) -> JsonObject:
    """A whole CodeSystem. https://hl7.org/fhir/R4/codesystem.html"""
    listed = list(concepts)
    return {
        "resourceType": "CodeSystem",
        "url": url,
        "name": name,
        "title": title,
        "status": "active",
        "experimental": False,
        "language": "en",
        "caseSensitive": True,
        "content": "complete",
        "count": len(listed),
        **more,
        "concept": listed,
    }


def concept(code: str, *names: str, **properties: str | int) -> JsonObject:
    """Called by the first name, and otherwise by the others; properties are codes, or whole numbers."""
    display, *others = dict.fromkeys(filter(None, names))
    found: JsonObject = {"code": code, "display": display}
    if others:
        found["designation"] = [{"language": "en", "value": other} for other in others]
    if properties:
        found["property"] = [
            {"code": name, "valueInteger" if isinstance(value, int) else "valueCode": value}
            for name, value in properties.items()
        ]
    return found


def declared(**properties: str) -> list[JsonObject]:
    """``CodeSystem.property`` of those that are codes, by code and description."""
    return [{"code": code, "description": text, "type": "code"} for code, text in properties.items()]


def filtered(**properties: str) -> list[JsonObject]:
    """``CodeSystem.filter`` on properties, by code and description."""
    return [
        {
            "code": code,
            "description": text,
            "operator": ["=", "in", "not-in", "regex", "exists"],
            "value": "A value",
        }
        for code, text in properties.items()
    ]


def of_r4(value_set: str) -> JsonObject:
    """A ValueSet that R4 defines, by id."""
    return definitions().archive.by_url(f"http://hl7.org/fhir/ValueSet/{value_set}", "ValueSet") or {}
