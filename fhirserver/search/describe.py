"""A search expression as text for operators: what was understood, without the values that were asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, Final

from fhirserver.search.expression import And, Chain, CompositeIs, Differs, Expression, Has, Not, Or

_SHOWN: Final = ("param", "type", "kind", "prefix", "how", "via", "direction", "starts", "by_url")
"""The members that say how is asked; all others hold values, which may be about a person."""
_MOST: Final = 200


def described(expression: Expression) -> list[str]:
    """A line for each node, indented by its depth; a very large tree is cut off."""
    lines = []
    for line in _lines(expression, 0):
        lines.append(line)
        if len(lines) == _MOST:
            return [*lines, "…"]
    return lines


def _lines(node: Any, depth: int) -> Iterator[str]:
    members = {field.name for field in fields(node)}
    told = [f"{name}={getattr(node, name)}" for name in _SHOWN if name in members and getattr(node, name)]
    yield "  " * depth + " ".join([type(node).__name__, *told])
    for inner in _inside(node):
        yield from _lines(inner, depth + 1)


def _inside(node: Any) -> tuple[Any, ...]:
    match node:
        case And(of=of) | Or(of=of):
            return of
        case Not(of=inner) | Differs(of=inner):
            return (inner,)
        case Chain(where=where) | Has(where=where):
            return (where,)
        case CompositeIs(parts=parts):
            return parts
    return ()
