"""Every resource and value in a resource, each held to what R4 itself says of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.model.definitions import ElementDef, definitions
from fhirserver.model.fhirpath import Typed
from fhirserver.model.fhirpath.elements import is_primitive
from fhirserver.model.validation.profiles import (
    attachments,
    claims,
    identity,
    meanings,
    narratives,
    publication,
)
from fhirserver.model.validation.profiles.check import check_profile
from fhirserver.model.validation.profiles.extensions import Holder, check_extension
from fhirserver.model.validation.profiles.items import typed
from fhirserver.model.validation.profiles.objects import objects, text
from fhirserver.model.validation.profiles.registry import BASE
from fhirserver.model.validation.profiles.resource_rules import RESOURCE_RULES
from fhirserver.model.validation.profiles.run import Run
from fhirserver.model.validation.profiles.targets import check_known
from fhirserver.model.validation.report import Place

_MEASURED = frozenset({"Quantity", "Age", "Count", "Distance", "Duration"})


def check_resource(resource: Json, place: Place, run: Run, is_contained: bool = False) -> None:
    """One resource and all that is in it."""
    type_name = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(type_name, str) or type_name not in definitions().resource_types:
        return
    run.beat()
    with run.inside(resource, is_contained):
        item = Typed(resource, type_name)
        check_profile(BASE + type_name, item, place, run)
        claims.check(item, place, run)
        publication.check(resource, place, run)
        _contained_once(resource, place, run)
        identity.labels(resource, place, run)
        rule = RESOURCE_RULES.get(type_name)
        if rule is not None:
            rule(resource, place, run)
        outer, run.ids = run.ids, set()
        _descend(resource, Holder(item, (type_name,)), place, run)
        run.ids = outer


def _contained_once(resource: JsonObject, place: Place, run: Run) -> None:
    """Two contained resources with one id could not be told apart."""
    seen: set[str] = set()
    for held, at in objects(resource, "contained", place):
        name = text(held, "id")
        if name and name in seen:
            run.add("duplicate", "another contained resource has this id", (at, "id", -1))
        seen.add(name)


def _descend(node: JsonObject, holder: Holder, place: Place, run: Run) -> None:
    elements = _elements(holder.item.type if isinstance(holder.item.value, dict) else "Element")
    for name in node:
        element = elements.get(name)
        if element is None:
            continue
        label = f"{element.name}.ofType({element.type})" if element.choice else element.name
        for value, sibling, index in _values(node, name, element):
            _check(typed(value, sibling, element.type), element, holder, (place, label, index), run)


@lru_cache(4096)
def _elements(type_name: str) -> dict[str, ElementDef]:
    """By member; the siblings of primitives too, for those that have no value."""
    definition = definitions().type(type_name)
    found = dict(definition.elements) if definition else {}
    return found | {f"_{name}": one for name, one in found.items() if is_primitive(one.type)}


def _values(node: JsonObject, name: str, element: ElementDef) -> Iterator[tuple[Json, Json, int]]:
    if name[0] == "_" and element.json_name in node:
        return
    value = node.get(element.json_name)
    sibling = node.get(f"_{element.json_name}") if is_primitive(element.type) else None
    if not isinstance(value, list) and not isinstance(sibling, list):
        yield value, sibling, -1
        return
    values = value if isinstance(value, list) else []
    siblings = sibling if isinstance(sibling, list) else []
    for at in range(max(len(values), len(siblings))):
        one = values[at] if at < len(values) else None
        yield one, siblings[at] if at < len(siblings) else None, at


def _check(item: Typed, element: ElementDef, holder: Holder, place: Place, run: Run) -> None:
    if element.type == "Resource":
        check_resource(item.value, place, run, element.name == "contained")
        return
    sibling = getattr(item, "sibling", None)
    node = item.value if isinstance(item.value, dict) else sibling
    _check_codes(item, element, place, run)
    meanings.check(item, place, run)
    if element.type == "canonical":
        meanings.canonical_target(item.value, element.targets, place, run)
    if not isinstance(node, dict):
        return
    run.beat()
    if (
        element.type != "ElementDefinition"
    ):  # snapshot and differential have the same; they have rules of their own
        identity.element_id(node, place, run)
    url = ""
    if element.type == "Extension":
        check_extension(node, holder, element.name == "modifierExtension", place, run)
        url = str(node.get("url", ""))
    elif element.type == "Attachment":
        attachments.check(node, place, run)
    elif element.type == "Reference":
        check_known(item, element.targets, place, run)
    elif element.type == "Narrative":
        narratives.check(node, place, run)
    elif "." not in element.type and item.value is not None:
        check_profile(BASE + element.type, item, place, run)
    paths = (element.path, f"{holder.paths[-1]}.{element.name}", f"{holder.paths[-1]}.{element.json_name}")
    _descend(node, Holder(item, _named(paths, holder), url), place, run)


def _named(paths: tuple[str, ...], holder: Holder) -> tuple[str, ...]:
    """At most a few names; the last is the one from the root, with which those below go on."""
    return (paths[0], paths[2], paths[1])


def _check_codes(item: Typed, element: ElementDef, place: Place, run: Run) -> None:
    binding = element.binding
    if binding is not None and binding.strength != "example":
        enumerated = binding.strength == "required" and definitions().required_codes(binding.value_set)
        if not enumerated or item.value is None:
            run.codes.check_binding(item, binding, place, run.report)
    if item.type in _MEASURED:
        run.codes.check_unit(item, place, run.report, run.rules.lapses)
    if item.type == "Coding":  # a CodeableConcept is met again as its codings
        run.codes.check_codes(item, place, run.report, run.rules.lapses)
