"""Rows that give a field to a data type map: an object of the resource completed, or a resource that is referred to.

A data type map sees its own text and nothing else of the message, so that what it makes where nothing is yet is kept
(``memo.py``) and used again. Where something is there already, and where a conversion is to be explained, the map runs
on what there is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from adapters.hl7v2.convert.codes import Vocabulary
from adapters.hl7v2.convert.context import Context
from adapters.hl7v2.convert.drafts import Draft, Items, Json, Reference, has_content
from adapters.hl7v2.convert.nodes import Node
from adapters.hl7v2.convert.operations import DataTypeProgram
from adapters.hl7v2.convert.settling import settled
from adapters.hl7v2.convert.writing import item, locator, mark, put, settle
from adapters.hl7v2.maps.targets import Target

Objects = Callable[[int], tuple[Draft, Json]]
"""A group's resource, and the object in it that is filled."""


class ObjectRow:
    """A row whose element is an object that ``program`` fills, its codes translated by ``words``. ``is_completed``:
    another row adds to it, so that what was made of the text before would have to be opened again."""

    def __init__(
        self,
        target: Target,
        program: DataTypeProgram,
        words: Vocabulary | None,
        source: str,
        is_completed: bool,
    ):
        self.target, self.program, self.words, self.source = target, program, words, source
        self.locate = locator(target) if target.hops else None
        self.settles = program.is_plain and bool(target.name) and not is_completed
        self.alone = self._alone

    def run(self, context: Context, draft: Draft, start: Json, node: Node | None, repetition: int) -> None:
        if node is None:
            return
        holder, at = draft, start
        if self.locate is not None:
            holder, at = self.locate(context, draft, start, repetition)
        groups = None
        if self.settles and context.held is None and context.memo is not None:
            groups = settled(context, self, node, self.alone)
        if groups is None or not settle(context, self.target, at, repetition, groups):
            self._fill(context, holder, node, self._within(context, holder, at, repetition))
        name = self.target.origin
        if context.traces is not None or name not in holder.origin:
            mark(context, self.target, holder, self.source)

    def _fill(self, context: Context, holder: Draft, node: Node, objects: Objects) -> None:
        before = context.held, context.held_path
        if context.traces is not None:
            context.held_path = context.within(holder, self.target.origin)
        context.held = holder
        self.program.fill(context, node, objects)
        context.held, context.held_path = before
        if self.words is not None:
            _translate(objects(1)[1], self.target.type, self.words)

    def _within(self, context: Context, holder: Draft, at: Json, repetition: int) -> Objects:
        """The objects as they stand in the resource."""
        target = self.target

        def objects(group: int) -> tuple[Draft, Json]:
            if group > 1 and not target.is_list:
                return Draft(holder.type), {}
            return holder, item(context, target, at, repetition, group)

        return objects

    def _alone(self, context: Context, node: Node) -> Mapping[int, Draft]:
        """What the map makes where nothing is."""
        holder = Draft("")
        made: dict[int, Draft] = {}

        def objects(group: int) -> tuple[Draft, Json]:
            if group > 1 and not self.target.is_list:
                return holder, {}
            if group not in made:
                made[group] = Draft("")
            return holder, made[group].content

        self._fill(context, holder, node, objects)
        return made


class ResourceRow:
    """A row whose element refers to a resource that ``program`` makes, or leads into it."""

    def __init__(self, target: Target, program: DataTypeProgram, source: str):
        self.target, self.program, self.source = target, program, source
        self.locate = locator(target)
        self.single = program.is_single

    def run(self, context: Context, draft: Draft, start: Json, node: Node | None, repetition: int) -> None:
        if node is None:
            return
        target, program = self.target, self.program
        holder, at = self.locate(context, draft, start, repetition)
        if target.type == "Reference":
            made = program.resources(context, node, None)
            if made is not None:
                put(context, target, holder, at, Reference(made), repetition, self.source)
            return
        if not self.single:
            program.resources(context, node, holder)
        elif not (holder.is_untouched and at is holder.content and program.settled(context, node, holder)):
            program.fill(context, node, lambda group: (holder, at))
        mark(context, target, holder, self.source)


def _translate(made: Json, type: str, words: Vocabulary) -> None:
    more: list[Json] = []
    if type == "CodeableConcept":
        codings = made.get("coding")
        for coding in list(codings.values()) if isinstance(codings, Items) else ():
            words.translate(coding, more)
        if isinstance(codings, Items):
            for number, coding in enumerate(more):
                codings[("original", number)] = coding
    elif has_content(made):
        words.translate(made, more)
