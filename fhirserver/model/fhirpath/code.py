"""What a piece of an expression compiles to: a closure and what is known of its result beforehand."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from fhirserver.model.fhirpath.environment import Frame
from fhirserver.model.fhirpath.values import Items
from fhirserver.model.fhirpath.walk import Walk, walker

Run: TypeAlias = Callable[[Frame, Items], Items]
"""A compiled expression: the state, and the collection a path without a beginning begins with."""


class Static(NamedTuple):
    """What is known before evaluation: possible types (None for any), whether many, whether in order."""

    types: frozenset[str] | None
    many: bool = True
    ordered: bool = True


ANYTHING = Static(None)


def one_of(*types: str) -> Static:
    """A single item of one of the ``types``."""
    return Static(frozenset(types), many=False)


class Code(NamedTuple):
    """``walk`` is set when the code is a plain path from the focus; such code is also a direct walk."""

    run: Run
    static: Static
    walk: Walk | None = None
    type_only: Run | None = None
    """For ``resolve()``: stand-ins that have the right type but no content, enough for a type test."""


def from_walk(walk: Walk, static: Static) -> Code:
    """Code for a plain path that goes from each item of the focus."""
    return Code(run_walk(walk), static, walk)


def run_walk(walk: Walk) -> Run:
    if not walk:
        return lambda frame, focus: focus
    direct = walker(walk)

    def run(frame: Frame, focus: Items) -> Items:
        if len(focus) == 1:
            return direct(focus[0].value)
        return [found for item in focus for found in direct(item.value)]

    return run
