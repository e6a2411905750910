"""Compiled maps at run time: operations, and the segment and data type maps that are made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from adapters.hl7v2.convert.components import Fill, fill_function, value_function
from adapters.hl7v2.convert.context import Context
from adapters.hl7v2.convert.drafts import Draft, Json
from adapters.hl7v2.convert.fields import Complete, segment_function
from adapters.hl7v2.convert.nodes import Node
from adapters.hl7v2.convert.settling import settled
from adapters.hl7v2.convert.terms import Make, Test
from adapters.hl7v2.convert.values import TextRow
from adapters.hl7v2.maps.assignments import Term
from adapters.hl7v2.maps.conditions import OWN, Condition, Subject
from adapters.hl7v2.maps.targets import is_resource

Run = Callable[[Context, Draft, Json, Node | None, int], None]
"""Context, the resource, the object to start from, the value and which repetition it is of."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One row. ``numbers`` lead from the node to the row's own place; ``absent``: it also runs where that is absent;
    ``whole``: it is given all of the data type, of which its assignment names the parts; ``inner`` leads on from the
    component. ``made`` is the row where it makes a primitive value of a text: its own, ``text`` where that is the same
    whatever the message says, what ``assigned`` joins, else what ``make`` makes.
    ``condition`` is what ``test`` asks of the row ``own``."""

    numbers: tuple[int, ...]
    test: Test | None
    run: Run
    absent: bool
    group: int
    source: str
    top: str
    whole: bool = False
    inner: tuple[int, ...] = ()
    made: TextRow | None = None
    text: str | None = None
    make: Make | None = None
    condition: Condition | None = None
    own: Subject = OWN
    assigned: tuple[Term, ...] = ()


@dataclass(frozen=True)
class SegmentProgram:
    """``always`` are rows about the segment itself; ``fields`` the operations by field, in order."""

    segment: str
    resource: str
    always: tuple[Operation, ...]
    fields: tuple[tuple[int, tuple[Operation, ...]], ...]

    @cached_property
    def numbers(self) -> frozenset[int]:
        """The fields that it asks for."""
        return frozenset(number for number, _ in self.fields)

    @cached_property
    def run(self) -> Complete:
        """Completes a draft by the segment that the conversion is at."""
        return segment_function(self.segment, self.always, self.fields)


class DataTypeProgram:
    """A data type map. ``value`` makes a primitive's text, ``fill`` completes an object, ``links`` are ``partOf``."""

    def __init__(self, fhir: str) -> None:
        self.fhir = fhir
        self.values: list[tuple[Operation, Make | None]] = []
        self.operations: list[Operation] = []
        self.links: list[tuple[int, str, int]] = []
        self.is_resource = is_resource(fhir)
        self.is_plain = True
        """Whether it sees its own text only and makes nothing but what it fills: such can be kept."""

    @property
    def is_single(self) -> bool:
        """Whether it makes one object, and not several (``[2].given``)."""
        return all(operation.group == 1 for operation in self.operations)

    @cached_property
    def value(self) -> Make:
        """The text that a value is."""
        return value_function(self.values)

    @cached_property
    def fill(self) -> Fill:
        """Runs the operations on a value and the objects that they are about."""
        return fill_function(self.operations)

    @cached_property
    def _above(self) -> dict[int, tuple[str, int]]:
        return {group: (name, target) for group, name, target in self.links}

    def resources(self, context: Context, node: Node, main: Draft | None) -> Draft | None:
        """The resource that the value is; the ones that it is part of besides. None for nothing."""
        made = self._drafts(context, node)
        if not made:
            return None
        first = min(made)
        if main is not None:
            main.absorb(made[first])
            made[first] = main
        self._link(made)
        return made[first]

    def settled(self, context: Context, node: Node, draft: Draft) -> bool:
        """Make an untouched draft what the value is; False where that is nothing, or is not kept."""
        made = self._kept(context, node)
        if not made:
            return False
        draft.absorb(made[1])
        return True

    def _drafts(self, context: Context, node: Node) -> dict[int, Draft]:
        """By group, in order; those with something in them."""
        made = self._kept(context, node)
        return self._alone(context, node) if made is None else made

    def _alone(self, context: Context, node: Node) -> dict[int, Draft]:
        made: dict[int, Draft] = {}

        def objects(group: int) -> tuple[Draft, Json]:
            draft = made.get(group)
            if draft is None:
                draft = made[group] = Draft(self.fhir)
            return draft, draft.content

        self.fill(context, node, objects)
        return {group: made[group] for group in sorted(made) if not made[group].is_empty}

    def _kept(self, context: Context, node: Node) -> dict[int, Draft] | None:
        if not self.is_plain or context.held is not None:
            return None
        groups = settled(context, self, node, self._alone)
        if groups is None:
            return None
        made: dict[int, Draft] = {}
        for one in groups:
            made[one.group.number] = draft = Draft(self.fhir)
            draft.settle(one)
            draft.origin = dict.fromkeys(one.group.origin, context.place)
        return made

    def _link(self, made: dict[int, Draft]) -> None:
        above = self._above
        for group, draft in made.items():
            name, at = above.get(group, ("", 0))
            seen = {group}
            while at and at not in made and at not in seen:
                seen.add(at)
                at = above.get(at, ("", 0))[1]
            if at and at in made and at != group:
                draft.link(name, made[at])
