"""The extension that makes an Endpoint a connector, as a StructureDefinition with its parts as slices."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from fhirserver.interactions.conformance.frame import computer_name, frame
from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.world.vocabulary import CONNECTOR

_EXTENSION = "http://hl7.org/fhir/StructureDefinition/Extension"
_PARTS = (
    ("kind", 1, "1", "code", "How the EHR speaks"),
    ("source", 1, "1", "string", "The source whose statements its records are"),
    ("origin", 0, "1", "code", "settings: it stands in the settings of the server and is changed there"),
    ("setting", 0, "*", "", "One setting: an extension 'name', and one 'value' or, for a list, several"),
)


def connector_extension() -> JsonObject:
    """The StructureDefinition ``connector``, with differential and snapshot."""
    id = CONNECTOR.rpartition("/")[2]
    text = (
        "Makes an Endpoint a connector: the server pulls from the EHR at its address, and writes to it. Its identifier "
        "of the system https://credence.health/fhir/identifier/connector is its name."
    )
    return {
        **frame("StructureDefinition", id, computer_name(id), "Connector", text),
        "fhirVersion": "4.0.1",
        "kind": "complex-type",
        "abstract": False,
        "context": [{"type": "element", "expression": "Endpoint"}],
        "type": "Extension",
        "baseDefinition": _EXTENSION,
        "derivation": "constraint",
        "snapshot": {"element": _snapshot(text)},
        "differential": {"element": list(_differential(text))},
    }


def _differential(text: str) -> Iterator[JsonObject]:
    yield {"id": "Extension", "path": "Extension", "short": "Connector", "definition": text}
    for name, least, most, type, short in _PARTS:
        here = f"Extension.extension:{name}"
        slice = {"path": "Extension.extension", "sliceName": name, "min": least, "max": most, "short": short}
        yield {"id": here, **slice}
        yield {"id": f"{here}.extension", "path": "Extension.extension.extension", **_inner(type)}
        yield {"id": f"{here}.url", "path": "Extension.extension.url", "fixedUri": name}
        yield {"id": f"{here}.value[x]", "path": "Extension.extension.value[x]", **_value(type)}
    yield {"id": "Extension.url", "path": "Extension.url", "fixedUri": CONNECTOR}
    yield {"id": "Extension.value[x]", "path": "Extension.value[x]", "max": "0"}


def _inner(type: str) -> JsonObject:
    return {"max": "0"} if type else {"min": 2}


def _value(type: str) -> JsonObject:
    return {"min": 1, "type": [{"code": type}]} if type else {"max": "0"}


def _snapshot(text: str) -> list[JsonObject]:
    """The elements of Extension, and behind ``extension`` those of every slice."""
    base: list[JsonObject] = copy.deepcopy(
        (definitions().conformance(_EXTENSION) or {})["snapshot"]["element"]
    )
    known = {element["id"]: element for element in base}
    constraints = {element["id"]: element for element in _differential(text)}
    found: list[JsonObject] = []
    for element in base:
        found.append({**element, **constraints.get(element["id"], {})})
        if element["id"] == "Extension.extension":
            found += [part for name, *_ in _PARTS for part in _slice(name, known, constraints)]
    return found


def _slice(
    name: str, known: dict[str, JsonObject], constraints: dict[str, JsonObject]
) -> Iterator[JsonObject]:
    """The elements of one part."""
    here = f"Extension.extension:{name}"
    whole = {key: value for key, value in known["Extension.extension"].items() if key != "slicing"}
    yield {**whole, **constraints[here]}
    for member in ("id", "extension", "url", "value[x]"):
        id = f"{here}.{member}"
        element = {**known[f"Extension.{member}"], "id": id, "path": f"Extension.extension.{member}"}
        yield {**element, **constraints.get(id, {})}
