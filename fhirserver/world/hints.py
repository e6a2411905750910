"""What a correction of an element may look like, from the R4 definitions: types, formats, an example. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.model.definitions import Binding, ElementDef, TypeDef, definitions

DEPTH = 2
"""How deep an example goes into an element."""

FORMATS: dict[str, tuple[str, Json]] = {
    "boolean": ("true or false", True),
    "integer": ("a whole number", 0),
    "positiveInt": ("a whole number from 1", 1),
    "unsignedInt": ("a whole number from 0", 0),
    "decimal": ("a number; its precision counts", 1.0),
    "date": ("YYYY, YYYY-MM or YYYY-MM-DD", "1980-02-03"),
    "dateTime": ("YYYY-MM-DD, or YYYY-MM-DDThh:mm:ss with Z or +hh:mm", "2026-11-26T09:00:00Z"),
    "instant": ("YYYY-MM-DDThh:mm:ss with Z or +hh:mm", "2026-11-26T09:00:00Z"),
    "time": ("hh:mm:ss", "09:00:00"),
    "code": ("a code without spaces at its ends", "code"),
    "id": ("1 to 64 of A-Z a-z 0-9 - .", "id"),
    "uri": ("a URI", "urn:example"),
    "url": ("a URL", "https://example.org"),
    "canonical": ("the URL of a definition, with |version", "https://example.org/definition"),
    "oid": ("urn:oid:…", "urn:oid:1.2.3"),
    "uuid": ("urn:uuid:…", "urn:uuid:00000000-0000-4000-8000-000000000000"),
    "base64Binary": ("base64", "AAAA"),
    "markdown": ("Markdown", "text"),
    "string": ("text", "text"),
}
"""What a primitive looks like, and one that is right."""

_TELLING = {
    "HumanName": ("use", "family", "given"),
    "Address": ("use", "line", "city", "state", "postalCode"),
    "ContactPoint": ("system", "value", "use"),
    "Identifier": ("system", "value"),
    "CodeableConcept": ("coding", "text"),
    "Coding": ("system", "code", "display"),
    "Reference": ("reference", "display"),
    "Period": ("start", "end"),
    "Quantity": ("value", "unit", "system", "code"),
}
"""The elements of a type that an example shows beside those that have to be there."""


@dataclass(frozen=True, slots=True)
class Hint:
    """One JSON member by which an element can be stated: of a choice there are several."""

    member: str
    type: str
    min: int
    max: str
    targets: tuple[str, ...]
    binding: Binding | None
    format: str
    example: JsonObject


def hints(resource_type: str, member: str) -> list[Hint]:
    """The ways to state an element, by its unit's member (``birthDate``, ``deceased[x]``); none for one unknown."""
    known = definitions().type(resource_type)
    if known is None:
        return []
    found = [e for e in known.elements.values() if member in (e.json_name, e.choice)]
    return [_hint(element) for element in found]


def _hint(element: ElementDef) -> Hint:
    example = _example(element, DEPTH)
    return Hint(
        member=element.json_name,
        type=element.type.rpartition(".")[2] if "." in element.type else element.type,
        min=element.min,
        max="*" if element.max is None else str(element.max),
        targets=element.targets,
        binding=element.binding,
        format=FORMATS.get(element.type, ("", None))[0],
        example={element.json_name: example},
    )


def _example(element: ElementDef, depth: int) -> Json:
    value = _value(element, depth)
    return [value] if element.is_list else value


def _value(element: ElementDef, depth: int) -> Json:
    if element.type == "Reference":
        target = next((one for one in element.targets if one != "Resource"), "Patient")
        return {"reference": f"{target}/id"}
    if element.type in FORMATS:
        return FORMATS[element.type][1]
    known = definitions().type(element.type)
    if known is None or known.kind == "primitive-type" or depth == 0:
        return "text" if known is not None and known.kind == "primitive-type" else {}
    return {inner.json_name: _example(inner, depth - 1) for inner in _shown(known)}


def _shown(known: TypeDef) -> Iterator[ElementDef]:
    """What an example of a complex type has: what must be there, and what tells most."""
    telling = _TELLING.get(known.name, ())
    chosen: set[str] = set()
    for element in known.elements.values():
        needed = element.min > 0 and element.choice not in chosen
        if needed or element.json_name in telling:
            chosen.add(element.choice or element.json_name)
            yield element
