"""The rows of a data type map as one function: what a component is asked for several times is read once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from adapters.hl7v2.convert.context import Context
from adapters.hl7v2.convert.drafts import Draft, Json
from adapters.hl7v2.convert.generating import Source, indented
from adapters.hl7v2.convert.nodes import Node
from adapters.hl7v2.convert.terms import Make, Words, asked, joined
from adapters.hl7v2.convert.values import At
from adapters.hl7v2.maps.targets import Hop
from adapters.hl7v2.message import NULL

if TYPE_CHECKING:
    from adapters.hl7v2.convert.operations import Operation

Objects = Callable[[int], tuple[Draft, Json]]
"""A group's resource, and the object in it that is filled."""
Fill = Callable[[Context, Node, Objects], None]


Shared = dict[tuple[int, tuple[Hop, ...]], int]
"""The group and the hops of rows to the number of the variables that hold where these lead."""


class _Parts(Words):
    """Components as variables: ``t3`` is the text of the third, empty where it is absent or stated to be nothing,
    ``v3`` its value, empty or None then."""

    def __init__(self) -> None:
        self.texts: set[int] = set()
        self.values: set[int] = set()

    def has(self, number: int) -> str:
        self.texts.add(number)
        return f"t{number}"

    def component(self, number: int) -> str:
        self.texts.add(number)
        self.values.add(number)
        return f"v{number}"

    def read(self, source: Source) -> list[str]:
        """The lines that set the variables."""
        if not self.texts:
            return []
        last = max(self.texts)
        texts = "".join(f"t{number}, " if number in self.texts else "_, " for number in range(1, last + 1))
        null, values = source.bind(NULL), sorted(self.values)
        lines = [
            "parts = node.parts()",
            f"if {null} in node.text: parts = ['' if part == {null} else part for part in parts]",
            f"{texts}= (parts + {source.bind([''] * last)})[:{last}]",
        ]
        if values:
            plain = "; ".join(f"v{number} = t{number}" for number in values)
            inner = "; ".join(f"v{number} = inner(t{number}) if t{number} else ''" for number in values)
            lines += [f"if node.is_plain: {plain}", "else:", f"    inner = node.inner; {inner}"]
        return lines


def fill_function(operations: Sequence[Operation]) -> Fill:
    """Runs the operations in their order: of components that are there, and those that speak of absence."""
    rows, parts = Source(), _Parts()
    shared = shared_hops(operations)
    for operation in operations:
        _row(rows, parts, operation, shared)
    source = Source()
    source.bound = rows.bound
    groups = sorted({operation.group for operation in operations})
    source.add(*parts.read(source), *(f"d{group} = None" for group in groups))
    source.add(*(f"at{inner} = None" for inner in shared.values()), *rows.lines)
    made: Fill = source.function("context, node, objects", "fill")
    return made


def value_function(rows: Sequence[tuple[Operation, Make | None]]) -> Make:
    """The first text that a row makes of a node; rows without a ``Make`` take their own component."""
    source, parts = Source(), _Parts()
    lines: list[str] = []
    for operation, make in rows:
        numbers, conditions = operation.numbers, []
        if not operation.absent and numbers:
            conditions.append(parts.has(numbers[0]))
        elif not operation.absent:
            conditions.append(f"node.text != {source.bind(NULL)}")
        if not operation.absent and len(numbers) > 1:
            conditions.append(f"node.at({source.bind(numbers)}) is not None")
        if operation.condition is not None:
            conditions.append(f"({asked(source, operation.condition, operation.own, parts)})")
        made = f"{source.bind(make)}(context, node)" if make is not None else "node.value()"
        if make is None and numbers:
            made = parts.component(numbers[0])
        lines.append(f"if {' and '.join(conditions) or 'True'} and (made := {made}): return made")
    source.add("if node is None: return None", *parts.read(source), *lines, "return None")
    function: Make = source.function("context, node", "value")
    return function


def shared_hops(operations: Sequence[Operation]) -> Shared:
    """Numbers for the ways that several rows go."""
    ways = Counter(_way(one) for one in operations if one.made is not None and one.made.target.hops)
    return {way: inner for inner, way in enumerate((way for way in ways if ways[way] > 1), 1)}


def at(operation: Operation, draft: str, start: str, repetition: str, shared: Shared) -> At:
    """Where a row of a primitive value puts it."""
    return At(draft, start, repetition, shared.get(_way(operation), 0))


def _way(operation: Operation) -> tuple[int, tuple[Hop, ...]]:
    return operation.group, operation.made.target.hops if operation.made is not None else ()


def _row(rows: Source, parts: _Parts, operation: Operation, shared: Shared) -> None:
    number, group = (operation.numbers or (0,))[0], operation.group
    holder, start = f"d{group}", f"c{group}"
    conditions = []
    if number and not operation.absent:
        conditions.append(parts.has(number))
        if operation.inner:
            conditions.append(f"(own := {_node(rows, parts, operation, number)}) is not None")
    if operation.condition is not None:
        conditions.append(f"({asked(rows, operation.condition, operation.own, parts)})")
    rows.add(
        f"if {' and '.join(conditions) or 'True'}:",
        f"    if {holder} is None: {holder}, {start} = objects({group})",
        *indented(_run(rows, parts, operation, number, at(operation, holder, start, "0", shared))),
    )


def _run(rows: Source, parts: _Parts, operation: Operation, number: int, at: At) -> list[str]:
    if operation.made is None:
        node = _on(rows, parts, operation, number)
        return [f"{rows.bind(operation.run)}(context, {at.draft}, {at.start}, {node}, 0)"]
    if operation.text is not None:
        return operation.made.constant(rows, operation.text, at)
    text = joined(rows, operation.assigned, parts) if operation.assigned else parts.component(number)
    lines = operation.made.lines(rows, "said", at)
    return [f"if said := {text}:", *indented(lines)]


def _on(rows: Source, parts: _Parts, operation: Operation, number: int) -> str:
    """The node that the row is run on."""
    if operation.whole:
        return "node"
    if operation.absent:
        return f"({_node(rows, parts, operation, number)}) or node"
    return "own" if number and operation.inner else _node(rows, parts, operation, number)


def _node(rows: Source, parts: _Parts, operation: Operation, number: int) -> str:
    """The row's own component."""
    if not number:
        return "node"
    child = f"node.child({number})"
    if operation.inner:
        child += f".at({rows.bind(operation.inner)})"
    return f"{child} if {parts.has(number)} else None" if operation.absent else child
