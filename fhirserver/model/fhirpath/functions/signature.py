"""How a function that only looks at evaluated collections is declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

from fhirserver.model.fhirpath.values import Items

Apply: TypeAlias = Callable[..., Items]
"""``(frame, input, *arguments) -> output``, every collection a list of Typed; absent optionals are None."""

Input: TypeAlias = Literal["any", "string", "boolean", "number"]


class Function(NamedTuple):
    """``result`` is a System type, ``input`` for the input's types, or ``any``; ``many`` for collections."""

    apply: Apply
    least: int = 0
    most: int = 0
    result: str = "any"
    many: bool = False
    input: Input = "any"
    ordered: bool = False
    """Whether the function depends on the order of its input."""
    unordered: bool = False
    """Whether the order of the result means nothing."""


Functions: TypeAlias = dict[str, Function]
