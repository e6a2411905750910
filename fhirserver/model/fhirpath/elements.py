"""The R4 element model as expressions see it: which JSON members a name stands for on each type."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.model.fhirpath.values import Extended, Items, Typed, system_type

ABSTRACT = frozenset({"Resource", "DomainResource", "Element", "BackboneElement"})


class Variant(NamedTuple):
    """One JSON member that holds an element: ``valueQuantity`` for ``value`` of type ``Quantity``."""

    key: str
    type: str
    primitive: bool


class Step(NamedTuple):
    """An element by its FHIRPath name: one variant, or one for each type of a choice."""

    variants: tuple[Variant, ...]
    is_list: bool
    by_key: dict[str, Variant]

    def narrowed(self, variants: tuple[Variant, ...]) -> Step:
        return Step(variants, self.is_list, {variant.key: variant for variant in variants})


_SYSTEM_MEMBERS = {
    ("System.Quantity", "value"): "System.Decimal",
    ("System.Quantity", "unit"): "System.String",
    ("System.TypeInfo", "name"): "System.String",
    ("System.TypeInfo", "namespace"): "System.String",
}


@lru_cache(16384)
def step(type_name: str, name: str) -> Step | None:
    """How to go from a value of a type to its element ``name``; None when there is no such element."""
    system = _SYSTEM_MEMBERS.get((type_name, name))
    if system is not None:
        return Step((Variant(name, system, False),), False, {name: Variant(name, system, False)})
    found = definitions().type(type_name)
    if found is None:
        return None
    elements = found.by_name.get(name, ())
    variants = tuple(Variant(e.json_name, e.type, is_primitive(e.type)) for e in elements)
    if not variants:
        return None
    return Step(variants, elements[0].is_list, {variant.key: variant for variant in variants})


@lru_cache(4096)
def is_primitive(type_name: str) -> bool:
    found = definitions().type(type_name)
    return found is not None and found.kind == "primitive-type"


@lru_cache(4096)
def names(type_name: str) -> tuple[str, ...]:
    """The FHIRPath names of a type's elements, in order."""
    found = definitions().type(type_name)
    return tuple(found.by_name) if found is not None else ()


def type_of_resource(value: Json, declared: str) -> str:
    """The type a value declared as ``Resource`` really has."""
    found = value.get("resourceType") if isinstance(value, dict) else None
    return found if isinstance(found, str) else declared


def append(node: JsonObject, variant: Variant, out: Items) -> None:
    """Add the items of one member of ``node``, primitives with their ``_sibling``."""
    value = node.get(variant.key)
    if variant.primitive and "_" + variant.key in node:
        _append_extended(value, node["_" + variant.key], variant.type, out)
    elif value is None:
        return
    elif value.__class__ is list:
        _append_list(value, variant.type, out)
    else:
        out.append(_typed(value, variant.type))


def _typed(value: Json, declared: str) -> Typed:
    return Typed(value, type_of_resource(value, declared) if declared in ABSTRACT else declared)


def _append_list(values: list[Json], declared: str, out: Items) -> None:
    out.extend([_typed(value, declared) for value in values if value is not None])


def _append_extended(value: Json, sibling: Json, type_name: str, out: Items) -> None:
    values = value if isinstance(value, list) else [value]
    siblings = sibling if isinstance(sibling, list) else [sibling]
    for at in range(max(len(values), len(siblings))):
        one = values[at] if at < len(values) else None
        extra = siblings[at] if at < len(siblings) else None
        if isinstance(extra, dict) and extra:
            item = Extended(one, type_name)
            item.sibling = extra
            out.append(item)
        elif one is not None:
            out.append(Typed(one, type_name))


def members(item: Typed, name: str, out: Items) -> None:
    """Add the children of ``item`` that are called ``name``."""
    value = item.value
    if value.__class__ is not dict:
        _members_of_primitive(item, name, out)
        return
    found = step(item.type, name)
    if found is None:
        return
    if len(found.variants) < 4:
        for variant in found.variants:
            append(value, variant, out)
        return
    for key in value:
        known = found.by_key.get(key[1:] if key[:1] == "_" else key)
        if known is not None and (key[:1] != "_" or known.key not in value):
            append(value, known, out)


def _members_of_primitive(item: Typed, name: str, out: Items) -> None:
    if name == "value":
        system = system_type(item.type)
        if system is not None and item.value is not None and item.type != system:
            out.append(Typed(item.value, system))
    elif isinstance(item, Extended):
        found = step("Element", name)
        if found is not None:
            for variant in found.variants:
                append(item.sibling, variant, out)


@lru_cache(4096)
def _variants(type_name: str) -> tuple[tuple[tuple[Variant, str], ...], ...]:
    """What may hold each element of a type, with the names of siblings."""
    found = (step(type_name, name) for name in names(type_name))
    return tuple(tuple((v, "_" + v.key) for v in one.variants) for one in found if one is not None)


def children(item: Typed) -> Items:
    """All children of ``item``, in the order of its type's elements."""
    out: Items = []
    value = item.value
    if isinstance(value, dict):
        for variants in _variants(item.type):
            for variant, sibling in variants:
                if variant.key in value or sibling in value:
                    append(value, variant, out)
    elif isinstance(item, Extended):
        for name in names("Element"):
            members(item, name, out)
    return out
