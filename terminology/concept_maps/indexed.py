"""One ConceptMap, so that a code is found in it from either side. https://hl7.org/fhir/R4/conceptmap.html"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from fhirserver.kernel.json import JsonObject
from terminology.concept_maps.equivalence import NONE, closeness


class Row(NamedTuple):
    """One target of one element; ``target`` is empty where the element has none."""

    source: str
    source_display: str
    target: str
    target_display: str
    equivalence: str
    depends: tuple[tuple[str, JsonObject], ...]
    products: tuple[tuple[str, JsonObject], ...]
    source_comment: str = ""
    target_comment: str = ""


COMMENT = "http://hl7.org/fhir/6.0/StructureDefinition/extension-ConceptMap.group.element.comment"
"""What R6 has as the comment of an element."""


class Group:
    """The mappings from one code system to another; either is empty where the map does not name it."""

    def __init__(self, group: JsonObject):
        self.source: str = group.get("source", "")
        self.source_version: str = group.get("sourceVersion", "")
        self.target: str = group.get("target", "")
        self.target_version: str = group.get("targetVersion", "")
        self.unmapped: JsonObject = group.get("unmapped") or {}
        forward: dict[str, list[Row]] = {}
        for row in _rows(group):
            forward.setdefault(row.source, []).append(row)
        self.forward: Mapping[str, list[Row]] = forward

    @cached_property
    def backward(self) -> Mapping[str, list[Row]]:
        """By the code of the target."""
        found: dict[str, list[Row]] = {}
        for rows in self.forward.values():
            for row in rows:
                if row.target:
                    found.setdefault(row.target, []).append(row)
        return found


class IndexedMap:
    """``canonical`` names it with its version."""

    def __init__(self, resource: JsonObject):
        self.url: str = resource.get("url", "")
        self.version: str = resource.get("version", "")
        self.status: str = resource.get("status", "")
        self.source = _value_set(resource, "source")
        self.target = _value_set(resource, "target")
        self.groups = tuple(Group(one) for one in resource.get("group", ()))

    @cached_property
    def translations(self) -> Mapping[str, JsonObject]:
        """Each code that is listed with the Coding that comes closest, of whatever system."""
        return _closest(self.groups)

    @property
    def canonical(self) -> str:
        return f"{self.url}|{self.version}" if self.url and self.version else self.url


def _closest(groups: Iterable[Group]) -> dict[str, JsonObject]:
    """Of each code the translation that is closest, of those the first."""
    found: dict[str, tuple[int, JsonObject]] = {}
    for group in groups:
        for row in (row for rows in group.forward.values() for row in rows):
            rank = closeness(row.equivalence)
            if row.target and rank < NONE and not row.depends and rank < found.get(row.source, (NONE, {}))[0]:
                stated = {"system": group.target, "code": row.target, "display": row.target_display}
                found[row.source] = (rank, {name: value for name, value in stated.items() if value})
    return {code: coding for code, (_, coding) in found.items()}


def _value_set(resource: JsonObject, side: str) -> str:
    return str(resource.get(f"{side}Canonical") or resource.get(f"{side}Uri") or "")


def _rows(group: JsonObject) -> Iterator[Row]:
    for element in group.get("element", ()):
        source, display = element.get("code", ""), element.get("display", "")
        targets: list[JsonObject] = element.get("target") or [{"equivalence": "unmatched"}]
        for target in targets:
            yield Row(
                source,
                display,
                target.get("code", ""),
                target.get("display", ""),
                target.get("equivalence", "relatedto"),
                _sides(target.get("dependsOn", ())),
                _sides(target.get("product", ())),
                _comment(element),
                str(target.get("comment", "")),
            )


def _comment(element: JsonObject) -> str:
    comments = (one.get("valueString") for one in element.get("extension", ()) if one.get("url") == COMMENT)
    return str(next(comments, None) or "")


def _sides(listed: list[JsonObject]) -> tuple[tuple[str, JsonObject], ...]:
    return tuple((one.get("property", ""), _coding(one)) for one in listed)


def _coding(side: JsonObject) -> JsonObject:
    made = {"system": side.get("system"), "code": side.get("value"), "display": side.get("display")}
    return {name: value for name, value in made.items() if value}
