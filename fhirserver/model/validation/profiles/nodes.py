"""Profiles as what they ask beyond the base definition: elements that ask nothing more are left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import Binding, ElementDef, definitions
from fhirserver.model.validation.invariants import Invariant, constraint_keys
from fhirserver.model.validation.profiles.discriminators import Discriminator, discriminators
from fhirserver.model.validation.profiles.registry import BASE, Registry, type_code
from fhirserver.model.validation.profiles.tree import Tree, element_name
from fhirserver.model.validation.profiles.values import ValueCheck, value_checks

_MAX_BINDING = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"
_LOOSE = "http://hl7.org/fhir/ValueSet/ucum-vitals-common"
"""R4 binds components of vital signs to it as required, which R5 and US Core corrected to extensible."""

_BY_URL = ({"type": "value", "path": "url"},)
_IMPLIED = {"extension": _BY_URL, "modifierExtension": _BY_URL}
"""Extensions are told apart by their url, whether a profile says so or not."""


@dataclass(slots=True)
class Slicing:
    """How the items of an element are told apart, and what else may stand among them."""

    rules: str
    ordered: bool
    slices: tuple[Slice, ...]


@dataclass(slots=True)
class Node:
    """One element of a profile.

    ``types`` are those the profile allows where it allows fewer than the base, else None. ``profiles`` and
    ``targets`` are, for each type, the profiles its values and the targets of its references must fit.
    """

    name: str
    label: str
    min: int
    max: int | None
    base_min: int
    base_max: int | None
    types: frozenset[str] | None = None
    profiles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    targets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aggregation: frozenset[str] = frozenset()
    checks: tuple[ValueCheck, ...] = ()
    bindings: tuple[Binding, ...] = ()
    invariants: tuple[Invariant, ...] = ()
    children: tuple[Node, ...] = ()
    slicing: Slicing | None = None
    content: str = ""
    """The path of the element whose children it has too."""

    @property
    def asks_of_values(self) -> bool:
        """Whether it asks anything of each value."""
        return bool(
            self.types is not None or self.profiles or self.targets or self.aggregation or self.checks
            or self.bindings or self.invariants or self.children or self.slicing or self.content
        )  # fmt: skip

    @property
    def asks(self) -> bool:
        """Whether it asks anything that its base does not."""
        return self.min > self.base_min or narrower(self.max, self.base_max) or self.asks_of_values


@dataclass(slots=True)
class Slice:
    """A slice: how its items are known, and what is asked of them."""

    name: str
    node: Node
    tests: tuple[Discriminator, ...]


def narrower(maximum: int | None, base: int | None) -> bool:
    return maximum is not None and (base is None or maximum < base)


def compiled(tree: Tree, registry: Registry) -> Node:
    """The node of the root element of a profile."""
    compiler = _Compiler(registry, tree)
    root = compiler.node(tree, "")
    compiler.refer()
    return root


class _Compiler:
    def __init__(self, registry: Registry, root: Tree):
        self._registry = registry
        self._root = root
        self._root_type = tree_type(root)
        self._by_path: dict[str, Node] = {}
        self._referring: list[Node] = []

    def refer(self) -> None:
        """Give those that refer to another element the children of that one."""
        for node in self._referring:
            target = self._by_path.get(node.content)
            node.children = target.children if target is not None else ()

    def node(self, tree: Tree, slice_name: str) -> Node:
        element = tree.element
        base = base_elements(element)
        node = Node(
            element_name(tree.path),
            f"{tree.path}:{slice_name}" if slice_name else tree.path,
            int(element.get("min", 0)),
            maximum(element.get("max", "*")),
            0 if slice_name else int(element.get("base", {}).get("min", 0)),
            None if slice_name else maximum(element.get("base", {}).get("max", "*")),
            checks=tuple(value_checks(element)),
            bindings=tuple(_bindings(element, base)),
            invariants=tuple(_invariants(element, self._root_type)),
        )
        if tree is not self._root:
            self._types(node, tree, base)
        if not slice_name:
            self._by_path.setdefault(tree.path, node)
        self._below(node, tree)
        return node

    def _types(self, node: Node, tree: Tree, base: tuple[ElementDef, ...]) -> None:
        codes = frozenset(type_code(t) for t in tree.types)
        is_system = any(str(t.get("code", "")).startswith("http://hl7.org/fhirpath/") for t in tree.types)
        if base and codes and not is_system and not {e.type for e in base if "." not in e.type} <= codes:
            node.types = codes
        node.profiles = {type_code(t): tuple(t["profile"]) for t in tree.types if t.get("profile")}
        node.targets = {type_code(t): found for t in tree.types if (found := _targets(t, base))}
        node.aggregation = frozenset(a for t in tree.types for a in t.get("aggregation", ()))

    def _below(self, node: Node, tree: Tree) -> None:
        children = tree.children
        reference = str(tree.element.get("contentReference", ""))
        if not children and reference:
            node.content = reference.rpartition("#")[2]
            self._referring.append(node)
            return
        below = (self.node(child, "") for child in children.values())
        node.children = tuple(child for child in below if child.asks)
        slicing = tree.element.get("slicing")
        if tree.slices:
            node.slicing = self._slicing(tree, slicing or {})

    def _slicing(self, tree: Tree, slicing: JsonObject) -> Slicing:
        told = slicing.get("discriminator", ()) or _IMPLIED.get(element_name(tree.path), ())
        slices = tuple(
            Slice(name, self.node(one, name), discriminators(told, one, self._registry, self._root))
            for name, one in tree.slices.items()
        )
        return Slicing(str(slicing.get("rules", "open")), bool(slicing.get("ordered")), slices)


def tree_type(root: Tree) -> str:
    """The type that a root element is of."""
    return root.path.partition(".")[0]


def maximum(text: str) -> int | None:
    return None if text == "*" else int(text)


def base_elements(element: JsonObject) -> tuple[ElementDef, ...]:
    """What R4 itself says of this element, one for each type of a choice; empty where it does not know it."""
    path = str(element.get("base", {}).get("path", element["path"]))
    holder, _, name = path.rpartition(".")
    definition = definitions().type(holder) if holder else None
    return definition.by_name.get(name.removesuffix("[x]"), ()) if definition else ()


def _targets(type_: JsonObject, base: tuple[ElementDef, ...]) -> tuple[str, ...]:
    """The target profiles, unless they are what the base says."""
    wanted = tuple(type_.get("targetProfile", ()))
    ours = {url.removeprefix(BASE) for url in wanted}
    theirs = {t for e in base if e.type == type_code(type_) for t in e.targets}
    return () if not wanted or ours == theirs or "Resource" in ours else wanted


def _bindings(element: JsonObject, base: tuple[ElementDef, ...]) -> Iterator[Binding]:
    binding = element.get("binding")
    if not isinstance(binding, dict) or binding.get("strength") == "example":
        return
    value_set = str(binding.get("valueSet", ""))
    is_loose = value_set.partition("|")[0] == _LOOSE
    found = Binding("extensible" if is_loose else str(binding.get("strength", "")), value_set)
    if value_set and not any(_same(found, e.binding) for e in base):
        yield found
    for extension in binding.get("extension", ()):
        if extension.get("url") == _MAX_BINDING:
            yield Binding("required", str(extension.get("valueCanonical") or extension.get("valueUri") or ""))


def _same(binding: Binding, base: Binding | None) -> bool:
    if base is None or base.strength != binding.strength:
        return False
    return base.value_set.partition("|")[0] == binding.value_set.partition("|")[0]


def _invariants(element: JsonObject, root_type: str) -> Iterator[Invariant]:
    known = _known_keys(str(element.get("base", {}).get("path", element["path"])))
    for type_ in element.get("type", ()):
        known |= constraint_keys(type_code(type_))
    if element["path"] == root_type:
        known |= constraint_keys(root_type)
    for constraint in element.get("constraint", ()):
        if constraint.get("expression") and constraint.get("key") not in known:
            yield Invariant(
                str(constraint["key"]),
                str(constraint.get("severity", "error")),
                str(constraint.get("human", "")),
                str(constraint["expression"]),
            )


@lru_cache(4096)
def _known_keys(path: str) -> frozenset[str]:
    return constraint_keys(path)
