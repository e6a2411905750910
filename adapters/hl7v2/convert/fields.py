"""The rows of a segment map as one function: field by field, each repetition once through its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from adapters.hl7v2.convert.components import Shared, at, shared_hops
from adapters.hl7v2.convert.context import Context
from adapters.hl7v2.convert.drafts import Draft
from adapters.hl7v2.convert.generating import Source, indented
from adapters.hl7v2.convert.nodes import Node
from adapters.hl7v2.convert.terms import Words, asked
from adapters.hl7v2.message import NULL
from adapters.hl7v2.separators import HEADERS

if TYPE_CHECKING:
    from adapters.hl7v2.convert.operations import Operation

Complete = Callable[[Context, Draft], None]
Fields = Sequence[tuple[int, Sequence["Operation"]]]


def segment_function(name: str, always: Sequence[Operation], fields: Fields) -> Complete:
    """Completes a draft by the segment that the conversion is at; ``always`` only what its fields have said something
    of."""
    source = Source()
    rows = _Rows(source, name, any(not one.top for _, operations in fields for one in operations))
    source.bound |= {"Node": Node, "divided": _divided, "nothing": _nothing, "null": NULL}
    source.add(
        "segment = context.segment",
        "fields, separators = segment.fields, segment.separators",
        "most, divider = len(fields), separators.repetition",
        f"numbers = {source.bind(frozenset(number for number, _ in fields))}",
        "used = context.used.get(segment.index)",
        "context.used[segment.index] = numbers if used is None else used | numbers",
        *rows.begin,
    )
    for number, operations in fields:
        rows.field(number, operations)
    if always:
        source.add("if not draft.is_empty:", f"    context.place = {source.bind(name)}", "    node = None")
        for operation in always:
            source.add(*indented(rows.row(operation, "0", False)))
    made: Complete = source.function("context, draft", "complete")
    return made


class _Rows:
    """Writes the rows. ``is_whole``: one of them makes the resource itself what a data type is, which its content is
    not to be asked before."""

    def __init__(self, source: Source, name: str, is_whole: bool):
        self.source, self.name = source, name
        self.content = "draft.content" if is_whole else "content"
        self.shared: Shared = {}
        self.begin = () if is_whole else ("content = draft.content",)

    def field(self, number: int, operations: Sequence[Operation]) -> None:
        source, place = self.source, self.source.bind(f"{self.name}-{number}")
        parts = "((0, whole),)"
        if not (self.name in HEADERS and number <= 2):
            parts = f"divided(whole, divider) if divider and divider in whole else {parts}"
        of_field = source.bind(tuple(operations))
        self.shared = shared_hops([one for one in operations if not one.absent])
        source.add(
            f"if most > {number} and (whole := fields[{number}]):",
            f"    context.place = {place}",
            f"    for repetition, text in {parts}:",
            "        if text == null:",
            f"            nothing(context, draft, repetition, {of_field})",
            "            continue",
            "        node = Node(text, 0, separators)",
            *(f"        at{inner} = None" for inner in self.shared.values()),
        )
        for operation in operations:
            source.add(*indented(indented(self.row(operation, "repetition", True))))
        absent = [one for one in operations if one.absent and one.test is not None]
        self.shared = {}
        if absent:
            source.add("else:", "    node = None")
            for operation in absent:
                source.add(*indented(self.row(operation, "0", False, f"context.place = {place}")))

    def row(self, operation: Operation, repetition: str, is_there: bool, first: str = "") -> list[str]:
        """The row; ``first`` is done before it where its condition holds."""
        lines = self._run(operation, repetition, "own" if operation.numbers else "node", is_there)
        lines = [first, *lines] if first else lines
        if operation.condition is not None:
            condition = asked(self.source, operation.condition, operation.own, Words())
            lines = [f"if {condition}:", *indented(lines)]
        if not operation.numbers:
            return lines
        if not is_there:
            return ["own = None", *lines]
        own = f"own = node.at({self.source.bind(operation.numbers)})"
        return [own, *lines] if operation.absent else [own, "if own is not None:", *indented(lines)]

    def _run(self, operation: Operation, repetition: str, own: str, is_there: bool) -> list[str]:
        source, made = self.source, operation.made
        if made is None:
            return [f"{source.bind(operation.run)}(context, draft, {self.content}, {own}, {repetition})"]
        where = at(operation, "draft", self.content, repetition, {} if operation.absent else self.shared)
        if operation.text is not None:
            return made.constant(source, operation.text, where)
        lines = made.lines(source, "said", where)
        if operation.make is not None:
            said = f"(said := {source.bind(operation.make)}(context, {own})) and type(said) is str"
        else:
            known = is_there and not operation.absent
            said = f"said := {own}.value()" if known else f"{own} is not None and (said := {own}.value())"
        return [f"if {said}:", *indented(lines)]


def _divided(text: str, divider: str) -> Iterable[tuple[int, str]]:
    """Repetitions with their numbers, the empty ones left out."""
    return enumerate(part for part in text.split(divider) if part)


def _nothing(context: Context, draft: Draft, repetition: int, operations: Iterable[Operation]) -> None:
    """A repetition that is stated to be nothing."""
    for operation in operations:
        if operation.top:
            draft.nulls.setdefault(context.place, operation.top)
        if operation.absent and (operation.test is None or operation.test(context, None)):
            operation.run(context, draft, draft.content, None, repetition)
