"""Parts of resources: ``_summary`` and ``_elements``. https://hl7.org/fhir/R4/search.html#summary"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TypeAlias

from fhirserver.interactions.exchange import Request
from fhirserver.kernel.json import Json, JsonObject, dumps, loads
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.model.definitions import definitions
from fhirserver.search.controls import element_names, elements_named

Wanted: TypeAlias = "Mapping[str, Wanted | None]"
"""JSON names of the elements that are wanted, with what is wanted of each; None: everything."""

SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
_ALWAYS = frozenset({"resourceType", "id", "meta"})
_ALWAYS_INSIDE = frozenset({"id", "extension"})
_ALWAYS_WHOLE = frozenset({"meta", "extension", "modifierExtension"})
_EMPTY: tuple[Json, ...] = ({}, [])
_READ_PARAMS = frozenset({"_summary", "_elements", "_format", "_pretty"})
SUMMARIES = frozenset({"true", "text", "data", "count", "false"})


@dataclass(frozen=True, slots=True)
class Subset:
    """What is wanted of each resource. Everything, when both are empty."""

    summary: str = ""
    elements: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        return not self.elements and self.summary in ("", "false")


def subset_params(type: str, params: Iterable[tuple[str, str]], lenient: bool = False) -> Subset:
    """The subset a read asks for. Raises a refusal (400) for a parameter that read does not have.

    Where handling is ``lenient`` such a parameter is passed over.
    """
    summary, elements = "", ""
    for name, value in params:
        if name not in _READ_PARAMS and not lenient:
            raise refuse(
                Category.INVALID,
                "not-supported",
                f"'{name[:64]}' is not a parameter of read",
                f"http.{name[:64]}",
            )
        if name == "_summary":
            summary = value
        if name == "_elements":
            elements = value
    if summary not in ("", *SUMMARIES - {"count"}):
        raise refuse(Category.INVALID, "value", "_summary is true, text, data or false", "http._summary")
    return Subset(summary, _elements(type, elements) if elements else ())


def subset_of(request: Request) -> Subset:
    """The subset that a read of one resource asks for."""
    return subset_params(request.type, request.params, request.lenient)


def summary_value(text: str) -> str:
    """The value of ``_summary``. Raises ValueError for none that there is."""
    if text not in SUMMARIES:
        raise ValueError
    return text


def element_values(type: str, text: str) -> tuple[str, ...]:
    """The names in ``_elements``, those of any resource type where ``type`` is empty. Raises a refusal (400)."""
    if type:
        return _elements(type, text)
    names = tuple(name.strip() for name in text.split(","))
    if all(name.rpartition(".")[2] in _names() for name in names):
        return names
    raise refuse(Category.INVALID, "value", "_elements: expected names of elements", "http._elements")


@cache
def _names() -> frozenset[str]:
    """The names of all elements that resources have."""
    found = filter(None, (definitions().type(type) for type in definitions().resource_types))
    return frozenset(name for one in found for name in (*one.elements, *one.by_name))


def _elements(type: str, text: str) -> tuple[str, ...]:
    try:
        return element_names(type, text)
    except ValueError as error:
        raise refuse(Category.INVALID, "value", f"_elements: {error}", "http._elements") from None


def subset_version(content: bytes, type: str, subset: Subset) -> bytes:
    """The wanted part of an encoded resource, marked SUBSETTED."""
    if subset.whole:
        return content
    return dumps(subset_resource(loads(content), type, subset))


def subset_resource(resource: JsonObject, type: str, subset: Subset) -> JsonObject:
    keep = _kept(type, subset)
    part = {name: value for name, value in resource.items() if _wanted(name, keep, subset)}
    if subset.summary == "true" and not subset.elements:
        part = {name: _summarised(value, _type_of(type, name)) for name, value in part.items()}
    if subset.elements:
        paths = _by_path(type, subset.elements)
        pruned = ((name, _pruned(value, paths.get(name))) for name, value in part.items())
        part = {name: value for name, value in pruned if value not in _EMPTY}
    meta = dict(part.get("meta", {}))
    meta["tag"] = [*meta.get("tag", ()), SUBSETTED]
    part["meta"] = meta
    return part


def _summarised(value: Json, type: str) -> Json:
    """What an element has inside that is part of a summary; ids and extensions stay with what they are of."""
    if isinstance(value, list):
        return [_summarised(item, type) for item in value]
    if not isinstance(value, dict) or not type or "resourceType" in value:
        return value
    keep = _summary(type) | _ALWAYS_INSIDE
    return {
        name: _summarised(part, _type_of(type, name))
        for name, part in value.items()
        if name.removeprefix("_") in keep
    }


def _type_of(type: str, name: str) -> str:
    """The type of an element where it has elements itself that may be left out."""
    found = definitions().type(type)
    element = found.elements.get(name) if found and name not in _ALWAYS_WHOLE else None
    inside = definitions().type(element.type) if element else None
    return inside.name if inside and inside.kind in ("backbone", "complex-type") else ""


def _wanted(name: str, keep: frozenset[str], subset: Subset) -> bool:
    if subset.summary == "data":
        return name != "text"
    return name in _ALWAYS or name.removeprefix("_") in keep


def _kept(type: str, subset: Subset) -> frozenset[str]:
    mandatory = _mandatory(type)
    if subset.elements:
        return frozenset(_by_path(type, subset.elements)) | mandatory
    if subset.summary == "text":
        return mandatory | {"text"}
    return _summary(type)


@cache
def _summary(type: str) -> frozenset[str]:
    found = definitions().type(type)
    return frozenset(name for name, e in found.elements.items() if e.is_summary) if found else frozenset()


@cache
def _mandatory(type: str) -> frozenset[str]:
    found = definitions().type(type)
    return frozenset(name for name, e in found.elements.items() if e.min > 0) if found else frozenset()


@lru_cache(maxsize=1024)
def _by_path(type: str, elements: tuple[str, ...]) -> Wanted:
    """The elements of a type by paths of FHIRPath names (``value`` is whichever ``value[x]`` is there) or JSON names.

    Elements named with the type of other resources are none of it.
    """
    return _below(type, [name.removeprefix(f"{type}.").split(".") for name in elements])


def _below(type: str, paths: Sequence[Sequence[str]]) -> Wanted:
    found = definitions().type(type)
    wanted: dict[str, Wanted | None] = {}
    for head in dict.fromkeys(path[0] for path in paths):
        below = [path[1:] for path in paths if path[0] == head]
        for element in elements_named(found, head) if found else ():
            inner = (
                {**dict.fromkeys(_mandatory(element.type)), **_below(element.type, below)}
                if all(below)
                else None
            )
            wanted[element.json_name] = inner
    return wanted


def _pruned(value: Json, wanted: Wanted | None) -> Json:
    """What is wanted of a value; None: all of it. Items of which nothing is left are left out."""
    if wanted is None or not isinstance(value, dict | list):
        return value
    if isinstance(value, list):
        return [part for part in (_pruned(item, wanted) for item in value) if part]
    named = ((name, name.removeprefix("_")) for name in value)
    pruned = ((name, _pruned(value[name], wanted[bare])) for name, bare in named if bare in wanted)
    return {name: part for name, part in pruned if part not in _EMPTY}
