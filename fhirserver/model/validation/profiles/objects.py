"""Reading JSON that may not be what its type says, without a fault."""

from __future__ import annotations

from collections.abc import Iterator

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.model.validation.report import Place


def objects(node: Json, name: str, place: Place) -> Iterator[tuple[JsonObject, Place]]:
    """The objects in a list member, each with its place."""
    held = node.get(name) if isinstance(node, dict) else None
    for at, item in enumerate(held if isinstance(held, list) else ()):
        if isinstance(item, dict):
            yield item, (place, name, at)


def text(node: Json, name: str) -> str:
    """A string member, empty where there is none."""
    found = node.get(name) if isinstance(node, dict) else None
    return found if isinstance(found, str) else ""


def value_of(node: JsonObject, prefix: str = "value") -> tuple[str, Json] | None:
    """``("Boolean", True)`` of ``valueBoolean``: the choice of a ``value[x]``, None where there is none."""
    for name, value in node.items():
        if name.startswith(prefix) and name[len(prefix) : len(prefix) + 1].isupper():
            return name[len(prefix) :], value
    return None
