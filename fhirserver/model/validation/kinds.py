"""How far a type is from those that an element allows its references to point at.

HL7's own examples point at a neighbour of what is allowed: at a Practitioner for an Organization, at a Procedure
for an Observation, at a DeviceDefinition for a Device. A type of quite another kind is an error.
https://hl7.org/fhir/R4/resourcelist.html
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

from fhirserver.model.definitions import definitions

_DEFINITION = "http://hl7.org/fhir/StructureDefinition/"
_CATEGORY = f"{_DEFINITION}structuredefinition-category"


def severity(type_name: str, allowed: Collection[str]) -> str:
    """Of a reference to ``type_name``, which is not among the allowed types."""
    return "warning" if any(_is_near(type_name, one) for one in allowed) else "error"


def words(type_name: str, allowed: Collection[str]) -> str:
    names = sorted(allowed)
    listed = " or ".join(names) if len(names) < 8 else f"{', '.join(names[:8])} and others"
    return f"points at a {type_name}; the element takes {listed}"


def _is_near(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one) or _module(one) == _module(other)


@lru_cache(256)
def _module(type_name: str) -> str:
    """``Clinical`` of ``Clinical.Summary``; the name itself where a type has no category."""
    definition = definitions().conformance(_DEFINITION + type_name) or {}
    for extension in definition.get("extension", ()):
        if extension.get("url") == _CATEGORY:
            return str(extension.get("valueString")).partition(".")[0]
    return type_name
