"""Literal references. https://hl7.org/fhir/R4/references.html#literal"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fhirserver.kernel.json import Json, JsonObject

_LITERAL = re.compile(
    r"(?P<base>https?://.+/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})"
    r"(?:/_history/(?P<version>[A-Za-z0-9\-.]{1,64}))?\Z"
)


@dataclass(frozen=True, slots=True)
class Literal:
    """``[base/]Type/id[/_history/version]``; ``base`` is empty for a relative reference."""

    type: str
    id: str
    version: str = ""
    base: str = ""

    def __str__(self) -> str:
        tail = f"/_history/{self.version}" if self.version else ""
        return f"{self.base}{self.type}/{self.id}{tail}"


def parse_reference(text: str) -> Literal | None:
    """The parts of a literal reference to a resource, or None for anything else (``#x``, urns, URLs)."""
    match = _LITERAL.match(text)
    if match is None:
        return None
    return Literal(match["type"], match["id"], match["version"] or "", match["base"] or "")


def walk_references(value: Json) -> Iterator[JsonObject]:
    """Every object inside ``value`` that has a string ``reference`` member."""
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value
        for inner in value.values():
            if isinstance(inner, dict | list):
                yield from walk_references(inner)
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict | list):
                yield from walk_references(inner)


def path_of_reference(resource: JsonObject, reference: str) -> str:
    """Where a resource has a reference, such as ``Patient.generalPractitioner[0].reference``; its type if nowhere."""
    root = str(resource.get("resourceType", ""))
    return next(_paths(resource, root, reference), root)


def paths_of_reference(resource: JsonObject, reference: str) -> list[str]:
    """Every place where a resource has a reference."""
    return list(_paths(resource, str(resource.get("resourceType", "")), reference))


def _paths(value: Json, path: str, reference: str) -> Iterator[str]:
    if isinstance(value, dict):
        if value.get("reference") == reference:
            yield f"{path}.reference"
        for name, inner in value.items():
            yield from _paths(inner, f"{path}.{name}", reference)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _paths(inner, f"{path}[{number}]", reference)
