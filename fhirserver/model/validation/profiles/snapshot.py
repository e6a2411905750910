"""Applying a differential to the tree of its base: what generating a snapshot means.

https://hl7.org/fhir/R4/profiling.html#snapshot
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.model.validation.profiles.tree import Tree

if TYPE_CHECKING:
    from fhirserver.model.validation.profiles.registry import Registry

_KEPT = ("path", "base", "id")
_BY_TYPE = {"discriminator": [{"type": "type", "path": "$this"}], "rules": "open", "ordered": False}
_ONLY = {**_BY_TYPE, "rules": "closed"}


def grafted(base: Tree, differential: Iterable[JsonObject], registry: Registry) -> Tree:
    """The tree of a profile. Elements that the base does not have raise LookupError."""
    root = base.copy()
    for _ in changes(root, differential, registry):
        pass
    return root


def changes(
    root: Tree, differential: Iterable[JsonObject], registry: Registry
) -> Iterator[tuple[JsonObject, JsonObject]]:
    """Make a tree that of a profile, element by element: what each was before and what it is then."""
    slices: dict[str, str] = {}
    for element in differential:
        path = str(element["path"])
        slices = {p: name for p, name in slices.items() if p != path and not p.startswith(path + ".")}
        if "." in path and element.get("sliceName"):
            slices[path] = str(element["sliceName"])
        yield _Graft(registry, root).apply(element, path, slices)


class _Graft:
    def __init__(self, registry: Registry, root: Tree):
        self._registry = registry
        self._root = root
        self._shortened: Tree | None = None
        self._states_type = False

    def apply(self, element: JsonObject, path: str, slices: dict[str, str]) -> tuple[JsonObject, JsonObject]:
        """Merge one element of the differential into what it names; what that was before and is then."""
        self._states_type = bool(element.get("type"))
        at, prefix = self._root, path.partition(".")[0]
        for name in path.split(".")[1:]:
            prefix = f"{prefix}.{name}"
            at = self._down(at, name, slices.get(prefix, ""))
        before = at.element
        at.element = merged(before, element)
        self._raise_minimum(at)
        return before, at.element

    def _raise_minimum(self, at: Tree) -> None:
        """Where one type alone is left, what is asked of it is asked of the choice."""
        choice = self._shortened
        if choice is None or choice.element.get("slicing") is not _ONLY:
            return
        if len(choice.slices) == 1 and at in choice.slices.values():
            least = max(choice.element.get("min", 0), at.element.get("min", 0))
            choice.element = {**choice.element, "min": least}

    def _down(self, at: Tree, name: str, slice_name: str) -> Tree:
        if not at.children:
            below = self._registry.children(at, self._root)
            at.children = {n: moved(c.copy(), at.path) for n, c in below.items()}
        child = at.children.get(name.removesuffix("[x]"))
        if child is None:
            child, slice_name = self._choice(at, name, slice_name)
        return self._slice(child, slice_name) if slice_name else child

    def _choice(self, at: Tree, name: str, slice_name: str) -> tuple[Tree, str]:
        """``valueQuantity`` is the slice of ``value[x]`` that has this type."""
        for base_name, child in at.children.items():
            type_name = named_type(child, name.removeprefix(base_name)) if name.startswith(base_name) else ""
            if type_name:
                if self._states_type:
                    self._only(child, type_name)
                    self._shortened = child
                return child, slice_name or name
        raise LookupError("the differential names an element that its base does not have")

    def _only(self, child: Tree, type_name: str) -> None:
        """``valueQuantity`` with its type, without slicing, says that there is no other type."""
        if child.element.get("slicing") is _ONLY:
            kept = {code_of(t) for t in child.types} | {type_name}
        elif "slicing" not in child.element:
            kept = {type_name}
        else:
            return
        types = [t for t in child.element.get("_types", child.types) if code_of(t) in kept]
        child.element = {"_types": child.types, **child.element, "type": types, "slicing": _ONLY}

    def _slice(self, child: Tree, name: str) -> Tree:
        found = child.slice(name)
        if found is None:
            outer = child.slice(name.rpartition("/")[0]) if "/" in name else None
            found = (outer or child).copy()
            found.slices = {}
            found.element = {k: v for k, v in found.element.items() if k not in ("slicing", "_types")}
            found.element |= {"min": 0, "sliceName": name}
            self._narrow_choice(child, found, name)
            child.add_slice(name, found)
        return found

    def _narrow_choice(self, child: Tree, found: Tree, name: str) -> None:
        if not child.path.endswith("[x]"):
            return
        short = child.path.rpartition(".")[2].removesuffix("[x]")
        type_name = named_type(child, name.removeprefix(short)) if name.startswith(short) else ""
        if type_name:
            found.element["type"] = [t for t in child.types if t.get("code") == type_name]
            if "slicing" not in child.element:
                child.element = {**child.element, "slicing": _BY_TYPE}


def moved(tree: Tree, parent: str) -> Tree:
    """A copied tree with its paths below another element; what it is at base stays what it was."""
    path = f"{parent}.{tree.path.rpartition('.')[2]}"
    base = {"path": tree.path, "min": tree.element.get("min", 0), "max": tree.element.get("max", "*")}
    tree.element = {"base": base, **tree.element, "path": path}
    for below in (*tree.children.values(), *tree.slices.values()):
        moved(below, parent if below in tree.slices.values() else path)
    return tree


def code_of(type_: JsonObject) -> str:
    return str(type_.get("code", ""))


def named_type(choice: Tree, suffix: str) -> str:
    """The type of a choice that a suffix such as ``Quantity`` or ``DateTime`` stands for."""
    if not choice.path.endswith("[x]"):
        return ""
    for type_ in choice.types:
        code = str(type_.get("code", ""))
        if code[:1].upper() + code[1:] == suffix and definitions().type(code) is not None:
            return code
    return ""


def merged(base: JsonObject, change: JsonObject) -> JsonObject:
    """An element definition with what a differential says of it; constraints add up."""
    found = {**base, **{k: v for k, v in change.items() if k not in _KEPT}}
    if "constraint" in base and "constraint" in change:
        by_key = {c.get("key"): c for c in (*base["constraint"], *change["constraint"])}
        found["constraint"] = list(by_key.values())
    if any(k.startswith("fixed") for k in change):
        found = {k: v for k, v in found.items() if not k.startswith("pattern") or k in change}
    return found
