"""Plain paths as direct walks over dictionaries, without an object per node on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.model.fhirpath.elements import ABSTRACT, Step, Variant, append
from fhirserver.model.fhirpath.values import Items, Typed

Walk: TypeAlias = tuple[Step, ...]
Walker: TypeAlias = Callable[[JsonObject], Items]
Leaf: TypeAlias = Callable[[JsonObject, Items], None]

_new = tuple.__new__


def continues(walk: Walk) -> bool:
    """Whether another step can follow: the last one leads to one complex type that is not abstract."""
    if not walk:
        return True
    variants = walk[-1].variants
    return len(variants) == 1 and not variants[0].primitive and variants[0].type not in ABSTRACT


def walker(walk: Walk) -> Walker:
    """A function from a node to the items that ``walk`` leads to. ``walk`` is not empty."""
    leaf = _leaf(walk[-1])
    keys = tuple(step.variants[0].key for step in walk[:-1])
    if not keys:
        return _from_here(leaf)
    return _one_down(keys[0], leaf) if len(keys) == 1 else _further_down(keys, leaf)


def _from_here(leaf: Leaf) -> Walker:
    def walk(node: JsonObject) -> Items:
        out: Items = []
        leaf(node, out)
        return out

    return walk


def _one_down(key: str, leaf: Leaf) -> Walker:
    def walk(node: JsonObject) -> Items:
        out: Items = []
        below = node.get(key)
        if below is None:
            return out
        if below.__class__ is list:
            for inner in below:
                leaf(inner, out)
        else:
            leaf(below, out)
        return out

    return walk


def _further_down(keys: tuple[str, ...], leaf: Leaf) -> Walker:
    def walk(node: JsonObject) -> Items:
        out: Items = []
        nodes = [node]
        for key in keys:
            found: list[Json] = []
            for inner in nodes:
                below = inner.get(key)
                if below.__class__ is list:
                    found += below
                elif below is not None:
                    found.append(below)
            if not found:
                return out
            nodes = found
        for inner in nodes:
            leaf(inner, out)
        return out

    return walk


def _leaf(step: Step) -> Leaf:
    if len(step.variants) > 1:
        return _choice_leaf(step)
    variant = step.variants[0]
    if variant.primitive:
        return _primitive_leaf(variant)
    if variant.type in ABSTRACT:
        return lambda node, out: append(node, variant, out)
    return _complex_leaf(variant)


def _complex_leaf(variant: Variant) -> Leaf:
    key, type_name = variant.key, variant.type

    def leaf(node: JsonObject, out: Items) -> None:
        value = node.get(key)
        if value is None:
            return
        if value.__class__ is list:
            out.extend([_new(Typed, (one, type_name)) for one in value if one is not None])
        else:
            out.append(_new(Typed, (value, type_name)))

    return leaf


def _primitive_leaf(variant: Variant) -> Leaf:
    key, sibling, type_name = variant.key, "_" + variant.key, variant.type

    def leaf(node: JsonObject, out: Items) -> None:
        if sibling in node:
            append(node, variant, out)
            return
        value = node.get(key)
        if value is None:
            return
        if value.__class__ is list:
            out.extend([_new(Typed, (one, type_name)) for one in value if one is not None])
        else:
            out.append(_new(Typed, (value, type_name)))

    return leaf


def _choice_leaf(step: Step) -> Leaf:
    known = dict(step.by_key)
    for variant in step.variants:
        if variant.primitive:
            known["_" + variant.key] = variant
    find = known.get

    def leaf(node: JsonObject, out: Items) -> None:
        for key in node:
            variant = find(key)
            if variant is not None and (key == variant.key or variant.key not in node):
                append(node, variant, out)

    return leaf
