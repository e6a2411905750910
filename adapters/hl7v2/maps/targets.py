"""Paths resolved against the R4 definitions: what each step is, where a repetition goes, what stands at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from adapters.hl7v2.maps.errors import MapError
from adapters.hl7v2.maps.paths import Step, parse_path
from fhirserver.model.definitions import definitions
from fhirserver.model.definitions.records import ElementDef

OBJECT, LIST, RESOURCE, RESOURCES = range(4)
"""Kinds of a hop: into an object, an item of a list, the resource that is referred to (one, or one of a list)."""

SHARED = frozenset({"dosageInstruction", "doseAndRate"})
"""Backbones that several segments fill together; of all others each segment has an item of its own."""

MESSAGE_ONLY = frozenset({"Bundle", "MessageHeader", "Provenance"})


@dataclass(frozen=True, slots=True)
class Hop:
    """One step inward. ``slot`` tells items apart, ``repeats`` whether each repetition has its own; ``rivals`` are the
    other types of a choice, of which only one may be there."""

    kind: int
    name: str
    slot: str = ""
    repeats: bool = False
    shared: bool = False
    resource: str = ""
    rivals: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Target:
    """``hops`` lead to the object that has the element ``name`` (empty: that object itself is meant).

    ``type`` is the element's FHIR type, ``origin`` the top element in its own resource. ``group`` is the number of a
    data type map's result (``[2].given``).
    """

    hops: tuple[Hop, ...]
    name: str
    type: str
    is_list: bool
    slot: str
    repeats: bool
    group: int
    top: str
    binding: str = ""
    rivals: frozenset[str] = frozenset()
    origin: str = ""

    @property
    def inner_top(self) -> str:
        """The top element within the innermost resource that the path leads into."""
        names = [hop.name for hop in self.hops]
        start = max((n for n, hop in enumerate(self.hops) if hop.resource), default=-1) + 1
        return (names[start:] or [self.name])[0]


@lru_cache(maxsize=8192)
def resolve(text: str, context: str, field: str, in_data_type: bool = False) -> Target:
    """``context`` is the type the path starts in. Raises :class:`MapError`."""
    steps = list(parse_path(text))
    group = 0
    if not steps[0].name:
        group = steps.pop(0).index
    if steps and steps[0].name == context.partition(".")[0] and steps[0].name[:1].isupper():
        steps.pop(0)
    if not steps or steps[0].name in ("$this", "$value"):
        value = bool(steps) and steps[0].name == "$value"
        return Target((), "$value" if value else "", context, False, "", False, group, "")
    made = _Resolver(context, field, steps, in_data_type).target(group)
    return replace(made, origin=made.inner_top)


class _Resolver:
    def __init__(self, context: str, field: str, steps: list[Step], in_data_type: bool):
        self.context, self.field, self.steps, self.in_data_type = context, field, steps, in_data_type
        self.hops: list[Hop] = []
        self.rivals: frozenset[str] = frozenset()

    def target(self, group: int) -> Target:
        repeats_at = self._repetition()
        context = self.context
        top = ""
        for at, step in enumerate(self.steps):
            element = element_of(context, step)
            self.rivals = _rivals(context, element)
            top = top or element.json_name
            last = at == len(self.steps) - 1
            if last and not is_resource(step.resource):
                return self._leaf(element, step, repeats_at == at, group, top)
            context = self._hop(element, step, repeats_at == at, last)
        return Target(tuple(self.hops), "", context, False, "", False, group, top)

    def _leaf(self, element: ElementDef, step: Step, repeats: bool, group: int, top: str) -> Target:
        binding = (
            element.binding.value_set if element.binding and element.binding.strength == "required" else ""
        )
        slot = self._slot(element, step)
        return Target(
            tuple(self.hops),
            element.json_name,
            element.type,
            element.is_list,
            slot,
            repeats,
            group,
            top,
            binding,
            self.rivals,
        )

    def _hop(self, element: ElementDef, step: Step, repeats: bool, last: bool) -> str:
        slot = self._slot(element, step)
        name = element.json_name
        shared = name in SHARED
        if is_resource(step.resource):
            kind = RESOURCES if element.is_list else RESOURCE
            self.hops.append(Hop(kind, name, slot, repeats, shared, step.resource, self.rivals))
            return step.resource
        kind = LIST if element.is_list else OBJECT
        if is_primitive(element.type):
            self.hops.append(Hop(kind, "_" + name, slot))
            return "Element"
        self.hops.append(Hop(kind, name, slot, repeats, shared, "", self.rivals))
        return element.type

    def _slot(self, element: ElementDef, step: Step) -> str:
        """What tells an item from others: its number; else the field, of a data type that is filled by one field."""
        if step.index:
            return str(step.index)
        inner = (
            "." in element.type
            or is_resource(step.resource)
            or (self.in_data_type and not is_primitive(element.type))
        )
        return "" if inner else self.field

    def _repetition(self) -> int:
        """Where repetitions of the field go: the element itself if it repeats, else the outermost numbered list."""
        context, numbered, each, plain = self.context, -1, -1, -1
        element = None
        for at, step in enumerate(self.steps):
            element = element_of(context, step)
            if step.index == -1:
                each = at
            elif element.is_list and step.index and numbered < 0:
                numbered = at
            if element.is_list and "." not in element.type:
                plain = at
            context = step.resource or ("Element" if is_primitive(element.type) else element.type)
        if each >= 0:
            return each
        last = len(self.steps) - 1
        if element is not None and element.is_list:
            return last
        return numbered if numbered >= 0 else plain


def element_of(context: str, step: Step) -> ElementDef:
    """The element that a step names within a type; choices by their JSON name. Raises :class:`MapError`."""
    found = definitions().type(context)
    if found is None:
        raise MapError(f"{context} is no type of R4")
    elements: Mapping[str, ElementDef] = found.elements
    if step.name in elements:
        return elements[step.name]
    if step.resource and f"{step.name}Reference" in elements:
        return elements[f"{step.name}Reference"]
    raise MapError(f"{context} has no element {step.name}")


def _rivals(context: str, element: ElementDef) -> frozenset[str]:
    definition = definitions().type(context)
    if not element.choice or definition is None:
        return frozenset()
    others = (other.json_name for other in definition.elements.values() if other.choice == element.choice)
    return frozenset(name for name in others if name != element.json_name)


def is_primitive(name: str) -> bool:
    found = definitions().type(name)
    return found is not None and found.kind == "primitive-type"


def is_resource(name: str) -> bool:
    return name in definitions().resource_types
