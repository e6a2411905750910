"""Expressions of a mapping file: JMESPath with functions for what records of EHRs are made of.

https://jmespath.org/specification.html

An expression sees the vendor's record (or on the way out the FHIR resource) as its root, and beside its members those
of the scope under names that begin with ``_``. Within a projection or a filter, where only the current item is seen,
``given('_name.member')`` reaches them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.visitor import Options

from adapters.rest.functions import Functions
from fhirserver.kernel.json import Json, JsonObject

Scope = Mapping[str, Json]


class InvalidExpression(ValueError):
    """An expression cannot be read; the message says why."""


class Unmappable(ValueError):
    """An expression failed on a record. Names the expression's place, never a value."""


@dataclass(frozen=True, slots=True)
class Expression:
    """One compiled expression and where it stands in the file."""

    text: str
    place: str
    parsed: Any

    @property
    def is_literal(self) -> bool:
        """Whether it says the same whatever the record."""
        return bool(self.parsed.parsed["type"] == "literal")

    @property
    def calls(self) -> list[str]:
        """The names of the functions it calls."""
        return list(_calls(self.parsed.parsed))


def _calls(node: Mapping[str, Any]) -> list[str]:
    found = [str(node["value"])] if node.get("type") == "function_expression" else []
    for child in node.get("children", ()):
        if isinstance(child, Mapping):
            found += _calls(child)
    return found


def compile_expression(text: str, place: str) -> Expression:
    """Raises :class:`InvalidExpression`."""
    try:
        return Expression(text, place, jmespath.compile(text))
    except JMESPathError as error:
        raise InvalidExpression(f"no expression: {' '.join(str(error).split())}") from None


class Evaluator:
    """Evaluates the expressions of one mapping."""

    def __init__(self, functions: Functions):
        self.functions = functions
        self._options = Options(custom_functions=functions)

    def value(self, expression: Expression, record: Json, scope: Scope) -> Json:
        """The value, None for nothing. Raises :class:`Unmappable`."""
        functions = self.functions
        before, functions.scope = functions.scope, scope
        try:
            root = {**record, **scope} if isinstance(record, dict) else record
            return expression.parsed.search(root, self._options)
        except (JMESPathError, ValueError, TypeError, ArithmeticError) as error:
            raise Unmappable(f"{expression.place}: {type(error).__name__}") from None
        finally:
            functions.scope = before

    def text(self, expression: Expression, record: Json, scope: Scope) -> str:
        """The value as text; empty for nothing."""
        return plain(self.value(expression, record, scope))


def plain(value: Json) -> str:
    """A value as it stands in an address or a form."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def prune(value: Json) -> Json:
    """The value without what says nothing: null, empty text, empty lists and objects."""
    if isinstance(value, dict):
        members: JsonObject = {name: prune(inner) for name, inner in value.items()}
        return {name: inner for name, inner in members.items() if inner is not None} or None
    if isinstance(value, list):
        return [kept for kept in map(prune, value) if kept is not None] or None
    if isinstance(value, str):
        return value.strip() or None
    return value
