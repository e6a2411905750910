"""Python functions written out for the rows of a map and compiled once: a walk over their parts costs more.

Sources hold names, numbers and operators that the callers of this module write. Whatever comes from a map or a site,
every text among them, is bound to a name: it is data of the function and never part of its source.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from types import CodeType
from typing import Any


class Source:
    """The lines of one function to be, and what they are bound to."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.bound: dict[str, Any] = {}

    def bind(self, value: object) -> str:
        """The name by which the source speaks of a value."""
        name = f"_{len(self.bound)}"
        self.bound[name] = value
        return name

    def add(self, *lines: str) -> None:
        self.lines += lines

    def function(self, parameters: str, name: str = "row") -> Any:
        """The function of these lines."""
        body = "\n".join(indented(self.lines or ["pass"]))
        scope = dict(self.bound)
        code = _compiled(f"def {name}({parameters}):\n{body}\n")
        exec(code, scope)  # noqa: S102 -- see above: nothing of a map or a site is in the source
        return scope[name]

    def expression(self, parameters: str, text: str) -> Any:
        """The function that returns ``text``."""
        self.add(f"return {text}")
        return self.function(parameters)


def indented(lines: Iterable[str]) -> list[str]:
    """The lines within a block."""
    return [f"    {line}" for line in lines]


@lru_cache(maxsize=4096)
def _compiled(text: str) -> CodeType:
    """Sites have most rows in common: their functions differ in what is bound only."""
    return compile(text, "<row of a map>", "exec")
